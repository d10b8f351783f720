// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Counts every conversation that passes an interface, and shows the headers of the packets that tell its story: a
 * handshake, first data, an end, what is sent again, the first packet after a silence, and now and then one of a long
 * transfer. Changes nothing and decides nothing: the next classifier is asked as if it were not there.
 */
#include "../include/kernel.h"
#include "../include/event.h"
#include "../include/filter.h"
#include "headers.h"
#include "table.h"

#define TC_ACT_UNSPEC -1

enum { INGRESS, EGRESS };

/* Why a packet is shown. */
enum why {
	WHY_NOT,
	WHY_MESSAGE, /* ARP, neighbour discovery, VRRP, an ICMP error */
	WHY_FLAGS,	 /* SYN, FIN, RST */
	WHY_FRAGMENT, /* the first of a datagram */
	WHY_FIRST,	 /* the first packets of a direction */
	WHY_DATA,	 /* its first data */
	WHY_REPEATED, /* sent again, or a keepalive */
	WHY_MOVED,	 /* other MACs than before */
	WHY_WINDOW,	 /* a window closed or opened again */
	WHY_CLOSING,  /* after an end */
	WHY_BEAT,	 /* the first for a while */
	WHY_PASS,	 /* the second pass of one that was shown */
};

#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define ACK 0x10

/* The first packets of a direction, behind a SYN where there is one, and its first segments with data. */
#define FIRST_SEGMENTS 1
#define FIRST_DATAGRAMS 3
#define FIRST_DATA 2
/* Packets that are shown after an end: those that acknowledge it, and those that come too late. */
#define CLOSING_PACKETS 16
/*
 * At least so often a packet of a direction that has any: a silence of a second, which is what the tracker looks at
 * (SAMPLED_SILENCE_NS in src/flow/tcp.ts), is none of the tap's own.
 */
#define BEAT_NS 900000000
/* Ticks are of 2^20 ns, about a millisecond. */
#define TICK_SHIFT 20
#define BEAT_TICKS (BEAT_NS >> TICK_SHIFT)
/* A segment that fills a hole sooner than this was overtaken, not sent again. */
#define REORDER_US 3000
#define SNAPSHOT_BYTES 256
#define SMALL_BYTES 96

/* Decoded by src/probe/snapshot.ts, which has the same offsets. */
struct snapshot_head {
	u64 time_ns; /* CLOCK_MONOTONIC */
	u32 ifindex;
	u32 wire_bytes; /* link layer included, a tag that the driver took off not */
	u16 captured;
	u16 vlan_tci;
	u16 vlan_type; /* EtherType of that tag, 0 for none */
	u8 direction;
	u8 why; /* enum why */
};

struct snapshot {
	struct snapshot_head head;
	u8 bytes[SNAPSHOT_BYTES];
};

struct small_snapshot {
	struct snapshot_head head;
	u8 bytes[SMALL_BYTES];
};

static __always_inline void fill_head(struct snapshot_head *head, struct __sk_buff *skb, u8 direction,
				      u32 captured, enum why why)
{
	head->time_ns = bpf_ktime_get_ns();
	head->ifindex = skb->ifindex;
	head->wire_bytes = skb->len;
	head->captured = captured;
	head->vlan_tci = skb->vlan_tci;
	head->vlan_type = skb->vlan_present ? bpf_ntohs(skb->vlan_proto) : 0;
	head->direction = direction;
	head->why = why;
}

/* Out of line, as all that most packets do not come to: what they do come to is then close together. */
static __noinline void show(struct __sk_buff *skb, u8 direction, enum why why)
{
	u32 length = skb->len;

	/* no packet that was walked through is; the verifier of Linux 6.1 learns nothing from a comparison with 0 */
	if (length < sizeof(struct ethernet_header))
		return;
	if (length <= SMALL_BYTES) {
		struct small_snapshot *small = reserve_event(sizeof(*small));
		if (!small)
			return;
		fill_head(&small->head, skb, direction, length, why);
		if (bpf_skb_load_bytes(skb, 0, small->bytes, length))
			small->head.captured = 0;
		submit_event(small);
		return;
	}
	if (length > SNAPSHOT_BYTES)
		length = SNAPSHOT_BYTES;
	struct snapshot *snapshot = reserve_event(sizeof(*snapshot));
	if (!snapshot)
		return;
	fill_head(&snapshot->head, skb, direction, length, why);
	if (bpf_skb_load_bytes(skb, 0, snapshot->bytes, length))
		snapshot->head.captured = 0;
	submit_event(snapshot);
}

