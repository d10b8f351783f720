import { type Choices, chanceOfSame, sharesOf } from "./choices.ts";

/** Backends that take turns: `rr` each once in a turn, `wrr` some more often. */
export interface Turns {
  name: "rr" | "wrr";
  /** 0 to 1. */
  confidence: number;
}

/** Longest cycle of weights that is looked for. */
const MAX_PERIOD = 64;
/** Choices that keep to a cycle: retries and choices on several processors break some. */
const MIN_PERIODIC = 0.85;
/** The same for a plain cycle: nothing else comes near it by chance. */
const MIN_DISTURBED = 0.7;
/** Choices in each stretch whose shares are compared, for each backend. */
const STRETCH_PER_BACKEND = 6;
/** Stretches needed to tell steady shares from those of chance. */
const MIN_STRETCHES = 8;
/** Of the spread that independent choices have, what weights dealt out smoothly leave at most. */
const MAX_SPREAD = 0.25;
/** The largest share over an even one from which on weights may have made it. */
const MIN_UNEVEN = 1.2;
const MOST_CONFIDENT = 0.98;

/** Round robin: a cycle of as many choices as there are backends; weighted: a longer one, or an uneven one. */
export function cycleOf(choices: Choices): Turns | null {
  const { backend, backends } = choices;
  const byChance = chanceOfSame(sharesOf(choices));
  const plain = fitOfCycle(backend, backends);
  // A plain cycle that was disturbed for a while is likelier than a longer one that fits a little better.
  if (plain >= MIN_DISTURBED && isBeyondChance(plain, byChance) && distinctIn(backend, backends) === backends)
    return cycle("rr", plain, byChance);
  const stirred = stirredTurns(choices);
  if (stirred) return stirred;
  for (let period = 2; period <= Math.min(MAX_PERIOD, backend.length >> 1); period++) {
    const fit = fitOfCycle(backend, period);
    if (fit >= MIN_PERIODIC && isBeyondChance(fit, byChance)) return cycle("wrr", fit, byChance);
  }
  return null;
}

/** Where one backend gets most, most choices equal any earlier one. */
function isBeyondChance(fit: number, byChance: number): boolean {
  return fit - byChance > (1 - byChance) / 2;
}

function cycle(name: Turns["name"], fit: number, byChance: number): Turns {
  return { name, confidence: Math.min(MOST_CONFIDENT, (fit - byChance) / (1 - byChance)) };
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
function stirredTurns({ backend, backends }: Choices): Turns | null {
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
 * Weights whose cycle is too long to be seen to repeat (100 and 1), dealt out smoothly: every stretch of choices has
 * about the same shares, closer to each other than independent choices would be.
 */
export function steadyShares(choices: Choices): Turns | null {
  const { backend, backends } = choices;
  const shares = sharesOf(choices);
  const used = shares.filter((share) => share > 0).length;
  const length = STRETCH_PER_BACKEND * backends;
  const stretches = Math.floor(backend.length / length);
  if (used < 2 || stretches < MIN_STRETCHES) return null;
  // Even ones are the turns of several balancers, one among the other.
  if (Math.max(...shares) < MIN_UNEVEN / used) return null;
  let chiSquare = 0;
  for (let stretch = 0; stretch < stretches; stretch++) {
    const counts = new Array<number>(backends).fill(0);
    for (const choice of backend.subarray(stretch * length, (stretch + 1) * length)) if (choice >= 0) counts[choice]!++;
    counts.forEach((count, i) => {
      const expected = shares[i]! * length;
      if (expected > 0) chiSquare += (count - expected) ** 2 / expected;
    });
  }
  // The shares themselves come from these choices, which takes a stretch's worth of freedom away.
  const spread = chiSquare / ((stretches - 1) * (used - 1));
  return spread < MAX_SPREAD ? { name: "wrr", confidence: Math.min(0.9, 1 - spread) } : null;
}
