import { FOU, GUE } from "../../src/decode/encapsulation.ts";
import { IS_FRAGMENT, TCP } from "../../src/decode/packet.ts";
import { type AddressWords, LegView } from "../../src/flow/leg-view.ts";
import type { FlowTracker } from "../../src/flow/tracker.ts";
import { type FollowedFrame, followCapture } from "./follow.ts";
import { type TsharkFrame, tsharkTcp } from "./tshark-tcp.ts";

/** Something on which l4scope and tshark do not agree about a capture's TCP conversations. */
export interface Difference {
  /** Why that is right; null where it is not known to be. */
  reason: string | null;
  what: string;
  frames: number[];
}

export interface Agreement {
  /** Streams of tshark, those left out that it only sees quoted in ICMP. */
  streams: number;
  frames: number;
  /** Streams with the same frames, packets and bytes each way, what has a reason left out. */
  equal: number;
  differences: Difference[];
}

/** What l4scope does not decode, by tshark's names: tshark may see TCP inside. */
const FOREIGN_LAYERS = ["sflow", "gtp", "arcnet", "ipoib", "juniper"];
/** What tshark makes of a record's length of 2^31 and more. */
const LYING_LENGTH = 0x7fff_ffff;

/**
 * Compares a capture's legs with tshark's streams, frame by frame.
 *
 * tshark knows neither observation points nor VLANs nor tunnels: our legs of the same addresses and ports are put
 * together, the first of each point and encapsulation with the first of the others, the second with the second.
 */
export async function compareWithTshark(path: string): Promise<Agreement> {
  const tshark = await tsharkTcp(path);
  const theirs = tshark.frames.filter((frame) => !frame.isQuote);
  const { tracker, frames } = await followCapture(path);
  const view = new LegView(tracker);
  const groups = groupLegs(view);
  const differences = new DifferenceList();
  const ignored = new Set<number>();

  const pairs = new Map<string, { stream: number; group: number; first: number }>();
  for (const { frame, stream, protocols, wireLength } of theirs) {
    const ours = frames[frame - 1];
    const group = ours && groups.get(ours.leg);
    if (group === undefined) {
      const foreign = FOREIGN_LAYERS.find((layer) => protocols.split(":").includes(layer));
      differences.note(foreign ? `l4scope does not decode ${foreign}` : null, `only tshark: ${protocols}`, frame);
      ignored.add(frame);
      continue;
    }
    pairs.set(`${stream} ${group}`, { stream, group, first: frame });
    if (wireLength === ours?.wireLength) continue;
    const isLie = wireLength === LYING_LENGTH;
    differences.note(isLie ? "the record's length cannot be true" : null, "another length", frame);
    if (isLie) ignored.add(frame);
  }

  const known = new Set(theirs.map((frame) => frame.frame));
  frames.forEach((one, index) => {
    const frame = index + 1;
    if (!groups.has(one.leg) || known.has(frame)) return;
    const reason = whyNotInTshark(one, frame, tshark.lastFrame, view);
    differences.note(reason, "only l4scope", frame);
    ignored.add(frame);
  });

  const groupsOfStream = countBy([...pairs.values()].map((pair) => pair.stream));
  const streamsOfGroup = countBy([...pairs.values()].map((pair) => pair.group));
  const theirCounts = countTheirs(theirs, ignored);
  const ourCounts = countOurs(tracker, groups, frames, ignored);
  let equal = 0;
  for (const { stream, group, first } of pairs.values()) {
    if (groupsOfStream.get(stream) !== 1) differences.note(null, "tshark has one stream for several legs", first);
    else if (streamsOfGroup.get(group) !== 1) differences.note(null, "tshark has several streams for one leg", first);
    else if (theirCounts.get(stream) === ourCounts.get(group)) equal++;
    else differences.note(null, `tshark ${theirCounts.get(stream)}; l4scope ${ourCounts.get(group)}`, first);
  }
  // Streams of which everything has been explained have nothing left to compare.
  const compared = new Set([...pairs.values()].map((pair) => pair.stream));
  return { streams: compared.size, frames: theirs.length, equal, differences: differences.list };
}

function whyNotInTshark(one: FollowedFrame, frame: number, lastFrame: number, view: LegView): string | null {
  if (one.kind === IS_FRAGMENT) return "a later fragment, which l4scope counts for its leg";
  if (frame > lastFrame) return "tshark stops at the damage, l4scope reads on after it";
  const layers = view.tracker.contexts.list[view.at(one.leg).context] ?? [];
  if (layers.some(({ kind }) => kind === GUE || kind === FOU)) return "tshark 4.0 does not decode GUE and FOU";
  if (one.wireLength > 0xffff) return "tshark 4.0 does not decode BIG TCP, whose IP length is zero";
  return null;
}

class DifferenceList {
  readonly list: Difference[] = [];

  note(reason: string | null, what: string, frame: number): void {
    const same = this.list.find((one) => one.reason === reason && one.what === what);
    if (same) same.frames.push(frame);
    else this.list.push({ reason, what, frames: [frame] });
  }
}

/** TCP legs by leg number, with the number of their group. */
function groupLegs(view: LegView): Map<number, number> {
  const groups = new Map<number, number>();
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
    groups.set(leg.leg, group);
  }
  return groups;
}

/** Packets and bytes by sender, of each stream or group. */
class Counts {
  private readonly bySource = new Map<number, Map<string, { packets: number; bytes: number }>>();

  add(of: number, source: string, packets: number, bytes: number): void {
    const sides = this.bySource.get(of) ?? new Map<string, { packets: number; bytes: number }>();
    this.bySource.set(of, sides);
    const side = sides.get(source) ?? { packets: 0, bytes: 0 };
    sides.set(source, { packets: side.packets + packets, bytes: side.bytes + bytes });
  }

  get(of: number): string {
    return [...(this.bySource.get(of) ?? [])]
      .filter(([, { packets }]) => packets !== 0)
      .map(([source, { packets, bytes }]) => `${source}: ${packets} packets ${bytes} bytes`)
      .sort()
      .join(", ");
  }
}

function countTheirs(frames: readonly TsharkFrame[], ignored: ReadonlySet<number>): Counts {
  const counts = new Counts();
  for (const { frame, stream, source, wireLength } of frames) {
    if (!ignored.has(frame)) counts.add(stream, source, 1, wireLength);
  }
  return counts;
}

/** From the legs' own counters, less the frames to be left out. */
function countOurs(
  tracker: FlowTracker,
  groups: ReadonlyMap<number, number>,
  frames: readonly FollowedFrame[],
  ignored: ReadonlySet<number>,
): Counts {
  const counts = new Counts();
  const view = new LegView(tracker);
  const sources = () => [endpoint(view.src, view.srcPort), endpoint(view.dst, view.dstPort)];
  for (const [leg, group] of groups) {
    view.at(leg);
    const [up = "", down = ""] = sources();
    counts.add(group, up, view.up.packets, view.up.wireBytes);
    counts.add(group, down, view.down.packets, view.down.wireBytes);
  }
  for (const frame of ignored) {
    const one = frames[frame - 1];
    const group = one && groups.get(one.leg);
    if (one === undefined || group === undefined) continue;
    view.at(one.leg);
    counts.add(group, sources()[one.side] ?? "", -1, -one.wireLength);
  }
  return counts;
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
