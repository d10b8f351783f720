import { hash } from "node:crypto";
import { MAPPED } from "../decode/packet.ts";
import type { AddressWords } from "../flow/leg-view.ts";

/** What a Community ID is made of; both directions of a flow give the same one. */
export interface FlowTuple {
  src: AddressWords;
  dst: AddressWords;
  srcPort: number;
  dstPort: number;
  /** IP protocol number of a protocol with ports. */
  protocol: number;
}

const IPV6_BYTES = 16;
const IPV4_BYTES = 4;
/** Seed, two addresses, protocol and padding, two ports. */
const scratch = Buffer.alloc(2 + 2 * IPV6_BYTES + 2 + 4);

/**
 * Community ID 1.0 of a flow (https://github.com/corelight/community-id-spec), by which Zeek, Suricata and Wireshark
 * name it too: `1:` and the SHA-1 of its 5-tuple in base64.
 */
export function communityId(flow: FlowTuple, seed = 0): string {
  const { src, dst, srcPort, dstPort } = flow;
  const forward = compareEnds(src, srcPort, dst, dstPort) <= 0;
  const [low, lowPort, high, highPort] = forward ? [src, srcPort, dst, dstPort] : [dst, dstPort, src, srcPort];
  let end = scratch.writeUInt16BE(seed, 0);
  const isIpv4 = isMapped(src) && isMapped(dst);
  end = writeAddress(low, end, isIpv4);
  end = writeAddress(high, end, isIpv4);
  end = scratch.writeUInt8(flow.protocol, end);
  end = scratch.writeUInt8(0, end);
  end = scratch.writeUInt16BE(lowPort, end);
  end = scratch.writeUInt16BE(highPort, end);
  return `1:${hash("sha1", scratch.subarray(0, end), "base64")}`;
}

function isMapped(words: AddressWords): boolean {
  return words[0] === 0 && words[1] === 0 && words[2] === MAPPED;
}

function writeAddress(words: AddressWords, at: number, isIpv4: boolean): number {
  if (isIpv4) {
    scratch.writeInt32BE(words[3], at);
    return at + IPV4_BYTES;
  }
  for (let i = 0; i < 4; i++) scratch.writeInt32BE(words[i]!, at + 4 * i);
  return at + IPV6_BYTES;
}

/** By address as bytes, then by port. */
function compareEnds(a: AddressWords, aPort: number, b: AddressWords, bPort: number): number {
  for (let i = 0; i < 4; i++) if (a[i] !== b[i]) return (a[i]! >>> 0) - (b[i]! >>> 0);
  return aPort - bPort;
}
