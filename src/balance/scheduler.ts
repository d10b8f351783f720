import { type Choices, chanceOfSame, sharesOf } from "./choices.ts";
import { fewestActive } from "./fewest-active.ts";
import { cycleOf, steadyShares } from "./turns.ts";

/** Schedulers as the contract names them. */
export type SchedulerName = "rr" | "wrr" | "lc" | "source" | "5-tuple" | "random" | "unknown";

export interface Scheduler {
  name: SchedulerName;
  /** In the name, 0 to 1. */
  confidence: number;
  /** Where this traffic looks the same under several schedulers: those. */
  couldBe?: readonly SchedulerName[];
}

/** Fewer choices than this show no rule. */
const MIN_CHOICES = 16;
/** Endpoints that came back, before what they met says anything. */
const MIN_RETURNS = 3;
/** Confidence in turns that the least connections would have taken, too. */
const TURNS_OR_FEWEST = 0.6;

/**
 * Infers how backends were chosen from the choices alone.
 *
 * Each rule is held against chance: a source that always meets one backend, a cycle that repeats, a choice that had the
 * fewest active connections. What fits none of them is a hash over ports or a random choice. These two look alike
 * unless an endpoint comes back: until one does, the name stays `unknown`.
 */
export function inferScheduler(choices: Choices): Scheduler {
  const count = choices.backend.length;
  if (count < MIN_CHOICES || choices.backends < 2) return { name: "unknown", confidence: 0 };
  const source = bySource(choices);
  if (source > 0.9) return { name: "source", confidence: source };
  const fewest = fewestActive(choices);
  const cycle = cycleOf(choices);
  if (cycle) {
    const { name, confidence } = cycle;
    // Connections of one length end in the order in which they began: the idlest is then the next in turn.
    return fewest > 0.9
      ? { name, confidence: Math.min(TURNS_OR_FEWEST, confidence), couldBe: [name, "lc"] }
      : { name, confidence };
  }
  if (fewest > 0.8) return { name: "lc", confidence: fewest };
  return steadyShares(choices) ?? byEndpoint(choices);
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

/** An endpoint that comes back to the same backend is hashed; one that does not is chosen anew. */
function byEndpoint(choices: Choices): Scheduler {
  const { backend, endpoint } = choices;
  const last = new Map<number, number>();
  let same = 0;
  let other = 0;
  for (let i = 0; i < backend.length; i++) {
    if (backend[i]! < 0) continue;
    const known = last.get(endpoint[i]!);
    if (known === backend[i]!) same++;
    else if (known !== undefined) other++;
    last.set(endpoint[i]!, backend[i]!);
  }
  const returns = same + other;
  const byChance = chanceOfSame(sharesOf(choices));
  const either: Scheduler = { name: "unknown", confidence: 0, couldBe: ["5-tuple", "random"] };
  if (returns < MIN_RETURNS || byChance > 0.9) return either;
  if (other === 0) return { name: "5-tuple", confidence: Math.min(0.95, 1 - byChance ** same) };
  // Under chance, so many returns met another backend; a hash whose set changed once moves few of them.
  const expected = returns * (1 - byChance);
  if (other >= expected / 2) return { name: "random", confidence: Math.min(0.95, 1 - 2 ** -other) };
  return other <= returns / 10 ? { name: "5-tuple", confidence: 0.7 } : either;
}
