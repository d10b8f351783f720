import { seeded } from "../seeded.ts";
import { onLinkType, tagged } from "./link-layers.ts";
import { mergedSegments } from "./merge-segments.ts";
import { coarse, cut, during, lossy, mirroredTwice, onOtherClock, outOfOrder } from "./packets.ts";
import { type Renaming, renamed, renamedEndpoint } from "./rename.ts";
import { hostOf, type Run, spanOf, type Truth } from "./run.ts";
import type { SeenCapture } from "./seen-capture.ts";

/** A way to see the same network with other eyes: what happened in it stays true. */
export interface Alteration {
  name: string;
  /**
   * What an analysis must still say. `finding`: what it said before; nothing of use is gone. `truth`: nothing wrong,
   * though it may say less.
   */
  keeps: "finding" | "truth";
  /** The run as seen so, or null where it cannot be. */
  apply: (run: Run, random: () => number) => Run | null;
}

const MILLISECOND = 1e6;
const SECOND = 1e9;

/** All alterations; each is drawn anew for every seed. */
export const ALTERATIONS: readonly Alteration[] = [
  points("points: the balancers alone", ({ path }) => /^lb\d/.test(path)),
  points("points: one balancer alone", ({ path }) => /^lb1\b/.test(path)),
  points("points: the clients' side alone", ({ path }) => !/^(lb|rs)\d/.test(path)),
  points("points: the servers alone", ({ path }) => /^rs\d/.test(path)),
  points("points: both ends, no balancer", ({ path }) => !/^lb\d/.test(path)),
  points("points: all but the servers", ({ path }) => !/^rs\d/.test(path)),
  points("points: all but the clients' side", ({ path }) => /^(lb|rs)\d/.test(path)),
  somePoints("points: one, any", () => 1),
  somePoints("points: all but one", (count) => count - 1),
  somePoints("points: half of them", (count) => Math.ceil(count / 2)),
  each("snap length 64", "truth", (capture) => cut(capture, 64)),
  each("snap length 96", "truth", (capture) => cut(capture, 96)),
  each("snap length 128", "finding", (capture) => cut(capture, 128)),
  during_("begins late", 0.35, 1),
  during_("ends early", 0, 0.6),
  during_("a short piece", 0.4, 0.65),
  each("loses 0.1 %", "finding", (capture, random) => lossy(capture, 0.001, random)),
  each("loses 1 %", "truth", (capture, random) => lossy(capture, 0.01, random)),
  each("loses 5 %", "truth", (capture, random) => lossy(capture, 0.05, random)),
  one("loses 5 % at one point", "truth", (capture, random) => lossy(capture, 0.05, random)),
  each("every packet twice", "finding", (capture) => mirroredTwice(capture, 2000)),
  one("every packet twice at one point", "finding", (capture) => mirroredTwice(capture, 5000)),
  each("written out of order", "finding", (capture, random) => outOfOrder(capture, MILLISECOND, random)),
  clocks("clocks wrong by 50 ms", (random) => (random() < 0.5 ? -1 : 1) * 50 * MILLISECOND, 0),
  clocks("clocks wrong by 3 s", (random) => Math.round((random() * 6 - 3) * SECOND), 0),
  clocks("clocks drift by 50 ppm", () => 0, 50_000),
  {
    name: "other addresses",
    keeps: "finding",
    apply: (run, random) => (saysNames(run) ? null : rename(run, otherAddresses(random))),
  },
  {
    name: "other ports",
    keeps: "finding",
    apply: (run) => (saysNames(run) ? null : rename(run, { address: (old) => old, port: otherPort })),
  },
  one("VLAN tags at one point", "finding", (capture) => tagged(capture, 42)),
  each("VLAN tags everywhere", "finding", (capture) => tagged(capture, 7)),
  one("SLL at one point", "truth", (capture) => onLinkType(capture, "sll")),
  one("SLL2 at one point", "truth", (capture) => onLinkType(capture, "sll2")),
  one("no link layer at one point", "truth", (capture) => onLinkType(capture, "raw")),
  each("no link layer anywhere", "truth", (capture) => onLinkType(capture, "raw")),
  {
    name: "points in another order",
    keeps: "finding",
    apply: (run, random) => ({ ...run, captures: shuffled(run.captures, random) }),
  },
  { name: "hosts under other names", keeps: "finding", apply: otherHosts },
  { name: "files under names that say nothing", keeps: "truth", apply: namelessFiles },
  { name: "files split in two", keeps: "finding", apply: splitFiles },
  each("times in microseconds", "finding", (capture) => coarse(capture, 1000)),
  each("times in milliseconds", "truth", (capture) => coarse(capture, MILLISECOND)),
  one("segments merged at one point", "finding", (capture) => mergedSegments(capture, MILLISECOND / 2)),
  each("segments merged everywhere", "truth", (capture) => mergedSegments(capture, MILLISECOND / 2)),
];

