/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Where conversations are counted. With many of them the time a packet takes is that of fetching memory, so this is no
 * hash map of the kernel's, which goes by a bucket and a list to three lines in two more pages: a conversation is found
 * where its key says, both directions in two lines that lie beside one another. docs/decisions/0009-kernel-probes.md.
 */
#ifndef L4SCOPE_TABLE_H
#define L4SCOPE_TABLE_H

#include "headers.h"

/* Conversations of one place; the one that was idle longest gives way to a seventeenth. */
#define PLACES 16
#define LOCKS 1024
/* Who gives way sooner after a packet may not have been read: that is a loss, and counted. */
#define READ_EVERY_NS 1000000000
#define RECENT 4

/* Counts of one direction, and what tells its next packet from others. Every packet writes here. */
struct way {
	u64 packets; /* on the wire: of segments put together by offload each */
	u64 bytes;	 /* on the wire, link layer included */
	u64 last_ns; /* CLOCK_MONOTONIC_COARSE */
	u32 next_seq;
	u32 macs;
};

/* What was shown of one direction. Every packet reads here, few write. */
struct story {
	u32 shown_at; /* by tick_of() */
	u8 flags;	  /* all TCP flags seen */
	u8 first_lane : 1;
	u8 shown : 2; /* first packets that were shown */
	u8 shown_data : 2;
	u8 is_closing : 1; /* an end was seen in this direction or the other */
	u8 is_window_zero : 1;
	u8 has_second_pass : 1;
	u8 shown_closing;
	u8 next_recent;
};

/* Both directions: [0] is from key.src to key.dst. Read by src/probe/flow-table.ts, which has the same offsets. */
struct conversation {
	struct flow_key key; /* see put_in_order() */
	u32 version;	     /* 0: nothing yet; odd: being written */
	struct story stories[2];
	struct way ways[2];
};

/* What few packets need of a direction. */
struct rest {
	u64 first_ns;
	u16 recent[RECENT]; /* of packets shown, so that their second pass is, too */
	/* where a segment came before others had */
	u32 hole_start;
	u32 hole_end;
	u32 hole_us;
	u32 reserved;
};

_Static_assert(sizeof(struct flow_key) == 44 && sizeof(struct conversation) == 128 && sizeof(struct rest) == 32,
	       "a conversation has grown beyond its lines");

struct conversation_set {
	struct conversation at[PLACES];
};

struct rest_set {
	struct rest at[PLACES][2];
};

/* Mapped by user space, a part at a time. As many entries as sets_mask says, written before loading. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct conversation_set);
} conversations SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct rest_set);
} rests SEC(".maps");

/* Taken to add a conversation, by its set. They cannot lie in what user space maps. */
struct lock {
	struct bpf_spin_lock lock;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LOCKS);
	__type(key, u32);
	__type(value, struct lock);
} locks SEC(".maps");

const volatile u32 sets_mask = 0;
/* Of this run alone: who does not know them cannot make conversations that share a set. */
const volatile u64 hash_secrets[6] = {};

/* Where a conversation is. */
struct place {
	u32 set;
	u32 index; /* in its set; where it is looked for first until it is found */
	u32 way;
};

/* Puts the ends in an order that both directions have in common. Returns the way that the packet goes. */
static __always_inline u32 put_in_order(struct flow_key *key)
{
	u64 *words = (u64 *)key;
	u64 first = words[0], second = words[1];

	if (first < words[2] || (first == words[2] && (second < words[3] || (second == words[3] &&
									     key->src_port <= key->dst_port))))
		return 0;
	words[0] = words[2];
	words[1] = words[3];
	words[2] = first;
	words[3] = second;
	u16 port = key->src_port;
	key->src_port = key->dst_port;
	key->dst_port = port;
	return 1;
}

/* Multiplies words by secrets and sums them up, which a processor does side by side; the upper bits are the good ones. */
static __always_inline void find_set(struct place *place, const struct flow_key *key)
{
	const u64 *words = (const u64 *)key;
	u64 hash = words[0] * hash_secrets[0] + words[1] * hash_secrets[1] + words[2] * hash_secrets[2] +
		   words[3] * hash_secrets[3] + words[4] * hash_secrets[4] +
		   *(const u32 *)(words + 5) * hash_secrets[5];

	hash ^= hash >> 32;
	hash *= 0x9e3779b97f4a7c15;
	place->set = hash >> 36 & sets_mask;
	place->index = hash >> 32 & (PLACES - 1);
}

