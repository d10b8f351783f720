import type { Source } from "./comparison.ts";
import type { Pair } from "./pair.ts";
import type { ConnectionSample } from "./side.ts";

/** Nearly all: of what there is more of, this part comes from one place. */
const NEARLY_ALL = 0.9;
/** Of fewer, where they come from is chance. */
const MIN_EVENTS = 3;
/** A place that most connections have anyway explains nothing. */
const USUAL = 0.7;

/** Where nearly all events of the side that has more of them come from, most telling first; null where from all over. */
export function sourceOf(
  { before, after }: Pair,
  isEvent: (one: ConnectionSample) => boolean,
  difference: number,
): Source | null {
  const side = difference > 0 ? after : before;
  const events = side.filter(isEvent);
  if (events.length < MIN_EVENTS) return null;
  const tiers = [...new Set(events.flatMap(({ members }) => members.map(({ tier }) => tier)))];
  const ways: [Source["kind"], (one: ConnectionSample) => string | null][] = [
    ["client", ({ client }) => client],
    ["backend", ({ backend }) => backend],
    ...tiers.map((tier): (typeof ways)[number] => [
      "member",
      ({ members }) => members.find((one) => one.tier === tier)?.member ?? null,
    ]),
  ];
  // the box that sent them is no place that connections have anyway
  const sender = mostCommon(events, ({ reset }) => reset?.node ?? null);
  if (sender !== null && sender.events >= events.length * NEARLY_ALL) return { kind: "node", ...sender };
  for (const [kind, of] of ways) {
    const found = mostCommon(events, of);
    if (found === null || found.events < events.length * NEARLY_ALL) continue;
    const usual = side.filter((one) => of(one) === found.name).length;
    if (usual <= side.length * USUAL) return { kind, ...found };
  }
  const author = mostCommon(events, ({ reset }) => (reset === null ? null : `${reset.by} ${reset.cause}`));
  return author !== null && author.events >= events.length * NEARLY_ALL ? { kind: "author", ...author } : null;
}

function mostCommon(
  events: readonly ConnectionSample[],
  of: (one: ConnectionSample) => string | null,
): { name: string; events: number; of: number } | null {
  const counts = new Map<string, number>();
  for (const one of events) {
    const name = of(one);
    if (name !== null) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  let best: [string, number] | null = null;
  for (const entry of counts) if (best === null || entry[1] > best[1]) best = entry;
  return best === null ? null : { name: best[0], events: best[1], of: events.length };
}
