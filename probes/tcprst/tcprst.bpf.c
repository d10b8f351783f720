// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* One event for each TCP reset that this host sends or that reaches one of its sockets. */
#include "../include/kernel.h"
#include <bpf/bpf_tracing.h>
#include "../include/event.h"
#include "../include/filter.h"
#include "../include/packet.h"
#include "../include/socket.h"

enum kind { SENT, RECEIVED };

struct tcprst_event {
	struct event_head head;
	int reason;	 /* enum sk_rst_reason, -1 where this kernel gives none */
	u32 backlog;	 /* connections that wait for accept(), where the socket listens */
	u32 max_backlog; /* and the most that may */
	struct segment answered; /* what a reset sent answers; flags 0: nothing, the host acted by itself */
};

#define NO_REASON -1
#define FLAG_RST 0x04

static __always_inline bool is_full(u8 state)
{
	return state != 0 && state != TCP_TIME_WAIT && state != TCP_NEW_SYN_RECV;
}

static __always_inline void set_process(struct event_head *head)
{
	head->pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(head->comm, sizeof(head->comm));
}

static __always_inline void submit(const struct tcprst_event *from)
{
	if (!passes_addresses(&from->head.ends, from->head.role) || !passes_netns(from->head.netns) ||
	    !passes_process(from->head.pid, from->head.comm))
		return;
	struct tcprst_event *event = reserve_event(sizeof(*event));
	if (!event)
		return;
	*event = *from;
	submit_event(event);
}

/* The port of a socket that may be closed already. */
static __always_inline u16 local_port(const struct sock *sk)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock((void *)sk);
	return tp ? bpf_ntohs(tp->inet_conn.icsk_inet.inet_sport) : sk->__sk_common.skc_num;
}

/*
 * Linux 6.10 to 6.12 hand over NULL where there is no socket or no segment and let the verifier believe that there
 * always is one, so that a comparison with NULL may be optimized away. What is read through NULL is 0 there, and a state
 * or a head of 0 is none.
 */
static __always_inline int reset_sent(const struct sock *sk, const struct sk_buff *skb, int reason)
{
	struct tcprst_event event = { .reason = reason };
	const unsigned char *head = NULL;
	u8 state = 0;

	event.head.time_ns = bpf_ktime_get_ns();
	event.head.kind = SENT;
	if (sk)
		state = sk->__sk_common.skc_state;
	if (skb)
		head = skb->head;
	event.head.state = state;
	if (sk && state != 0) {
		event.head.netns = read_netns(&sk->__sk_common);
		if (is_full(state) && in_owners_context(sk))
			set_process(&event.head);
		if (state == TCP_LISTEN) {
			event.backlog = sk->sk_ack_backlog;
			event.max_backlog = sk->sk_max_ack_backlog;
		}
	}
	if (skb && head) {
		if (event.head.netns == 0 && skb->dev)
			event.head.netns = skb->dev->nd_net.net->ns.inum;
		if (!read_segment(&event.head.ends, &event.answered, head, skb->network_header, skb->transport_header))
			return 0;
	} else if (sk && state != 0) {
		read_ends(&event.head.ends, &sk->__sk_common);
		event.head.ends.local_port = local_port(sk);
	}
	submit(&event);
	return 0;
}

SEC("tp_btf/tcp_send_reset")
int BPF_PROG(sent_with_reason, const struct sock *sk, const struct sk_buff *skb, int reason)
{
	return reset_sent(sk, skb, reason);
}

SEC("tp_btf/tcp_send_reset")
int BPF_PROG(sent, const struct sock *sk, const struct sk_buff *skb)
{
	return reset_sent(sk, skb, NO_REASON);
}

SEC("tp_btf/tcp_receive_reset")
int BPF_PROG(received, struct sock *sk)
{
	struct tcprst_event event = { .reason = NO_REASON };

	event.head.time_ns = bpf_ktime_get_ns();
	event.head.kind = RECEIVED;
	event.head.state = sk->__sk_common.skc_state;
	event.head.netns = read_netns(&sk->__sk_common);
	read_ends(&event.head.ends, &sk->__sk_common);
	event.head.ends.local_port = local_port(sk);
	if (in_owners_context(sk))
		set_process(&event.head);
	submit(&event);
	return 0;
}

/*
 * Before Linux 6.10 the tracepoint tells of resets on behalf of full sockets only. The function that sends the others is
 * entered with no socket, or one in TIME_WAIT or SYN_RECV; it gives up by itself where the segment is a reset.
 */
static __always_inline int reset_without_socket(const struct sock *sk, const struct sk_buff *skb)
{
	struct tcprst_event event = { .reason = NO_REASON };
	u8 state = sk ? BPF_CORE_READ(sk, __sk_common.skc_state) : 0;

	if (is_full(state))
		return 0;
	if (!read_segment(&event.head.ends, &event.answered, BPF_CORE_READ(skb, head), BPF_CORE_READ(skb, network_header),
			  BPF_CORE_READ(skb, transport_header)))
		return 0;
	if (event.answered.flags & FLAG_RST)
		return 0;
	event.head.time_ns = bpf_ktime_get_ns();
	event.head.kind = SENT;
	event.head.state = state;
	event.head.netns = BPF_CORE_READ(skb, dev, nd_net.net, ns.inum);
	submit(&event);
	return 0;
}

SEC("fentry/tcp_v4_send_reset")
int BPF_PROG(fentry_v4_send_reset, const struct sock *sk, struct sk_buff *skb)
{
	return reset_without_socket(sk, skb);
}

SEC("fentry/tcp_v6_send_reset")
int BPF_PROG(fentry_v6_send_reset, const struct sock *sk, struct sk_buff *skb)
{
	return reset_without_socket(sk, skb);
}

/* The compiler's view of the registers that do not exist is cut off by the verifier. */
static __always_inline int kprobe_send_reset(void *context)
{
	struct pt_regs___x86 *x86 = context;
	struct pt_regs___arm64 *arm64 = context;

	if (bpf_core_field_exists(x86->di))
		return reset_without_socket((void *)x86->di, (void *)x86->si);
	if (bpf_core_field_exists(arm64->regs))
		return reset_without_socket((void *)arm64->regs[0], (void *)arm64->regs[1]);
	return 0;
}

SEC("kprobe/tcp_v4_send_reset")
int kprobe_v4_send_reset(void *context)
{
	return kprobe_send_reset(context);
}

SEC("kprobe/tcp_v6_send_reset")
int kprobe_v6_send_reset(void *context)
{
	return kprobe_send_reset(context);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