static __always_inline bool is_same(const struct flow_key *left, const struct flow_key *right)
{
	const u64 *a = (const u64 *)left;
	const u64 *b = (const u64 *)right;

	return ((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]) | (a[4] ^ b[4]) |
		(*(const u32 *)(a + 5) ^ *(const u32 *)(b + 5))) == 0;
}

static __always_inline u64 last_packet_ns(const struct conversation *conversation)
{
	u64 there = conversation->ways[0].last_ns, back = conversation->ways[1].last_ns;

	return there > back ? there : back;
}

/*
 * Looks from where the key says to the first that is free: none becomes free again, so what is looked for cannot lie
 * behind it. NULL where it is not there.
 */
static __always_inline struct conversation *look_up(struct conversation_set *set, struct place *place,
						    const struct flow_key *key)
{
	u32 index = place->index;

#pragma clang loop unroll(disable)
	for (int i = 0; i < PLACES; i++) {
		struct conversation *conversation = &set->at[index & (PLACES - 1)];
		u32 version = conversation->version;
		if (version == 0)
			return NULL;
		if ((version & 1) == 0 && is_same(&conversation->key, key)) {
			place->index = index & (PLACES - 1);
			return conversation;
		}
		index++;
	}
	return NULL;
}

/* Adds a conversation, if another processor was not faster. NULL never, but the verifier does not know. */
static __noinline struct conversation *add(struct place *place, const struct flow_key *key, u64 now)
{
	u32 set_number = place->set;
	u32 lock_number = set_number & (LOCKS - 1);
	struct conversation_set *set = bpf_map_lookup_elem(&conversations, &set_number);
	struct rest_set *rests_of_set = bpf_map_lookup_elem(&rests, &set_number);
	struct lock *lock = bpf_map_lookup_elem(&locks, &lock_number);

	if (!set || !rests_of_set || !lock)
		return NULL;
	u32 index = place->index;
	u32 chosen = index & (PLACES - 1);
	struct flow_key copy = *key;
	bool is_new = true;
	bool is_loss = false;
	bpf_spin_lock(&lock->lock);
#pragma clang loop unroll(disable)
	for (int i = 0; i < PLACES; i++) {
		u32 at = (index + i) & (PLACES - 1);
		struct conversation *other = &set->at[at];
		if (other->version == 0) {
			chosen = at;
			break;
		}
		if (is_same(&other->key, &copy)) {
			chosen = at;
			is_new = false;
			break;
		}
		if (last_packet_ns(other) < last_packet_ns(&set->at[chosen & (PLACES - 1)]))
			chosen = at;
	}
	chosen &= PLACES - 1;
	struct conversation *conversation = &set->at[chosen];
	if (is_new) {
		volatile u32 *version = &conversation->version;
		u32 before = *version;
		is_loss = before && now - last_packet_ns(conversation) < READ_EVERY_NS;
		*version = before | 1;
		__builtin_memset(conversation->stories, 0, sizeof(conversation->stories));
		__builtin_memset(conversation->ways, 0, sizeof(conversation->ways));
		__builtin_memset(rests_of_set->at[chosen], 0, sizeof(rests_of_set->at[chosen]));
		/* until its first packet is counted: it is not the idlest */
		conversation->ways[0].last_ns = now;
		conversation->key = copy;
		*version = before == 0xfffffffe ? 2 : before + 2;
	}
	bpf_spin_unlock(&lock->lock);
	if (is_loss)
		count_untracked();
	place->index = chosen;
	return conversation;
}

static __always_inline struct rest *rest_of(const struct place *place)
{
	u32 set = place->set;
	struct rest_set *found = bpf_map_lookup_elem(&rests, &set);

	return found ? &found->at[place->index & (PLACES - 1)][place->way & 1] : NULL;
}

#endif
