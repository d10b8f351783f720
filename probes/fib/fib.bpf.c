// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The next hop that each conversation's packets leave by, and when it changes: what ECMP made of them on this router.
 *
 * The tracepoint fib:fib_table_lookup fires before the kernel picks one of several next hops (fib_select_multipath() in
 * net/ipv4/fib_semantics.c), and also for the lookups of rp_filter. What was picked shows when the packet leaves: by its
 * interface and the MAC that it is sent to.
 */
#include "../include/kernel.h"
#include <bpf/bpf_tracing.h>
#include "../include/event.h"
#include "../include/filter.h"
#include "../include/frame.h"

#define ETHERNET_BYTES 14

/* Also packets that this host itself sends, not only those that it forwards. */
const volatile u32 with_own = 0;

enum kind { CHOSEN, CHANGED };

struct conversation {
	struct ends ends; /* local is where it goes, remote where it comes from */
	u32 netns;
	u8 protocol;
	u8 reserved[3];
};

struct hop {
	u32 ifindex;
	u8 mac[6]; /* zeros on interfaces without a link layer */
	u16 reserved;
};

/* Read by probes/fib/manifest.ts, which has the same offsets. */
struct choice {
	struct hop hop;
	u32 changes;
	u64 packets;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct conversation);
	__type(value, struct choice);
} choices SEC(".maps");

struct fib_event {
	struct event_head head;
	struct hop hop;
	struct hop before;
	u64 packets; /* that left by the hop before */
	u32 in_ifindex;
	u8 protocol;
	u8 reserved[3];
};

SEC("tp_btf/net_dev_queue")
int BPF_PROG(leaves, struct sk_buff___frame *skb)
{
	struct conversation conversation = {};
	struct packet_ends packet = {};
	struct hop hop = {};
	int in_ifindex = skb->skb_iif;

	if (!with_own && in_ifindex == 0)
		return 0;
	if (!read_ends_of_packet(&conversation.ends, &packet, skb))
		return 0;
	conversation.protocol = packet.protocol;
	if (!passes_addresses(&conversation.ends, ROLE_UNKNOWN))
		return 0;
	const struct net_device___frame *dev = skb->dev;
	conversation.netns = dev->nd_net.net->ns.inum;
	if (!passes_netns(conversation.netns))
		return 0;
	hop.ifindex = dev->ifindex;
	if (dev->hard_header_len == ETHERNET_BYTES)
		bpf_probe_read_kernel(hop.mac, sizeof(hop.mac), skb->data);

	struct choice *choice = bpf_map_lookup_elem(&choices, &conversation);
	struct hop before = {};
	u64 packets = 0;
	if (choice) {
		if (choice->hop.ifindex == hop.ifindex &&
		    *(u32 *)choice->hop.mac == *(u32 *)hop.mac && *(u16 *)(choice->hop.mac + 4) == *(u16 *)(hop.mac + 4)) {
			__sync_fetch_and_add(&choice->packets, 1);
			return 0;
		}
		before = choice->hop;
		packets = choice->packets;
		choice->hop = hop;
		choice->packets = 1;
		choice->changes++;
	} else {
		struct choice first = { .hop = hop, .packets = 1 };
		if (bpf_map_update_elem(&choices, &conversation, &first, BPF_NOEXIST))
			count_untracked();
	}
	struct fib_event *event = reserve_event(sizeof(*event));
	if (!event)
		return 0;
	__builtin_memset(event, 0, sizeof(*event));
	event->head.time_ns = bpf_ktime_get_ns();
	event->head.ends = conversation.ends;
	event->head.netns = conversation.netns;
	event->head.kind = packets ? CHANGED : CHOSEN;
	event->hop = hop;
	event->before = before;
	event->packets = packets;
	event->in_ifindex = in_ifindex;
	event->protocol = packet.protocol;
	submit_event(event);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
