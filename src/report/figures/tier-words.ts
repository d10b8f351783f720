import type { TierFigures } from "./tier-figures.ts";

/** What a tier's members were told apart by, and what its choice evidently depends on, in words. */
export function tierWords({ kind, seenAt, fields, moved }: TierFigures): string {
  const by = {
    mac: `destination MAC at ${seenAt}`,
    tunnel: `tunnel destination at ${seenAt}`,
    interface: `interface of ${seenAt}`,
    node: "load balancer reached",
    point: "captured node passed",
  }[kind];
  const hashed = fields.name === "unknown" ? "" : `, hashed by ${fields.name} (${fields.confidence.toFixed(2)})`;
  return `members by ${by}${hashed}${moved > 0 ? `, ${moved} flows moved` : ""}`;
}

/** The flows that make bytes uneven although the hash is not; null where there are none. */
export function elephantWords({ elephants }: TierFigures, textOf: (bytes: number) => string): string | null {
  const [first] = elephants;
  if (first === undefined) return null;
  const bytes = elephants.reduce((sum, one) => sum + one.bytes, 0);
  const listed = elephants.map(({ connection }) => `c${connection.id}`).join(", ");
  return `elephants: ${textOf(bytes)} of what ${first.member} carries is ${listed}; the hash is not to blame`;
}
