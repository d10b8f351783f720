import type { Difference, Subject } from "./comparison.ts";
import type { ConnectionSample } from "./side.ts";

/** The same VIP, backend or member on both sides, with its connections there. */
export interface Pair {
  subject: Subject;
  before: readonly ConnectionSample[];
  after: readonly ConnectionSample[];
}

type OmitVerdict<T> = T extends unknown ? Omit<T, "status" | "adjustedPValue"> : never;

/** A test that was made, before it is known how many others were. */
export type Draft = OmitVerdict<Difference> & {
  /** Whether the difference is large enough to matter, were it no chance. */
  matters: boolean;
};

/** Connections of a pair for which something holds. */
export function only(pair: Pair, subject: Subject, holds: (one: ConnectionSample) => boolean): Pair {
  return { subject, before: pair.before.filter(holds), after: pair.after.filter(holds) };
}

/** Counts of each client's trials and events: connections of one client go together. */
export function byClient(
  connections: readonly ConnectionSample[],
  of: (one: ConnectionSample) => { events: number; trials: number },
): Map<string, { events: number; trials: number }> {
  const clients = new Map<string, { events: number; trials: number }>();
  for (const one of connections) {
    const { events, trials } = of(one);
    const known = clients.get(one.client);
    if (known) {
      known.events += events;
      known.trials += trials;
    } else clients.set(one.client, { events, trials });
  }
  return clients;
}
