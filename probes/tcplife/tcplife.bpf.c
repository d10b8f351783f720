// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* One event for each TCP connection of this host's sockets when it ends: how long, how much, who, and how it ended. */
#include "../include/kernel.h"
#include <bpf/bpf_tracing.h>
#include "../include/event.h"
#include "../include/filter.h"
#include "../include/socket.h"

struct tcplife_event {
	struct event_head head;
	u64 born_ns;	    /* connect() was called, or the handshake of an accepted one completed */
	u64 established_ns; /* 0: never */
	u64 bytes_sent;	    /* acknowledged by the peer; SYN and FIN count one each, as in struct tcp_info */
	u64 bytes_received; /* the peer's FIN counts one */
	u32 smoothed_rtt_us;
	u32 retransmits;
	int error;   /* sk_err */
	u8 shutdown; /* sk_shutdown */
	u8 in_owners_context;
	u16 pad;
};

struct birth {
	u64 born_ns;
	u64 established_ns;
	u32 pid;
	u8 role;
	u8 pad[3];
	char comm[COMM_LENGTH];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 131072);
	__type(key, u64); /* the socket's address: it is in use until TCP_CLOSE */
	__type(value, struct birth);
} births SEC(".maps");

static __always_inline void note_process(struct birth *birth)
{
	birth->pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(birth->comm, sizeof(birth->comm));
}

static __always_inline void begin(u64 key, u8 role)
{
	struct birth birth = { .born_ns = bpf_ktime_get_ns(), .role = role };
	if (role == ROLE_CONNECT)
		note_process(&birth);
	else
		birth.established_ns = birth.born_ns;
	if (bpf_map_update_elem(&births, &key, &birth, BPF_ANY))
		count_untracked();
}

static __always_inline void finish(const struct sock *sk, const struct birth *birth, int oldstate)
{
	struct ends ends;
	struct tcp_sock *tp = bpf_skc_to_tcp_sock((void *)sk);
	if (!tp)
		return;
	read_ends(&ends, &sk->__sk_common);
	/* the port was given back already, which leaves it in inet_sport only */
	ends.local_port = bpf_ntohs(tp->inet_conn.icsk_inet.inet_sport);
	if (!passes_addresses(&ends, birth->role) || !passes_process(birth->pid, birth->comm))
		return;
	struct tcplife_event *event = reserve_event(sizeof(*event));
	if (!event)
		return;
	event->head.time_ns = bpf_ktime_get_ns();
	event->head.ends = ends;
	event->head.netns = read_netns(&sk->__sk_common);
	event->head.pid = birth->pid;
	__builtin_memcpy(event->head.comm, birth->comm, COMM_LENGTH);
	event->head.state = oldstate;
	event->head.role = birth->role;
	event->head.kind = 0;
	event->born_ns = birth->born_ns;
	event->established_ns = birth->established_ns;
	event->bytes_sent = tp->bytes_acked;
	event->bytes_received = tp->bytes_received;
	event->smoothed_rtt_us = tp->srtt_us >> 3;
	event->retransmits = tp->total_retrans;
	event->error = sk->sk_err;
	event->shutdown = sk->sk_shutdown;
	event->in_owners_context = in_owners_context(sk);
	event->pad = 0;
	submit_event(event);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(state_changed, const struct sock *sk, int oldstate, int newstate)
{
	u64 key = (u64)sk;
	struct birth *birth;

	if (newstate == TCP_FIN_WAIT2 || newstate == TCP_CLOSE_WAIT || newstate == TCP_CLOSING || newstate == TCP_LISTEN)
		return 0;
	if (sk->sk_protocol != IPPROTO_TCP || !passes_netns(read_netns(&sk->__sk_common)))
		return 0;
	switch (newstate) {
	case TCP_SYN_SENT:
		begin(key, ROLE_CONNECT);
		return 0;
	case TCP_ESTABLISHED:
		if (oldstate == TCP_SYN_RECV && !bpf_map_lookup_elem(&births, &key)) {
			begin(key, ROLE_ACCEPT);
			return 0;
		}
		birth = bpf_map_lookup_elem(&births, &key);
		if (birth)
			birth->established_ns = bpf_ktime_get_ns();
		return 0;
	case TCP_FIN_WAIT1:
	case TCP_LAST_ACK:
		/* close() and shutdown(): an accepted socket's first moment that tells its process */
		birth = bpf_map_lookup_elem(&births, &key);
		if (birth && birth->pid == 0 && in_owners_context(sk))
			note_process(birth);
		return 0;
	case TCP_CLOSE:
		birth = bpf_map_lookup_elem(&births, &key);
		if (birth) {
			if (birth->pid == 0 && in_owners_context(sk))
				note_process(birth);
			finish(sk, birth, oldstate);
			bpf_map_delete_elem(&births, &key);
		} else if (oldstate != TCP_LISTEN && oldstate != TCP_SYN_RECV && oldstate != TCP_CLOSE) {
			count_untracked();
		}
		return 0;
	}
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
