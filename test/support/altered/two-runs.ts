import { otherAddresses, rename, saysNames } from "./alterations.ts";
import { type Run, spanOf } from "./run.ts";
import type { SeenCapture } from "./seen-capture.ts";

/** Given to the second byte of the second run's MACs. */
const OTHER_MACS = 0x80;

/**
 * Two runs as one: of two networks that share a capture host and no address, the second begins `afterNs` after the first.
 * Points of the same name are one file. What is true of either is true of both.
 *
 * @returns null where the second cannot be given other addresses
 */
export function together(first: Run, second: Run, afterNs: number, random: () => number): Run | null {
  if (saysNames(first) || saysNames(second)) return null;
  const other = rename(second, { ...otherAddresses(random), mac: (old) => old ^ OTHER_MACS });
  const base = ((second.timeBase.seconds ?? 0) - (first.timeBase.seconds ?? 0)) * 1e9;
  const shift = Math.round(spanOf(first.captures).start + afterNs - spanOf(other.captures).start);
  const later = other.captures.map((capture) => ({
    ...capture,
    packets: capture.packets.map((packet) => ({ ...packet, time: packet.time + shift })),
  }));
  const captures = first.captures.map((capture) => {
    const same = later.find(({ path }) => stem(path) === stem(capture.path));
    return same && isOneInterface(capture, same) ? inOneFile(capture, same) : capture;
  });
  const taken = new Set(captures.filter((_, i) => captures[i] !== first.captures[i]).map(({ path }) => stem(path)));
  const rest = later
    .filter(({ path }) => !taken.has(stem(path)))
    .map((capture) => ({ ...capture, path: `other${capture.path}` }));
  const { truth } = first;
  return {
    ...first,
    captures: [...captures, ...rest],
    truth: {
      scenario: `${truth.scenario} and ${other.truth.scenario}`,
      top: [...truth.top, ...other.truth.top],
      also: [...truth.also, ...other.truth.also],
      // hosts of the second have other names, or share those of the first: places are not compared
      where: {},
      mode: null,
      connections: [
        ...truth.connections,
        ...other.truth.connections.map((one) => ({ ...one, start: one.start + (shift - base) / 1e9 })),
      ],
    },
  };
}

const stem = (path: string): string => path.replace(/\.pcap.*$/, "");

function isOneInterface(a: SeenCapture, b: SeenCapture): boolean {
  const all = [...a.interfaces, ...b.interfaces];
  return a.interfaces.length === 1 && b.interfaces.length === 1 && all[0]?.linkType === all[1]?.linkType;
}

function inOneFile(a: SeenCapture, b: SeenCapture): SeenCapture {
  return { ...a, packets: [...a.packets, ...b.packets].sort((one, other) => one.time - other.time) };
}