/** The random numbers of an alteration of a scenario: the same for the same seed. */
export function randomOf(scenario: string, alteration: string, seed: number): () => number {
  let hash = seed;
  for (const letter of `${scenario} ${alteration}`) hash = (Math.imul(hash, 31) + letter.charCodeAt(0)) | 0;
  return seeded(hash);
}

function each(
  name: string,
  keeps: Alteration["keeps"],
  alter: (capture: SeenCapture, random: () => number) => SeenCapture,
): Alteration {
  return {
    name,
    keeps,
    apply: (run, random) => ({ ...run, captures: run.captures.map((capture) => alter(capture, random)) }),
  };
}

function one(
  name: string,
  keeps: Alteration["keeps"],
  alter: (capture: SeenCapture, random: () => number) => SeenCapture,
): Alteration {
  return {
    name,
    keeps,
    apply: (run, random) => {
      const chosen = Math.floor(random() * run.captures.length);
      return { ...run, captures: run.captures.map((capture, i) => (i === chosen ? alter(capture, random) : capture)) };
    },
  };
}

function points(name: string, isKept: (capture: SeenCapture) => boolean): Alteration {
  return { name, keeps: "truth", apply: (run) => withPoints(run, run.captures.filter(isKept)) };
}

function somePoints(name: string, howMany: (count: number) => number): Alteration {
  return {
    name,
    keeps: "truth",
    apply: (run, random) => {
      const chosen = new Set(shuffled(run.captures, random).slice(0, howMany(run.captures.length)));
      return withPoints(
        run,
        run.captures.filter((capture) => chosen.has(capture)),
      );
    },
  };
}

function withPoints(run: Run, captures: readonly SeenCapture[]): Run | null {
  return captures.length === 0 || captures.length === run.captures.length ? null : { ...run, captures };
}

function during_(name: string, from: number, until: number): Alteration {
  return {
    name,
    keeps: "truth",
    apply: (run) => {
      const { start, end } = spanOf(run.captures);
      const first = start + (end - start) * from;
      const last = start + (end - start) * until + (until === 1 ? 1 : 0);
      return { ...run, captures: run.captures.map((capture) => during(capture, first, last)) };
    },
  };
}

function clocks(name: string, offsetOf: (random: () => number) => number, gain: number): Alteration {
  return {
    name,
    keeps: "finding",
    apply: (run, random) => {
      const { start } = spanOf(run.captures);
      // a host has one clock for all its interfaces
      const byHost = new Map<string, { offset: number; sign: number }>();
      for (const { path } of run.captures) {
        const host = hostOf(path);
        if (!byHost.has(host)) byHost.set(host, { offset: offsetOf(random), sign: random() < 0.5 ? -1 : 1 });
      }
      const captures = run.captures.map((capture) => {
        const { offset, sign } = byHost.get(hostOf(capture.path)) ?? { offset: 0, sign: 1 };
        return onOtherClock(capture, offset, sign * gain, start);
      });
      return { ...run, captures };
    },
  };
}

