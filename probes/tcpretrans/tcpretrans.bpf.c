// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* One event for each segment that this host's TCP sends again. */
#include "../include/kernel.h"
#include <bpf/bpf_tracing.h>
#include "../include/event.h"
#include "../include/filter.h"
#include "../include/socket.h"

enum kind { SEGMENT, SYN_ACK };

struct tcpretrans_event {
	struct event_head head;
	u32 seq;
	u32 length;	/* of sequence space: SYN and FIN count one each */
	int error;	/* negative errno where it could not be sent, from Linux 6.15 */
	u8 flags;	/* of the TCP header */
	u8 congestion;	/* enum tcp_ca_state */
	u8 timeouts;	/* retransmission timeouts in a row; of a SYN-ACK, how often it was sent again */
	u8 pad;
};

static __always_inline bool passes(const struct ends *ends, const struct sock_common *common)
{
	/* whose timer or acknowledgement it is has no process */
	return passes_netns(read_netns(common)) && passes_addresses(ends, ROLE_UNKNOWN);
}

static __always_inline int segment_sent_again(const struct sock *sk, const struct sk_buff *skb, int error)
{
	struct ends ends;
	struct tcp_sock *tp = bpf_skc_to_tcp_sock((void *)sk);
	if (!tp)
		return 0;
	read_ends(&ends, &sk->__sk_common);
	ends.local_port = bpf_ntohs(tp->inet_conn.icsk_inet.inet_sport);
	if (!passes(&ends, &sk->__sk_common))
		return 0;
	struct tcpretrans_event *event = reserve_event(sizeof(*event));
	if (!event)
		return 0;
	struct tcp_skb_cb *cb = (void *)__builtin_preserve_access_index(&skb->cb[0]);
	event->head = (struct event_head){
		.time_ns = bpf_ktime_get_ns(),
		.ends = ends,
		.netns = read_netns(&sk->__sk_common),
		.state = sk->__sk_common.skc_state,
		.kind = SEGMENT,
	};
	event->seq = BPF_CORE_READ(cb, seq);
	event->length = BPF_CORE_READ(cb, end_seq) - event->seq;
	event->error = error;
	event->flags = BPF_CORE_READ(cb, tcp_flags);
	event->congestion = BPF_CORE_READ_BITFIELD_PROBED(&tp->inet_conn, icsk_ca_state);
	event->timeouts = tp->inet_conn.icsk_retransmits;
	event->pad = 0;
	submit_event(event);
	return 0;
}

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(retransmit_with_error, const struct sock *sk, const struct sk_buff *skb, int error)
{
	return segment_sent_again(sk, skb, error);
}

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(retransmit, const struct sock *sk, const struct sk_buff *skb)
{
	return segment_sent_again(sk, skb, 0);
}

SEC("tp_btf/tcp_retransmit_synack")
int BPF_PROG(retransmit_synack, const struct sock *sk, const struct request_sock *req)
{
	struct ends ends;
	read_ends(&ends, &req->__req_common);
	ends.local_port = req->__req_common.skc_num;
	if (!passes(&ends, &req->__req_common))
		return 0;
	struct tcpretrans_event *event = reserve_event(sizeof(*event));
	if (!event)
		return 0;
	event->head = (struct event_head){
		.time_ns = bpf_ktime_get_ns(),
		.ends = ends,
		.netns = read_netns(&req->__req_common),
		.state = TCP_NEW_SYN_RECV,
		.role = ROLE_ACCEPT,
		.kind = SYN_ACK,
	};
	event->seq = 0;
	event->length = 1;
	event->error = 0;
	event->flags = 0x12;
	event->congestion = 0;
	/* counted once it is sent */
	event->timeouts = req->num_retrans + 1;
	event->pad = 0;
	submit_event(event);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