/* Of both passes of a packet through one interface the same: TTL and MACs are left out. */
static __always_inline u16 signature(const struct segment_facts *facts)
{
	u32 mixed = facts->seq * 0x9e3779b1 ^ facts->ack * 0x85ebca77 ^ facts->payload_bytes << 8 ^
		    (u32)facts->ip_id << 16 ^ facts->flags;
	u16 folded = mixed >> 16 ^ mixed;
	return folded ? folded : 1;
}

/* Follows sequence numbers. True for what was sent before, or asks whether the other end is alive. */
static __always_inline bool is_repetition(struct way *way, const struct place *place, const struct segment_facts *facts)
{
	u32 length = facts->payload_bytes + ((facts->flags & SYN) != 0) + (facts->flags & FIN);
	u32 end = facts->seq + length;
	u32 expected = way->next_seq;
	int ahead = facts->seq - expected;

	if (ahead == 0) {
		way->next_seq = end;
		return false;
	}
	if (ahead > 0 || (int)(end - expected) > 0)
		way->next_seq = end;
	if (ahead < 0 && length == 0)
		return ahead == -1; /* a keepalive; others are acknowledgments that were overtaken */
	struct rest *rest = rest_of(place);
	if (!rest)
		return false;
	if (ahead > 0) {
		rest->hole_start = expected;
		rest->hole_end = facts->seq;
		rest->hole_us = bpf_ktime_get_ns() / 1000;
		return false;
	}
	return !((int)(facts->seq - rest->hole_start) >= 0 && (int)(facts->seq - rest->hole_end) < 0 &&
		 (u32)(bpf_ktime_get_ns() / 1000) - rest->hole_us < REORDER_US);
}

/*
 * Packets that are forwarded out where they came in pass the interface twice. The second pass is shown where the first
 * was, so that both are, or neither.
 */
static __noinline enum why tells_again(const struct place *place, const struct segment_facts *facts)
{
	struct rest *rest = rest_of(place);
	u16 wanted = signature(facts);

	if (!rest)
		return WHY_NOT;
	for (int i = 0; i < RECENT; i++)
		if (rest->recent[i] == wanted)
			return WHY_PASS;
	return (facts->flags & (SYN | FIN | RST)) != 0 ? WHY_FLAGS : WHY_NOT;
}

/* Whether a packet on its first pass is one of those that tell its conversation's story. */
static __always_inline enum why tells(struct story *story, struct way *way, const struct place *place, bool is_tcp,
				      const struct segment_facts *facts, bool is_beat)
{
	bool is_moved = way->macs != facts->macs;
	bool is_repeated = false;

	if (is_moved) {
		if (way->macs == 0) { /* its first packet */
			is_moved = false;
			way->next_seq = facts->seq;
		}
		way->macs = facts->macs;
	}
	if (is_tcp && (facts->flags & RST) == 0) {
		if (facts->flags & SYN)
			way->next_seq = facts->seq;
		is_repeated = is_repetition(way, place, facts);
	}
	if (facts->flags & (SYN | FIN | RST)) {
		if (facts->flags & SYN) {
			story->shown = 0;
			story->shown_data = 0;
			story->is_closing = 0;
		}
		return WHY_FLAGS;
	}
	if (facts->is_first_fragment)
		return WHY_FRAGMENT;
	if (story->shown < (is_tcp ? FIRST_SEGMENTS : FIRST_DATAGRAMS)) {
		story->shown++;
		return WHY_FIRST;
	}
	if (is_moved)
		return WHY_MOVED;
	if (is_repeated)
		return WHY_REPEATED;
	if (is_beat)
		return WHY_BEAT;
	if (!is_tcp)
		return WHY_NOT;
	if (facts->payload_bytes && story->shown_data < FIRST_DATA) {
		story->shown_data++;
		return WHY_DATA;
	}
	if (story->is_closing && story->shown_closing < CLOSING_PACKETS) {
		story->shown_closing++;
		return WHY_CLOSING;
	}
	if ((facts->window == 0) != story->is_window_zero) {
		story->is_window_zero = facts->window == 0;
		return WHY_WINDOW;
	}
	return WHY_NOT;
}

/* Keeps in mind that a packet is shown, for its second pass. */
static __noinline void note_shown(struct story *story, const struct place *place, const struct segment_facts *facts)
{
	struct rest *rest = rest_of(place);

	if (rest)
		rest->recent[story->next_recent++ % RECENT] = signature(facts);
}

