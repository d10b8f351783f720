import { designEffectOfShares, effectiveClusters } from "../balance/clusters.ts";
import { compareShares, ofFewClusters } from "../balance/two-samples.ts";
import type { Incomparable, Measure, ShareRow, Subject } from "./comparison.ts";
import { type ClusterEffect, compareClustered } from "./counts.ts";
import { LEAST_SHARE_DIFFERENCE, MAX_KNOWN_DIFFERENCE, MIN_KNOWN } from "./limits.ts";
import type { Draft, Pair } from "./pair.ts";
import type { ConnectionSample } from "./side.ts";

/** What is shared among whom. */
export interface Sharing {
  shares: Measure & ("backend-shares" | "member-shares");
  presence: Measure & ("backend-presence" | "member-presence");
  /** Who got a connection; null where nothing shows it. */
  of: (one: ConnectionSample) => string | null;
  /** What a test of all of them, and of one, is about. */
  subject: Subject;
  subjectOf: (name: string) => Subject;
  /** `the backend`, `the load balancer at r:eth1`. */
  what: string;
}

/** One side's new connections, by who got them. */
interface Shared {
  counts: Map<string, number>;
  /** What each client gave to whom. */
  clients: Map<string, Map<string, number>>;
  known: number;
  all: number;
}

/**
 * How new connections are shared among those that both sides have, and for each that only one side has, whether chance
 * explains that.
 */
export function compareSharing(pair: Pair, sharing: Sharing): (Draft | Incomparable)[] {
  const before = sharedOf(pair.before, sharing.of);
  const after = sharedOf(pair.after, sharing.of);
  const names = [...new Set([...before.counts.keys(), ...after.counts.keys()])].sort(byName);
  if (names.length === 0 || before.all === 0 || after.all === 0) return [];
  // a few strays that passed a point show no choice
  const isStray = [before, after].every(({ known, all }) => known < all * MIN_KNOWN);
  if (isStray && sharing.shares === "member-shares") return [];
  const objection = objectionTo(before, after, sharing.what) ?? nameObjection(before, after, sharing.what);
  if (objection !== null) return [{ measure: sharing.shares, subject: sharing.subject, why: objection }];
  if (names.length < 2) return [];
  const effect = effectOf(before, after, names);
  const drafts: Draft[] = [];
  const common = names.filter((name) => before.counts.has(name) && after.counts.has(name));
  for (const name of names) {
    if (!common.includes(name)) drafts.push(presence(name, sharing, before, after, effect));
  }
  if (common.length > 1) drafts.push(shares(common, sharing, before, after, effect));
  return drafts;
}

function sharedOf(connections: readonly ConnectionSample[], of: Sharing["of"]): Shared {
  const shared: Shared = { counts: new Map(), clients: new Map(), known: 0, all: 0 };
  for (const one of connections) {
    if (!one.isNew) continue;
    shared.all++;
    const name = of(one);
    if (name === null) continue;
    shared.known++;
    shared.counts.set(name, (shared.counts.get(name) ?? 0) + 1);
    const client = shared.clients.get(one.client) ?? new Map<string, number>();
    client.set(name, (client.get(name) ?? 0) + 1);
    shared.clients.set(one.client, client);
  }
  return shared;
}

/** Why shares cannot be compared, null where they can. */
function objectionTo(before: Shared, after: Shared, what: string): string | null {
  const known = [before.known / before.all, after.known / after.all] as const;
  if (known[0] >= MIN_KNOWN && known[1] >= MIN_KNOWN && Math.abs(known[0] - known[1]) <= MAX_KNOWN_DIFFERENCE) {
    return null;
  }
  const percent = (share: number) => `${Math.round(100 * share)}%`;
  if (known[0] === 0 || known[1] === 0) return `${what} is seen only ${known[0] === 0 ? "after" : "before"}`;
  return `${what} is seen for ${percent(known[0])} of new connections before and ${percent(known[1])} after`;
}

const MAC = /^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/;

/** A backend that one side knows by its MAC and the other by its address cannot be matched. */
function nameObjection(before: Shared, after: Shared, what: string): string | null {
  const isByMac = ({ counts }: Shared) => [...counts.keys()].some((name) => MAC.test(name));
  const isByName = ({ counts }: Shared) => [...counts.keys()].some((name) => !MAC.test(name));
  const common = [...before.counts.keys()].some((name) => after.counts.has(name));
  if (common || isByMac(before) === isByMac(after) || isByName(before) === isByName(after)) return null;
  return `${what} is known by its MAC address only ${isByMac(before) ? "before" : "after"}`;
}

/**
 * Connections that go together because their clients do: hashing by source gives a client's all to one. Where that
 * cannot be measured, a client whose connections all went to one counts once.
 */
function effectOf(before: Shared, after: Shared, names: readonly string[]): ClusterEffect {
  const effects = [before, after].map(({ clients, known }) => {
    const rows = [...clients.values()].map((counts) => names.map((name) => counts.get(name) ?? 0));
    const effect = designEffectOfShares(rows, names.length);
    if (!Number.isNaN(effect)) return effect;
    const isBySource = [...clients.values()].every((counts) => counts.size === 1);
    return isBySource ? known / clients.size : 1;
  });
  const clusters = [before, after].map(({ clients }) =>
    effectiveClusters(
      [...clients.values()].map((counts) => [...counts.values()].reduce((sum, count) => sum + count, 0)),
    ),
  );
  return { effect: Math.max(1, ...effects), degrees: clusters.reduce((sum, count) => sum + count - 1, 0) };
}

function presence(name: string, sharing: Sharing, before: Shared, after: Shared, effect: ClusterEffect): Draft {
  const [of, then] = [before, after].map(({ counts, known }) => ({ events: counts.get(name) ?? 0, trials: known })) as [
    { events: number; trials: number },
    { events: number; trials: number },
  ];
  const difference = then.events / then.trials - of.events / of.trials;
  return {
    kind: "count",
    measure: sharing.presence,
    subject: sharing.subjectOf(name),
    detail: null,
    before: of,
    after: then,
    difference,
    ...compareClustered(of, then, effect),
    source: null,
    matters: true,
    explanation: null,
  };
}

function shares(
  names: readonly string[],
  sharing: Sharing,
  before: Shared,
  after: Shared,
  effect: ClusterEffect,
): Draft {
  const counts = (shared: Shared) => names.map((name) => shared.counts.get(name) ?? 0);
  const [of, then] = [counts(before), counts(after)];
  const sum = (all: readonly number[]) => all.reduce((total, count) => total + count, 0);
  const rows = names.map(
    (name, i): ShareRow => ({
      name,
      before: of[i] ?? 0,
      after: then[i] ?? 0,
      shareBefore: (of[i] ?? 0) / sum(of),
      shareAfter: (then[i] ?? 0) / sum(then),
    }),
  );
  const difference = sum(rows.map((row) => Math.abs(row.shareAfter - row.shareBefore))) / 2;
  const { pValue } = compareShares(
    of.map((count) => count / effect.effect),
    then.map((count) => count / effect.effect),
  );
  return {
    kind: "shares",
    measure: sharing.shares,
    subject: sharing.subject,
    test: "chi-square",
    rows,
    difference,
    designEffect: effect.effect,
    pValue: effect.effect > 1 ? ofFewClusters(pValue, effect.degrees) : pValue,
    matters: difference >= LEAST_SHARE_DIFFERENCE,
    explanation: null,
  };
}

function byName(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}
