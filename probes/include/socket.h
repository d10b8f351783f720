/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Reads a socket that a BTF-typed tracepoint hands over: plain loads, no helper calls. */
#ifndef L4SCOPE_SOCKET_H
#define L4SCOPE_SOCKET_H

#include "event.h"

#define MAPPED bpf_htonl(0xffff)

static __always_inline void mapped_address(__be32 to[4], __be32 v4)
{
	to[0] = 0;
	to[1] = 0;
	to[2] = MAPPED;
	to[3] = v4;
}

static __always_inline void copy_address(__be32 to[4], const struct in6_addr *from)
{
	to[0] = from->in6_u.u6_addr32[0];
	to[1] = from->in6_u.u6_addr32[1];
	to[2] = from->in6_u.u6_addr32[2];
	to[3] = from->in6_u.u6_addr32[3];
}

/* All but the local port, of which a closed or half-open socket has only inet_sport or only skc_num. */
static __always_inline void read_ends(struct ends *ends, const struct sock_common *common)
{
	if (common->skc_family == AF_INET6) {
		copy_address(ends->local, &common->skc_v6_rcv_saddr);
		copy_address(ends->remote, &common->skc_v6_daddr);
	} else {
		mapped_address(ends->local, common->skc_rcv_saddr);
		mapped_address(ends->remote, common->skc_daddr);
	}
	ends->remote_port = bpf_ntohs(common->skc_dport);
}

static __always_inline u32 read_netns(const struct sock_common *common)
{
	return common->skc_net.net->ns.inum;
}

/*
 * Whether the running process is one that uses the socket. It is while a process holds the socket's lock; softirq
 * handlers and timers leave such a socket alone, or are run on the process's behalf when it lets go.
 */
static __always_inline bool in_owners_context(const struct sock *sk)
{
	return sk->sk_lock.owned != 0;
}

#endif
