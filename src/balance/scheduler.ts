/** Schedulers as the contract names them. */
export type SchedulerName = "rr" | "wrr" | "lc" | "source" | "5-tuple" | "random" | "unknown";

export interface Scheduler {
  name: SchedulerName;
  /** 0 to 1. */
  confidence: number;
}

/** What a scheduler did: columns of the same length, in the order in which it chose. */
export interface Choices {
  /** Index of the backend chosen, 0..backends-1; -1 where one was chosen that did not come to be known. */
  backend: Int32Array;
  /** Number that stands for the client's address. */
  client: Int32Array;
  /** Number that stands for the client's address and port. */
  endpoint: Int32Array;
  /** When the connection began and ended, in any unit. */
  start: Float64Array;
  end: Float64Array;
  backends: number;
}

/** Fewer choices than this show no rule. */
const MIN_CHOICES = 16;
/** Longest cycle of weights that is looked for. */
const MAX_PERIOD = 64;
/** Choices that keep to a cycle: retries and choices on several processors break some. */
const MIN_PERIODIC = 0.85;
/** The same for a plain cycle: nothing else comes near it by chance. */
const MIN_DISTURBED = 0.7;

/**
 * Infers how backends were chosen from the choices alone.
 *
 * Each rule is held against chance: a source that always meets one backend, a cycle that repeats, a choice that had the
 * fewest active connections. What fits none of them is a hash over ports or a random choice, which look alike unless
 * an endpoint comes back.
 */
export function inferScheduler(choices: Choices): Scheduler {
  const count = choices.backend.length;
  if (count < MIN_CHOICES || choices.backends < 2) return { name: "unknown", confidence: 0 };
  const source = bySource(choices);
  if (source > 0.9) return { name: "source", confidence: source };
  const cycle = byCycle(choices);
  if (cycle) return cycle;
  const fewest = byFewestActive(choices);
  if (fewest > 0.8) return { name: "lc", confidence: fewest };
  return byEndpoint(choices);
}

/** Chance that sources with several connections meet one backend each, if the source had no say: 1 minus that. */
function bySource({ backend, client, backends }: Choices): number {
  const seen = new Map<number, { backend: number; flows: number }>();
  let log = 0;
  let busy = 0;
  for (let i = 0; i < backend.length; i++) {
    if (backend[i]! < 0) continue;
    const known = seen.get(client[i]!);
    if (!known) {
      seen.set(client[i]!, { backend: backend[i]!, flows: 1 });
      continue;
    }
    if (known.backend !== backend[i]!) return 0;
    known.flows++;
    if (known.flows === 2) busy++;
    log -= Math.log2(backends);
  }
  const used = new Set([...seen.values()].map((entry) => entry.backend)).size;
  // One backend for all is no hash; two sources may agree by chance.
  if (used < 2 || busy < 3) return 0;
  return Math.min(0.98, 1 - 2 ** Math.max(-60, log));
}

/** Round robin: a cycle of as many choices as there are backends; weighted: a longer one, or an uneven one. */
function byCycle({ backend, backends }: Choices): Scheduler | null {
  const count = backend.length;
  const shares = new Array<number>(backends).fill(0);
  for (const choice of backend) if (choice >= 0) shares[choice]! += 1 / count;
  const byChance = shares.reduce((sum, share) => sum + share ** 2, 0);
  const plain = fitOfCycle(backend, backends);
  // A plain cycle that was disturbed for a while is likelier than a longer one that fits a little better.
  if (plain >= MIN_DISTURBED && distinctIn(backend, backends) === backends) return cycle("rr", plain, byChance);
  const turns = turnTaking(backend, backends);
  if (turns) return turns;
  for (let period = 2; period <= Math.min(MAX_PERIOD, count >> 1); period++) {
    const fit = fitOfCycle(backend, period);
    if (fit >= MIN_PERIODIC && fit - byChance > (1 - byChance) / 2) return cycle("wrr", fit, byChance);
  }
  return null;
}

function cycle(name: SchedulerName, fit: number, byChance: number): Scheduler {
  return { name, confidence: Math.min(0.98, (fit - byChance) / (1 - byChance)) };
}

/** Share of choices that equal the one a period before. */
function fitOfCycle(backend: Int32Array, period: number): number {
  let same = 0;
  for (let i = period; i < backend.length; i++) if (backend[i] === backend[i - period]) same++;
  return same / Math.max(1, backend.length - period);
}

/** Most backends met in any one turn of the cycle. */
function distinctIn(backend: Int32Array, period: number): number {
  let most = 0;
  for (let i = 0; i + period <= backend.length; i += period) {
    most = Math.max(most, new Set(backend.subarray(i, i + period)).size);
  }
  return most;
}

/**
 * Round robin whose order several processors or retries stir: every backend is chosen about once in each turn, which
 * random choices do not do. The spread of choices within turns is held against that of chance.
 */
function turnTaking(backend: Int32Array, backends: number): Scheduler | null {
  const turns = Math.floor(backend.length / backends);
  if (turns < 8) return null;
  let distinct = 0;
  for (let turn = 0; turn < turns; turn++) {
    distinct += new Set(backend.subarray(turn * backends, (turn + 1) * backends)).size;
  }
  const mean = distinct / turns;
  const byChance = backends * (1 - (1 - 1 / backends) ** backends);
  const excess = (mean - byChance) / (backends - byChance);
  return excess > 0.7 ? { name: "rr", confidence: Math.min(0.95, excess) } : null;
}

/**
 * Did the choice have the fewest active connections, where they differed? Random choices do so as often as backends
 * are tied for the fewest.
 */
function byFewestActive({ backend, start, end, backends }: Choices): number {
  const active: { until: number; backend: number }[] = [];
  const counts = new Array<number>(backends).fill(0);
  let informative = 0;
  let fewest = 0;
  let byChance = 0;
  for (let i = 0; i < backend.length; i++) {
    for (let j = active.length - 1; j >= 0; j--) {
      if (active[j]!.until > start[i]!) continue;
      counts[active[j]!.backend]!--;
      active[j] = active[active.length - 1]!;
      active.pop();
    }
    const lowest = Math.min(...counts);
    const tied = counts.filter((number) => number === lowest).length;
    if (backend[i]! < 0) continue;
    if (tied < backends) {
      informative++;
      byChance += tied / backends;
      if (counts[backend[i]!] === lowest) fewest++;
    }
    counts[backend[i]!]!++;
    active.push({ until: end[i]!, backend: backend[i]! });
  }
  if (informative < 12) return 0;
  const rate = fewest / informative;
  const expected = byChance / informative;
  return rate < 0.85 ? 0 : Math.min(0.95, (rate - expected) / (1 - expected));
}

/** An endpoint that comes back to the same backend is hashed; one that does not is chosen anew. */
function byEndpoint({ backend, endpoint, backends }: Choices): Scheduler {
  const seen = new Map<number, number>();
  let same = 0;
  let other = 0;
  for (let i = 0; i < backend.length; i++) {
    if (backend[i]! < 0) continue;
    const known = seen.get(endpoint[i]!);
    if (known === undefined) seen.set(endpoint[i]!, backend[i]!);
    else if (known === backend[i]!) same++;
    else other++;
  }
  if (other === 0 && same >= 3) return { name: "5-tuple", confidence: Math.min(0.95, 1 - backends ** -same) };
  if (other > same) return { name: "random", confidence: 0.8 };
  return { name: "5-tuple", confidence: 0.5 };
}
