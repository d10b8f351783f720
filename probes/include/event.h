/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the events of all socket probes begin with, and the one ring buffer that they leave by. */
#ifndef L4SCOPE_EVENT_H
#define L4SCOPE_EVENT_H

#include "kernel.h"

#define COMM_LENGTH 16

/* Both ends of a connection as this host's socket has them; IPv4 as ::ffff:a.b.c.d. */
struct ends {
	__be32 local[4];
	__be32 remote[4];
	u16 local_port; /* of the host's byte order, like all numbers but addresses */
	u16 remote_port;
};

enum role { ROLE_UNKNOWN, ROLE_CONNECT, ROLE_ACCEPT };

/* Decoded by src/probe/event-head.ts, which has the same offsets. */
struct event_head {
	u64 time_ns; /* CLOCK_MONOTONIC */
	struct ends ends;
	u32 netns; /* inode number of the network namespace */
	u32 pid;   /* 0 where no process could be named */
	char comm[COMM_LENGTH];
	u8 state; /* enum tcp_state */
	u8 role;  /* enum role */
	u16 kind; /* of the probe's own */
};

/*
 * sent = delivered + lost, exactly. A program of the same name that is interrupted by itself is not run at all; the
 * kernel counts that (recursion_misses).
 */
struct tally {
	u64 sent;
	u64 lost;	 /* the ring buffer was full */
	u64 untracked; /* something could not be followed: a map was full, or its beginning was before the probe's */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct tally);
} tallies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 2 << 20);
} events SEC(".maps");

static __always_inline void count_untracked(void)
{
	u32 zero = 0;
	struct tally *tally = bpf_map_lookup_elem(&tallies, &zero);
	if (tally)
		__sync_fetch_and_add(&tally->untracked, 1);
}

/* Room for one event, or NULL. Atomic: another program of the object may interrupt this one on the same processor. */
static __always_inline void *reserve_event(u64 size)
{
	u32 zero = 0;
	struct tally *tally = bpf_map_lookup_elem(&tallies, &zero);
	if (!tally)
		return NULL;
	__sync_fetch_and_add(&tally->sent, 1);
	void *event = bpf_ringbuf_reserve(&events, size, 0);
	if (!event)
		__sync_fetch_and_add(&tally->lost, 1);
	return event;
}

/* Nobody sleeps on the ring buffer: it is looked at several times a second, and waking costs more than the event. */
static __always_inline void submit_event(void *event)
{
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
}

#endif
