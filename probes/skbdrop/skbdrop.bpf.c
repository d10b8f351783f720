// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Counts the packets that the kernel drops, by reason and by the place in the kernel that gave them up, and shows some
 * of each: so many a second and processor, each with the number that it stands for.
 */
#include "../include/kernel.h"
#include <bpf/bpf_tracing.h>
#include "../include/event.h"
#include "../include/filter.h"
#include "../include/frame.h"

#define SECOND_NS 1000000000

/* Only the name counts: the running kernel has the number, and older ones have no such reason. */
enum skb_drop_reason {
	SKB_CONSUMED = 1,
};

/* So many packets a second are shown of one reason and place by one processor. */
const volatile u32 shown_per_second = 20;

struct place {
	u64 location; /* a kernel address */
	u32 reason;   /* enum skb_drop_reason, -1 where the kernel gives none */
	u32 netns;
};

struct drops {
	u64 packets;
	u64 told; /* of them, those that events stand for */
	u64 window_ns;
	u32 shown;
	u32 reserved;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct place);
	__type(value, struct drops);
} drops SEC(".maps");

struct skbdrop_event {
	struct event_head head; /* local is where the packet was going, remote where it came from */
	u64 location;
	u64 packets; /* drops of that reason and place on this processor since the event before */
	u32 reason;
	u32 ifindex;
	u32 length;
	u16 ethertype;
	u8 protocol;
	u8 flags;
};

static __always_inline int dropped(struct sk_buff___frame *skb, u64 location, u32 reason)
{
	struct place place = { .location = location, .reason = reason };
	struct ends ends = {};
	struct packet_ends packet = {};
	bool is_read = false;

	if (bpf_core_enum_value_exists(enum skb_drop_reason, SKB_CONSUMED) &&
	    reason == bpf_core_enum_value(enum skb_drop_reason, SKB_CONSUMED))
		return 0;
	place.netns = read_packets_netns(skb);
	if (!passes_netns(place.netns))
		return 0;
	if (filter_rules) {
		is_read = true;
		if (!read_ends_of_packet(&ends, &packet, skb) || !passes_addresses(&ends, ROLE_UNKNOWN))
			return 0;
	}
	struct drops *counted = bpf_map_lookup_elem(&drops, &place);
	if (!counted) {
		struct drops none = {};
		bpf_map_update_elem(&drops, &place, &none, BPF_NOEXIST);
		counted = bpf_map_lookup_elem(&drops, &place);
		if (!counted) {
			count_untracked();
			return 0;
		}
	}
	counted->packets++;
	u64 now = bpf_ktime_get_ns();
	if (now - counted->window_ns >= SECOND_NS) {
		counted->window_ns = now;
		counted->shown = 0;
	}
	if (counted->shown >= shown_per_second)
		return 0;
	counted->shown++;
	if (!is_read)
		read_ends_of_packet(&ends, &packet, skb);
	struct skbdrop_event *event = reserve_event(sizeof(*event));
	if (!event)
		return 0;
	__builtin_memset(event, 0, sizeof(*event));
	event->head.time_ns = now;
	event->head.ends = ends;
	event->head.netns = place.netns;
	event->location = location;
	event->packets = counted->packets - counted->told;
	counted->told = counted->packets;
	event->reason = reason;
	event->ifindex = skb->dev ? skb->dev->ifindex : 0;
	event->length = skb->len;
	event->ethertype = bpf_ntohs(skb->protocol);
	event->protocol = packet.protocol;
	event->flags = packet.flags;
	submit_event(event);
	return 0;
}

SEC("tp_btf/kfree_skb")
int BPF_PROG(dropped_for_reason, struct sk_buff___frame *skb, u64 location, u32 reason)
{
	return dropped(skb, location, reason);
}

SEC("tp_btf/kfree_skb")
int BPF_PROG(dropped_without_reason, struct sk_buff___frame *skb, u64 location)
{
	return dropped(skb, location, -1);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
