// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* One event for each connect() of this host when it succeeds or fails: how long it took, or why it failed. */
#include "../include/kernel.h"
#include <bpf/bpf_tracing.h>
#include "../include/event.h"
#include "../include/filter.h"
#include "../include/socket.h"

enum kind {
	CONNECTED,
	FAILED,	      /* the socket says why */
	CALL_FAILED,  /* connect() itself returned the error */
};

struct tcpconnect_event {
	struct event_head head;
	u64 took_ns;
	int error; /* sk_err, or what connect() returned, positive */
	u8 shutdown;
	u8 syn_retransmits;
	u16 pad;
};

struct attempt {
	u64 began_ns;
	u32 pid;
	u32 pad;
	char comm[COMM_LENGTH];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, u64); /* the socket's address */
	__type(value, struct attempt);
} attempts SEC(".maps");

/* Set where connect_done_v4 and connect_done_v6 are attached: they know the error that a call returned. */
const volatile u32 hears_calls = 0;

static __always_inline void tell(const struct sock *sk, const struct ends *ends, const struct attempt *attempt, u16 kind,
				 int error)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock((void *)sk);
	if (!tp || !passes_addresses(ends, ROLE_CONNECT) || !passes_process(attempt->pid, attempt->comm))
		return;
	struct tcpconnect_event *event = reserve_event(sizeof(*event));
	if (!event)
		return;
	event->head.time_ns = bpf_ktime_get_ns();
	event->head.ends = *ends;
	event->head.netns = read_netns(&sk->__sk_common);
	event->head.pid = attempt->pid;
	__builtin_memcpy(event->head.comm, attempt->comm, COMM_LENGTH);
	event->head.state = kind == CONNECTED ? TCP_ESTABLISHED : TCP_SYN_SENT;
	event->head.role = ROLE_CONNECT;
	event->head.kind = kind;
	event->took_ns = event->head.time_ns - attempt->began_ns;
	event->error = error;
	event->shutdown = sk->sk_shutdown;
	event->syn_retransmits = tp->total_retrans;
	event->pad = 0;
	submit_event(event);
}

static __always_inline void note_attempt(struct attempt *attempt)
{
	attempt->began_ns = bpf_ktime_get_ns();
	attempt->pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(attempt->comm, sizeof(attempt->comm));
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(state_changed, const struct sock *sk, int oldstate, int newstate)
{
	u64 key = (u64)sk;
	struct ends ends;

	if (newstate == TCP_SYN_SENT) {
		struct attempt attempt = {};
		if (sk->sk_protocol != IPPROTO_TCP || !passes_netns(read_netns(&sk->__sk_common)))
			return 0;
		note_attempt(&attempt);
		if (bpf_map_update_elem(&attempts, &key, &attempt, BPF_ANY))
			count_untracked();
		return 0;
	}
	if (oldstate != TCP_SYN_SENT)
		return 0;
	struct attempt *attempt = bpf_map_lookup_elem(&attempts, &key);
	if (!attempt)
		return 0;
	int error = sk->sk_err;
	u16 kind = newstate == TCP_CLOSE ? FAILED : CONNECTED;
	struct tcp_sock *tp = bpf_skc_to_tcp_sock((void *)sk);
	/* otherwise connect() is on its way out with the error */
	if (tp && !(hears_calls && kind == FAILED && error == 0 && sk->sk_shutdown == 0)) {
		read_ends(&ends, &sk->__sk_common);
		ends.local_port = bpf_ntohs(tp->inet_conn.icsk_inet.inet_sport);
		tell(sk, &ends, attempt, kind, error);
	}
	bpf_map_delete_elem(&attempts, &key);
	return 0;
}

#define EINPROGRESS 115

/* A call that failed before or after a SYN was to be sent: no route, no free port, no memory. */
static __always_inline int connect_done(struct sock *sk, const void *address, int result, u16 family)
{
	struct attempt attempt = {};
	struct ends ends = {};
	u8 to[28] = {};

	/* of a mapped address, tcp_v6_connect calls tcp_v4_connect */
	if (result >= 0 || result == -EINPROGRESS || sk->__sk_common.skc_family != family)
		return 0;
	if (!passes_netns(read_netns(&sk->__sk_common)))
		return 0;
	read_ends(&ends, &sk->__sk_common);
	ends.local_port = sk->__sk_common.skc_num;
	/* struct sockaddr_in or sockaddr_in6; the call has the kernel's copy */
	if (bpf_probe_read_kernel(to, family == AF_INET6 ? 28 : 8, address))
		return 0;
	ends.remote_port = to[2] << 8 | to[3];
	if (family == AF_INET6)
		__builtin_memcpy(ends.remote, to + 8, 16);
	else
		mapped_address(ends.remote, *(__be32 *)(to + 4));
	note_attempt(&attempt);
	tell(sk, &ends, &attempt, CALL_FAILED, -result);
	return 0;
}

SEC("fexit/tcp_v4_connect")
int BPF_PROG(connect_done_v4, struct sock *sk, const void *address, int length, int result)
{
	return connect_done(sk, address, result, AF_INET);
}

SEC("fexit/tcp_v6_connect")
int BPF_PROG(connect_done_v6, struct sock *sk, const void *address, int length, int result)
{
	return connect_done(sk, address, result, AF_INET6);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
