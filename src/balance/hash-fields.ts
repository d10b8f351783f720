import { chanceOfSame } from "./choices.ts";

/**
 * Fields of a packet that a choice evidently depends on. `source or 3-tuple` where all flows have one destination,
 * which cannot tell them apart; `5-tuple` where ports take part.
 */
export type HashFields = "source" | "source or 3-tuple" | "3-tuple" | "5-tuple" | "unknown";

export interface EvidentFields {
  name: HashFields;
  /** 0 to 1. */
  confidence: number;
}

/** A flow as a choice between members sees it; numbers stand for addresses. */
export interface ChosenFlow {
  member: string;
  source: number;
  /** Destination address and protocol. */
  target: number;
  /** Source address and port. */
  endpoint: number;
}

/** Flows whose key came before, and keys that did so, needed to say anything. */
const MIN_REPEATS = 8;
const MIN_KEYS = 3;
/** Repeats that must meet the same member: a set of members changes now and then. */
const MIN_SAME = 0.97;
/** Where nearly all flows meet one member, every key does. */
const MAX_CHANCE = 0.9;
const PORTS_SEEN = 0.95;
/** Ports take part, and no endpoint came back to show that nothing else does. */
const PORTS_LIKELY = 0.7;

/** Which fields decide the member: a key decides it where flows that share the key share the member. */
export function evidentFields(flows: readonly ChosenFlow[]): EvidentFields {
  const unknown: EvidentFields = { name: "unknown", confidence: 0 };
  const counts = new Map<string, number>();
  for (const { member } of flows) counts.set(member, (counts.get(member) ?? 0) + 1);
  const byChance = chanceOfSame([...counts.values()].map((count) => count / flows.length));
  if (counts.size < 2 || byChance > MAX_CHANCE) return unknown;
  const source = agreement(flows, ({ source }) => String(source));
  if (decides(source)) {
    const name = hasSeveralTargets(flows) ? "source" : "source or 3-tuple";
    return { name, confidence: confidence(source, byChance) };
  }
  const triple = agreement(flows, ({ source, target }) => `${source} ${target}`);
  if (decides(triple)) return { name: "3-tuple", confidence: confidence(triple, byChance) };
  if (triple.repeats < MIN_REPEATS) return unknown;
  const tuple = agreement(flows, ({ endpoint, target }) => `${endpoint} ${target}`);
  if (tuple.repeats < MIN_REPEATS) return { name: "5-tuple", confidence: PORTS_LIKELY };
  return decides(tuple) ? { name: "5-tuple", confidence: Math.min(PORTS_SEEN, confidence(tuple, byChance)) } : unknown;
}

interface Agreement {
  /** Flows whose key came before, and those of them that met the same member. */
  repeats: number;
  same: number;
  /** Keys that came back. */
  keys: number;
}

function agreement(flows: readonly ChosenFlow[], keyOf: (flow: ChosenFlow) => string): Agreement {
  const last = new Map<string, string>();
  const repeated = new Set<string>();
  let repeats = 0;
  let same = 0;
  for (const flow of flows) {
    const key = keyOf(flow);
    const before = last.get(key);
    last.set(key, flow.member);
    if (before === undefined) continue;
    repeated.add(key);
    repeats++;
    if (before === flow.member) same++;
  }
  return { repeats, same, keys: repeated.size };
}

function decides({ repeats, same, keys }: Agreement): boolean {
  return repeats >= MIN_REPEATS && keys >= MIN_KEYS && same >= repeats * MIN_SAME;
}

function confidence({ same }: Agreement, byChance: number): number {
  return Math.min(0.98, 1 - byChance ** same);
}

/** Whether sources called several destinations, so that these could have made a difference. */
function hasSeveralTargets(flows: readonly ChosenFlow[]): boolean {
  const first = new Map<number, number>();
  const several = new Set<number>();
  for (const { source, target } of flows) {
    const known = first.get(source);
    if (known === undefined) first.set(source, target);
    else if (known !== target) several.add(source);
  }
  return several.size >= MIN_KEYS;
}
