import type { FlowKey, HashBackend } from "../../src/balance/selection/selection.ts";
import { parseAddress } from "../../src/topology/address.ts";

/** 4 or 16 bytes of an address as text. */
export function bytesOf(text: string): Uint8Array {
  const words = parseAddress(text);
  if (words === null) throw new Error(`${text} is no address`);
  return Uint8Array.from(
    (text.includes(":") ? words : words.slice(3)).flatMap((word) => [word >>> 24, word >>> 16, word >>> 8, word]),
  );
}

/** Backends `10.2.0.11:8080` or `[fc00::1]:80`. */
export function backendsOf(endpoints: readonly string[], weights: readonly number[] = []): HashBackend[] {
  return endpoints.map((name, index) => {
    const [, address = "", port = ""] = /^\[?(.*?)\]?:(\d+)$/.exec(name) ?? [];
    return { name, address: bytesOf(address), port: Number(port), weight: weights[index] ?? 1 };
  });
}

/** As many backends as wanted, `10.2.0.1:8080` on. */
export function manyBackends(count: number, weight: (index: number) => number = () => 1): HashBackend[] {
  return backendsOf(
    Array.from({ length: count }, (_, index) => `10.2.${(index + 1) >> 8}.${(index + 1) & 255}:8080`),
    Array.from({ length: count }, (_, index) => weight(index)),
  );
}

export function flow(src: string, srcPort: number, dst: string, dstPort: number, protocol = 6): FlowKey {
  return { protocol, src: bytesOf(src), dst: bytesOf(dst), srcPort, dstPort };
}

/** Flows of one network, none like another: `count` of them, the same at every call. */
export function manyFlows(count: number): FlowKey[] {
  const dst = bytesOf("192.0.2.10");
  return Array.from({ length: count }, (_, index) => {
    const client = Math.imul(index, 2654435761) >>> 8;
    return {
      protocol: 6,
      src: Uint8Array.of(10, client >>> 16, client >>> 8, client),
      dst,
      srcPort: 1024 + (Math.imul(index, 40503) & 0x7fff),
      dstPort: 443,
    };
  });
}

/** How many flows each backend gets; those that none gets are at the end. */
export function countChoices(select: (key: FlowKey) => number, flows: readonly FlowKey[], backends: number): number[] {
  const counts = new Array<number>(backends + 1).fill(0);
  for (const key of flows) {
    const choice = select(key);
    counts[choice < 0 ? backends : choice]! += 1;
  }
  return counts;
}