function shuffled<T>(list: readonly T[], random: () => number): T[] {
  return list
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

/** Every /24 moved to another one at random; hosts keep their place in it, so that networks stay networks. */
export function otherAddresses(random: () => number): Renaming {
  const networks = new Map<number, number>();
  const taken = new Set<number>();
  return {
    address: (old) => {
      const network = old >>> 8;
      let other = networks.get(network);
      while (other === undefined || (!networks.has(network) && taken.has(other))) {
        // 11.0.0.0 to 203.255.255.255
        other = ((11 + Math.floor(random() * 193)) << 16) | Math.floor(random() * 65536);
      }
      networks.set(network, other);
      taken.add(other);
      return ((other << 8) | (old & 255)) >>> 0;
    },
    port: (old) => old,
  };
}

/** Services on high ports, above many of their clients'; a bijection. */
const otherPort = (old: number): number => (old + 50_000) % 65_536 || 65_535;

/** Names stand in a topology file, or in a PROXY header in text form: these cannot be written over. */
export function saysNames({ captures, topology }: Run): boolean {
  if (topology !== null) return true;
  const word = Buffer.from("PROXY TCP");
  return captures.some(({ packets }) =>
    packets.some(({ bytes }) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(word)),
  );
}

export function rename(run: Run, renaming: Renaming): Run {
  return {
    ...run,
    captures: run.captures.map((capture) => renamed(capture, renaming)),
    truth: renameTruth(run.truth, renaming),
  };
}

function renameTruth(truth: Truth, renaming: Renaming): Truth {
  const name = (text: string) => renamedEndpoint(text, renaming);
  return {
    ...truth,
    where: Object.fromEntries(Object.entries(truth.where).map(([key, value]) => [key, name(value)])),
    connections: truth.connections.map((connection) => ({
      ...connection,
      client: name(connection.client),
      vip: name(connection.vip),
      ...(connection.backend === undefined ? {} : { backend: [connection.backend].flat().map(name) }),
    })),
  };
}

function otherHosts(run: Run): Run {
  const hosts = [...new Set(run.captures.map(({ path }) => hostOf(path)))];
  const named = new Map(hosts.map((host, i) => [host, `node${String.fromCharCode(97 + ((i * 7) % 26))}${i}`]));
  const captures = run.captures.map((capture) => ({
    ...capture,
    path: capture.path.replace(/^[a-z]+\d*/i, (host) => named.get(host) ?? host),
  }));
  const where = Object.fromEntries(
    Object.entries(run.truth.where).map(([key, value]) => [
      key,
      value
        .split(", ")
        .map((one) => named.get(one) ?? one)
        .join(", "),
    ]),
  );
  return { ...run, captures, truth: { ...run.truth, where } };
}

function namelessFiles(run: Run, random: () => number): Run {
  const captures = shuffled(run.captures, random).map((capture, i) => ({ ...capture, path: `capture ${i + 1}.pcap` }));
  // nodes are called after files
  const where = Object.fromEntries(
    Object.entries(run.truth.where).filter(([key]) => key !== "node" && key !== "member"),
  );
  return { ...run, captures, truth: { ...run.truth, where } };
}

/** As `tcpdump -G` writes them. */
function splitFiles(run: Run): Run {
  const { start, end } = spanOf(run.captures);
  const middle = start + (end - start) * 0.45;
  const captures = run.captures.flatMap((capture) => {
    const stem = capture.path.replace(/\.pcap.*$/, "");
    return [
      { ...during(capture, start, middle), path: `${stem}_20260101-100000.pcap` },
      { ...during(capture, middle, end + 1), path: `${stem}_20260101-110000.pcap` },
    ].filter(({ packets }) => packets.length > 0);
  });
  return { ...run, captures };
}
