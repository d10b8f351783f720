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
/* A segment that fills a hole sooner than this was overtaken, not sent again. */
#define REORDER_US 3000
#define RECENT 4
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

/* A direction's way through the interface: packets that are forwarded out where they came in pass it twice. */
struct lane {
	u32 next_seq;
	u32 hole_start;
	u32 hole_end;
	u32 hole_us;
	u32 macs;
};

/*
 * What most packets touch comes first, for with many flows each line of it is fetched from memory. Read by
 * src/probe/flow-counts.ts, which has the same offsets.
 */
struct flow {
	u64 packets; /* on the wire: of segments put together by offload each */
	u64 bytes;	 /* on the wire, link layer included */
	u64 last_ns;
	u64 shown_ns;
	u8 flags; /* all TCP flags seen */
	u8 shown; /* first packets that were shown */
	u8 shown_data;
	u8 shown_closing;
	u8 is_closing; /* an end was seen in this direction or the other */
	u8 is_window_zero;
	u8 first_lane;
	u8 next_recent;
	struct lane lanes[2];
	u64 first_ns;
	u16 recent[RECENT]; /* of packets shown, so that their second pass is, too */
};

/* With the key and the kernel's own, three lines of 64 bytes. */
_Static_assert(sizeof(struct flow_key) == 44 && sizeof(struct flow) == 96, "a flow has grown beyond its lines");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 131072);
	__type(key, struct flow_key);
	__type(value, struct flow);
} flows SEC(".maps");

/* Too large for the stack, and needed for a moment only. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct flow);
} new_flows SEC(".maps");

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

/* The other direction learns that the end has come. */
static __always_inline void close_other(const struct flow_key *key)
{
	struct flow_key other = *key;

	__builtin_memcpy(other.src, key->dst, sizeof(other.src));
	__builtin_memcpy(other.dst, key->src, sizeof(other.dst));
	other.src_port = key->dst_port;
	other.dst_port = key->src_port;
	struct flow *flow = bpf_map_lookup_elem(&flows, &other);
	if (flow) {
		flow->is_closing = 1;
		flow->shown_closing = 0;
	}
}

/* Follows sequence numbers. True for what was sent before, or asks whether the other end is alive. */
static __always_inline bool is_repetition(struct lane *lane, const struct segment_facts *facts)
{
	u32 length = facts->payload_bytes + ((facts->flags & SYN) != 0) + (facts->flags & FIN);
	u32 end = facts->seq + length;
	int ahead = facts->seq - lane->next_seq;

	if (ahead > 0) {
		lane->hole_start = lane->next_seq;
		lane->hole_end = facts->seq;
		lane->hole_us = bpf_ktime_get_ns() / 1000;
		lane->next_seq = end;
		return false;
	}
	if (ahead == 0) {
		lane->next_seq = end;
		return false;
	}
	if ((int)(end - lane->next_seq) > 0)
		lane->next_seq = end;
	if (length == 0)
		return ahead == -1; /* a keepalive; others are acknowledgments that were overtaken */
	return !((int)(facts->seq - lane->hole_start) >= 0 && (int)(facts->seq - lane->hole_end) < 0 &&
		 (u32)(bpf_ktime_get_ns() / 1000) - lane->hole_us < REORDER_US);
}

