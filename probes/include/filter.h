/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the user asked to see. Written before the program is loaded (src/probe/connection-filter.ts): the verifier knows
 * the values and removes what no filter needs.
 */
#ifndef L4SCOPE_FILTER_H
#define L4SCOPE_FILTER_H

#include "event.h"

#define MAX_RULES 16

enum rule_side {
	SIDE_EITHER,
	SIDE_CALLED, /* the end that was called: remote where this host connected, local where it accepted */
};

/* Rules of one group are alternatives; every group must have one that holds. */
struct address_rule {
	__be32 address[4];
	__be32 mask[4];
	u16 port; /* 0: any */
	u8 side;  /* enum rule_side */
	u8 group; /* one bit */
};

const volatile u32 filter_netns = 0;
const volatile u32 filter_pid = 0;
const volatile u32 filter_has_comm = 0;
const volatile char filter_comm[COMM_LENGTH] = {};
const volatile u32 filter_rules = 0;
const volatile u32 filter_groups = 0;
const volatile struct address_rule filter_rule[MAX_RULES] = {};

static __always_inline bool rule_holds(const volatile struct address_rule *rule, const __be32 address[4], u16 port)
{
	if (rule->port != 0 && rule->port != port)
		return false;
	u32 differing = 0;
	for (int i = 0; i < 4; i++)
		differing |= (address[i] ^ rule->address[i]) & rule->mask[i];
	return differing == 0;
}

static __always_inline bool passes_addresses(const struct ends *ends, u8 role)
{
	u32 held = 0;
	if (filter_rules == 0)
		return true;
	for (u32 i = 0; i < MAX_RULES; i++) {
		if (i >= filter_rules)
			break;
		const volatile struct address_rule *rule = &filter_rule[i];
		bool called = rule->side == SIDE_CALLED;
		bool holds = false;
		if (!(called && role == ROLE_CONNECT))
			holds = rule_holds(rule, ends->local, ends->local_port);
		if (!holds && !(called && role == ROLE_ACCEPT))
			holds = rule_holds(rule, ends->remote, ends->remote_port);
		if (holds)
			held |= rule->group;
	}
	return held == filter_groups;
}

static __always_inline bool passes_netns(u32 netns)
{
	return filter_netns == 0 || filter_netns == netns;
}

static __always_inline bool passes_process(u32 pid, const char comm[COMM_LENGTH])
{
	if (filter_pid != 0 && filter_pid != pid)
		return false;
	if (filter_has_comm) {
		for (int i = 0; i < COMM_LENGTH; i++) {
			if (comm[i] != filter_comm[i])
				return false;
			if (comm[i] == 0)
				break;
		}
	}
	return true;
}

#endif
