/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Reads the ends of any packet that a tracepoint hands over, of whatever protocol, from where its IP header begins. */
#ifndef L4SCOPE_FRAME_H
#define L4SCOPE_FRAME_H

#include "event.h"
#include "socket.h"

#define IPPROTO_UDP 17
#define IPPROTO_SCTP 132
#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
/* ~0 is what the kernel has for a header that was not found yet. */
#define NO_HEADER 0xffff

/* A flavour of struct sk_buff (what follows ___ is no part of its name) with what only these programs read. */
struct sk_buff___frame {
	struct net_device___frame *dev;
	struct sock *sk;
	unsigned int len;
	int skb_iif;
	__be16 protocol;
	u16 network_header;
	u16 mac_header;
	unsigned char *head;
	unsigned char *data;
} __attribute__((preserve_access_index));

struct net_device___frame {
	int ifindex;
	unsigned short hard_header_len;
	possible_net_t nd_net;
} __attribute__((preserve_access_index));

struct packet_ends {
	u8 protocol;	 /* of IP */
	u8 flags;	 /* of TCP */
};

static __always_inline bool has_ports(u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}

/*
 * The source as the remote end, the destination as the local one; ports 0 where there are none. False where there is no
 * IP header where the kernel says it is.
 */
static __always_inline bool read_ends_of_packet(struct ends *ends, struct packet_ends *packet,
						const struct sk_buff___frame *skb)
{
	const unsigned char *head = skb->head;
	u16 network = skb->network_header;
	u16 type = bpf_ntohs(skb->protocol);
	u8 ip[40];
	u8 transport[14] = {};
	u32 length;

	if (!head || network == NO_HEADER)
		return false;
	if (type == ETHERTYPE_IPV4) {
		if (bpf_probe_read_kernel(ip, 20, head + network) || ip[0] >> 4 != 4)
			return false;
		mapped_address(ends->remote, *(__be32 *)(ip + 12));
		mapped_address(ends->local, *(__be32 *)(ip + 16));
		packet->protocol = ip[9];
		length = (ip[0] & 15) * 4;
		if ((ip[6] & 0x1f) || ip[7]) /* no first fragment: what follows are no ports */
			return true;
	} else if (type == ETHERTYPE_IPV6) {
		if (bpf_probe_read_kernel(ip, sizeof(ip), head + network) || ip[0] >> 4 != 6)
			return false;
		__builtin_memcpy(ends->remote, ip + 8, 16);
		__builtin_memcpy(ends->local, ip + 24, 16);
		packet->protocol = ip[6];
		length = 40;
	} else {
		return false;
	}
	if (!has_ports(packet->protocol) ||
	    bpf_probe_read_kernel(transport, packet->protocol == IPPROTO_TCP ? 14 : 4, head + network + length))
		return true;
	ends->remote_port = transport[0] << 8 | transport[1];
	ends->local_port = transport[2] << 8 | transport[3];
	packet->flags = transport[13];
	return true;
}

static __always_inline u32 read_packets_netns(const struct sk_buff___frame *skb)
{
	const struct net_device___frame *dev = skb->dev;
	if (dev)
		return dev->nd_net.net->ns.inum;
	const struct sock *sk = skb->sk;
	return sk ? sk->__sk_common.skc_net.net->ns.inum : 0;
}

#endif