/* Whether a packet of a flow is one of those that tell its story. */
static __always_inline enum why tells(struct flow *flow, u8 protocol, const struct segment_facts *facts, u8 direction,
				      u64 now)
{
	struct lane *lane = &flow->lanes[direction & 1];
	bool is_tcp = protocol == IPPROTO_TCP;
	bool has_ends = is_tcp && (facts->flags & (SYN | FIN | RST)) != 0;
	bool is_moved = lane->macs != facts->macs;
	bool is_repeated = false;

	if (is_moved) {
		if (lane->macs == 0) { /* its first packet on this lane */
			is_moved = false;
			lane->next_seq = facts->seq;
		}
		lane->macs = facts->macs;
	}
	if (is_tcp && (facts->flags & RST) == 0) {
		if (facts->flags & SYN)
			lane->next_seq = facts->seq;
		is_repeated = is_repetition(lane, facts);
	}
	if (direction != flow->first_lane) {
		/* its second pass: shown where the first was, so that both are, or neither */
		u16 wanted = signature(facts);
		for (int i = 0; i < RECENT; i++)
			if (flow->recent[i] == wanted)
				return WHY_PASS;
		return has_ends ? WHY_FLAGS : WHY_NOT;
	}
	if (has_ends) {
		if (facts->flags & SYN) {
			flow->shown = 0;
			flow->shown_data = 0;
			flow->is_closing = 0;
		}
		return WHY_FLAGS;
	}
	if (facts->is_first_fragment)
		return WHY_FRAGMENT;
	if (flow->shown < (is_tcp ? FIRST_SEGMENTS : FIRST_DATAGRAMS)) {
		flow->shown++;
		return WHY_FIRST;
	}
	if (is_moved)
		return WHY_MOVED;
	if (is_repeated)
		return WHY_REPEATED;
	if (now - flow->shown_ns > BEAT_NS)
		return WHY_BEAT;
	if (!is_tcp)
		return WHY_NOT;
	if (facts->payload_bytes && flow->shown_data < FIRST_DATA) {
		flow->shown_data++;
		return WHY_DATA;
	}
	if (flow->is_closing && flow->shown_closing < CLOSING_PACKETS) {
		flow->shown_closing++;
		return WHY_CLOSING;
	}
	if ((facts->window == 0) != flow->is_window_zero) {
		flow->is_window_zero = facts->window == 0;
		return WHY_WINDOW;
	}
	return WHY_NOT;
}

/* Counts a packet, and shows it where it tells something. */
static __always_inline void follow(struct flow *flow, struct __sk_buff *skb, const struct flow_key *key,
				   const struct segment_facts *facts, u8 direction, u64 now)
{
	u32 segments = skb->gso_segs > 1 ? skb->gso_segs : 1;

	__sync_fetch_and_add(&flow->packets, segments);
	__sync_fetch_and_add(&flow->bytes, skb->len + (segments - 1) * facts->header_bytes);
	flow->last_ns = now;
	flow->flags |= facts->flags;
	enum why why = tells(flow, key->protocol, facts, direction, now);
	if (why == WHY_NOT)
		return;
	if (direction == flow->first_lane) {
		flow->recent[flow->next_recent++ % RECENT] = signature(facts);
		flow->shown_ns = now;
	}
	if (key->protocol == IPPROTO_TCP && (facts->flags & (FIN | RST)) != 0) {
		flow->is_closing = 1;
		close_other(key);
	}
	show(skb, direction, why);
}

static __noinline int tap(struct __sk_buff *skb, u8 direction, bool has_link_layer)
{
	struct flow_key key = { .ifindex = skb->ifindex, .tags = skb->vlan_present ? 1 : 0 };
	struct segment_facts facts = { .macs = 1 };
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
	/* to some milliseconds, and several times cheaper than what snapshots are stamped with */
	u64 now = bpf_ktime_get_coarse_ns();
	struct flow *flow = bpf_map_lookup_elem(&flows, &key);
	if (flow) {
		follow(flow, skb, &key, &facts, direction, now);
		return TC_ACT_UNSPEC;
	}
	/* made up outside of the map, and put there whole */
	u32 zero = 0;
	flow = bpf_map_lookup_elem(&new_flows, &zero);
	if (!flow)
		return TC_ACT_UNSPEC;
	__builtin_memset(flow, 0, sizeof(*flow));
	flow->first_ns = now;
	flow->first_lane = direction;
	follow(flow, skb, &key, &facts, direction, now);
	if (bpf_map_update_elem(&flows, &key, flow, BPF_NOEXIST)) {
		/* another processor was first, or there is no room */
		flow = bpf_map_lookup_elem(&flows, &key);
		if (flow)
			__sync_fetch_and_add(&flow->packets, 1);
		else
			count_untracked();
	}
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