/* Counts a packet, and says why it is to be shown. */
static __always_inline enum why follow(struct conversation *conversation, const struct place *place,
				       struct __sk_buff *skb, const struct segment_facts *facts, bool is_tcp,
				       u8 direction, u64 now)
{
	struct way *way = &conversation->ways[place->way & 1];
	struct story *story = &conversation->stories[place->way & 1];
	u32 segments = skb->gso_segs > 1 ? skb->gso_segs : 1;
	/* the ticks of a direction that was silent for weeks may have come round */
	bool is_beat = now - way->last_ns > BEAT_NS || (u32)(now >> TICK_SHIFT) - story->shown_at > BEAT_TICKS;
	enum why why;

	if (way->packets == 0) {
		struct rest *rest = rest_of(place);
		if (rest)
			rest->first_ns = now;
		story->first_lane = direction;
	}
	__sync_fetch_and_add(&way->packets, segments);
	__sync_fetch_and_add(&way->bytes, skb->len + (segments - 1) * facts->header_bytes);
	way->last_ns = now;
	if (facts->flags & ~story->flags)
		story->flags |= facts->flags;
	if (direction == story->first_lane) {
		why = tells(story, way, place, is_tcp, facts, is_beat);
		if (why != WHY_NOT)
			story->shown_at = now >> TICK_SHIFT;
		/* of a conversation that never passed twice, the first packets will do: this is a line from memory more */
		if (why != WHY_NOT && (why != WHY_BEAT || story->has_second_pass))
			note_shown(story, place, facts);
	} else {
		story->has_second_pass = 1;
		why = tells_again(place, facts);
	}
	if (facts->flags & (FIN | RST)) {
		struct story *other = &conversation->stories[(place->way & 1) ^ 1];
		story->is_closing = 1;
		other->is_closing = 1;
		other->shown_closing = 0;
	}
	return why;
}

static __noinline int tap(struct __sk_buff *skb, u8 direction, bool has_link_layer)
{
	struct flow_key key = { .ifindex = skb->ifindex, .tags = skb->vlan_present ? 1 : 0 };
	struct segment_facts facts = { .macs = 1 };
	struct place place;
	enum found found = has_link_layer && is_plain_tcp(skb, &key, &facts)
				 ? FOUND_CONVERSATION
				 : find_conversation(skb, has_link_layer, &key, &facts);

	if (found == FOUND_NOTHING)
		return TC_ACT_UNSPEC;
	if (found == FOUND_MESSAGE) {
		show(skb, direction, WHY_MESSAGE);
		return TC_ACT_UNSPEC;
	}
	if (filter_rules) {
		struct ends ends = { .local_port = key.dst_port, .remote_port = key.src_port };
		__builtin_memcpy(ends.local, key.dst, sizeof(ends.local));
		__builtin_memcpy(ends.remote, key.src, sizeof(ends.remote));
		if (!passes_addresses(&ends, ROLE_UNKNOWN))
			return TC_ACT_UNSPEC;
	}
	place.way = put_in_order(&key);
	find_set(&place, &key);
	u32 set_number = place.set;
	struct conversation_set *set = bpf_map_lookup_elem(&conversations, &set_number);
	if (!set)
		return TC_ACT_UNSPEC;
	/* to some milliseconds, and several times cheaper than what snapshots are stamped with */
	u64 now = bpf_ktime_get_coarse_ns();
	struct conversation *conversation = look_up(set, &place, &key);
	if (!conversation)
		conversation = add(&place, &key, now);
	if (!conversation)
		return TC_ACT_UNSPEC;
	enum why why = follow(conversation, &place, skb, &facts, key.protocol == IPPROTO_TCP, direction, now);
	if (why != WHY_NOT)
		show(skb, direction, why);
	return TC_ACT_UNSPEC;
}

/* Names as the kernel keeps them have 15 letters: left-overs are known by theirs. */
SEC("tc")
int l4scope_in(struct __sk_buff *skb)
{
	return tap(skb, INGRESS, true);
}

SEC("tc")
int l4scope_out(struct __sk_buff *skb)
{
	return tap(skb, EGRESS, true);
}

SEC("tc")
int l4scope_in_l3(struct __sk_buff *skb)
{
	return tap(skb, INGRESS, false);
}

SEC("tc")
int l4scope_out_l3(struct __sk_buff *skb)
{
	return tap(skb, EGRESS, false);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
