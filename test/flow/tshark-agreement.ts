import { IS_FRAGMENT, TCP } from "../../src/decode/packet.ts";
import { type AddressWords, LegView } from "../../src/flow/leg-view.ts";
import { followCapture } from "./follow.ts";
import { type TsharkFrame, tsharkTcp } from "./tshark-tcp.ts";

/** Something on which l4scope and tshark do not agree about a capture's TCP conversations. */
export interface Difference {
  kind: "only-tshark" | "only-l4scope" | "other-streams" | "other-counts";
  what: string;
  frames: number[];
}

export interface Agreement {
  /** Streams of tshark, ICMP's quotes left out. */
  streams: number;
  frames: number;
  /** Streams whose frames, and packets and bytes each way, are the same. */
  equal: number;
  differences: Difference[];
}

/**
 * Compares a capture's legs with tshark's streams, frame by frame.
 *
 * tshark knows neither observation points nor VLANs nor tunnels: our legs of the same addresses and ports are put
 * together, the first of each point and encapsulation with the first of the others, the second with the second.
 */
export async function compareWithTshark(path: string, extraArguments: readonly string[] = []): Promise<Agreement> {
  const theirs = (await tsharkTcp(path, extraArguments)).filter((frame) => !frame.isQuote);
  const { tracker, frames } = await followCapture(path);
  const view = new LegView(tracker);
  const differences: Difference[] = [];
  const note = (kind: Difference["kind"], what: string, frame: number): void => {
    const known = differences.find((difference) => difference.kind === kind && difference.what === what);
    if (known) known.frames.push(frame);
    else differences.push({ kind, what, frames: [frame] });
  };

  const groups = groupLegs(view);
  const streamOfFrame = new Map(theirs.map((frame) => [frame.frame, frame]));
  const pairs = new Map<string, { stream: number; group: number; first: number }>();
  for (const frame of theirs) {
    const leg = frames[frame.frame - 1]?.leg ?? -1;
    const group = groups.get(leg)?.group;
    if (group === undefined) note("only-tshark", frame.protocols, frame.frame);
    else pairs.set(`${frame.stream} ${group}`, { stream: frame.stream, group, first: frame.frame });
  }
  frames.forEach(({ leg, kind }, index) => {
    if (leg < 0 || !groups.has(leg) || streamOfFrame.has(index + 1)) return;
    note("only-l4scope", kind === IS_FRAGMENT ? "later fragment" : "segment", index + 1);
  });

  const streams = new Set(theirs.map((frame) => frame.stream));
  const groupsOfStream = countBy([...pairs.values()].map((pair) => pair.stream));
  const streamsOfGroup = countBy([...pairs.values()].map((pair) => pair.group));
  for (const pair of pairs.values()) {
    if (groupsOfStream.get(pair.stream) !== 1) note("other-streams", "split", pair.first);
    else if (streamsOfGroup.get(pair.group) !== 1) note("other-streams", "joined", pair.first);
  }

  const theirCounts = countTheirs(theirs);
  const ourCounts = countOurs(view, groups);
  let equal = 0;
  for (const { stream, group, first } of pairs.values()) {
    if (groupsOfStream.get(stream) !== 1 || streamsOfGroup.get(group) !== 1) continue;
    const [a, b] = [theirCounts.get(stream) ?? "", ourCounts.get(group) ?? ""];
    if (a === b) equal++;
    else note("other-counts", `tshark ${a}, l4scope ${b}`, first);
  }
  return { streams: streams.size, frames: theirs.length, equal, differences };
}

interface Grouped {
  group: number;
}

/** TCP legs by leg number, with the number of their group. */
function groupLegs(view: LegView): Map<number, Grouped> {
  const groups = new Map<number, Grouped>();
  const numbers = new Map<string, number>();
  const generations = new Map<string, number>();
  for (const leg of view.all()) {
    if (leg.protocol !== TCP) continue;
    const ends = [endpoint(leg.src, leg.srcPort), endpoint(leg.dst, leg.dstPort)].sort().join(" ");
    const place = `${leg.point} ${leg.context} ${ends}`;
    const generation = generations.get(place) ?? 0;
    generations.set(place, generation + 1);
    const key = `${ends} ${generation}`;
    const group = numbers.get(key) ?? numbers.size;
    numbers.set(key, group);
    groups.set(leg.leg, { group });
  }
  return groups;
}

function countTheirs(frames: readonly TsharkFrame[]): Map<number, string> {
  const counts = new Map<number, Map<string, { packets: number; bytes: number }>>();
  for (const { stream, source, wireLength } of frames) {
    const sides = counts.get(stream) ?? new Map<string, { packets: number; bytes: number }>();
    counts.set(stream, sides);
    const side = sides.get(source) ?? { packets: 0, bytes: 0 };
    sides.set(source, { packets: side.packets + 1, bytes: side.bytes + wireLength });
  }
  return new Map([...counts].map(([stream, sides]) => [stream, printSides(sides)]));
}

function countOurs(view: LegView, groups: ReadonlyMap<number, Grouped>): Map<number, string> {
  const counts = new Map<number, Map<string, { packets: number; bytes: number }>>();
  for (const [leg, { group }] of groups) {
    view.at(leg);
    const sides = counts.get(group) ?? new Map<string, { packets: number; bytes: number }>();
    counts.set(group, sides);
    for (const [source, its] of [
      [endpoint(view.src, view.srcPort), view.up],
      [endpoint(view.dst, view.dstPort), view.down],
    ] as const) {
      if (its.packets === 0) continue;
      const side = sides.get(source) ?? { packets: 0, bytes: 0 };
      sides.set(source, { packets: side.packets + its.packets, bytes: side.bytes + its.wireBytes });
    }
  }
  return new Map([...counts].map(([group, sides]) => [group, printSides(sides)]));
}

/** The sides by packets, then bytes: which is which was already held by the frames' streams. */
function printSides(sides: ReadonlyMap<string, { packets: number; bytes: number }>): string {
  return [...sides]
    .map(([source, { packets, bytes }]) => `${source}: ${packets} packets ${bytes} bytes`)
    .sort()
    .join(", ");
}

function countBy(values: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

/** As tshark prints them. */
export function endpoint(address: AddressWords, port: number): string {
  return `${printAddress(address)} ${port}`;
}

function printAddress(words: AddressWords): string {
  if (words[0] === 0 && words[1] === 0 && words[2] === 0xffff) {
    const word = words[3];
    return [word >>> 24, (word >>> 16) & 0xff, (word >>> 8) & 0xff, word & 0xff].join(".");
  }
  const hex = words.flatMap((word) => [(word >>> 16).toString(16), (word & 0xffff).toString(16)]);
  return compress(hex.join(":"));
}

/** RFC 5952: the longest run of zero groups becomes `::`. */
function compress(address: string): string {
  const runs = [...address.matchAll(/(?:^|:)0(?::0)+(?=:|$)/g)].sort((a, b) => b[0].length - a[0].length);
  const longest = runs[0];
  if (!longest) return address;
  const before = address.slice(0, longest.index);
  const after = address.slice(longest.index + longest[0].length);
  return `${before}::${after.replace(/^:/, "")}`;
}
