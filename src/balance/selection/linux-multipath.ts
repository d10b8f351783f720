import { siphash24, sipKey } from "../hashing/siphash.ts";
import { swap16 } from "../hashing/word32.ts";
import { Word64 } from "../hashing/word64.ts";
import type { FieldName } from "./fields.ts";
import type { FlowKey, SelectionStep } from "./selection.ts";
import { fieldsText, hex32, step } from "./step-text.ts";

/** How Linux hashes a packet to choose among next hops (net/ipv4/route.c, fib_multipath_hash; net/ipv6/route.c). */
export interface LinuxMultipathOptions {
  /** `net.ipv4.fib_multipath_hash_policy`, or of ipv6: 0 is addresses, 1 addresses, protocol and ports. */
  policy: number;
  /** `net.ipv4.fib_multipath_hash_seed`, from Linux 6.11 on; at 0 the kernel draws its own, and none can tell it. */
  seed: number;
}

/** struct flow_keys from `basic` to `icmp` on: what is hashed, before the addresses. */
const HEAD_BYTES = 36;
const PROTOCOL = 2;
const PORTS = 28;
/** The struct is aligned to 8 bytes, and its padding is hashed too. */
const PADDING_BYTES = 4;

/** A packet's hash of 31 bits. */
export function linuxMultipathHash({ policy, seed }: LinuxMultipathOptions): (key: FlowKey) => number {
  if (policy !== 0 && policy !== 1) throw new RangeError(`policy ${policy}: expected 0 (addresses) or 1 (5-tuple)`);
  const keyBytes = new Uint8Array(16);
  const keyView = new DataView(keyBytes.buffer);
  for (let at = 0; at < 16; at += 4) keyView.setUint32(at, seed >>> 0, true);
  const sip = sipKey(keyBytes);
  const bytes = new Uint8Array(HEAD_BYTES + 32 + PADDING_BYTES);
  const digest = new Word64();
  return (key) => {
    const size = key.src.length;
    bytes[PROTOCOL] = policy === 1 || size === 16 ? key.protocol : 0;
    // both directions of a flow hash alike: the lower address and the lower port come first
    const isTurned = isLower(key.dst, key.src);
    const first = isTurned ? key.dst : key.src;
    const second = isTurned ? key.src : key.dst;
    for (let at = 0; at < size; at++) {
      bytes[HEAD_BYTES + at] = first[at]!;
      bytes[HEAD_BYTES + size + at] = second[at]!;
    }
    for (let at = 0; at < PADDING_BYTES; at++) bytes[HEAD_BYTES + 2 * size + at] = 0;
    if (policy === 1) {
      const isPortTurned = swap16(key.dstPort) < swap16(key.srcPort);
      const low = isPortTurned ? key.dstPort : key.srcPort;
      const high = isPortTurned ? key.srcPort : key.dstPort;
      bytes[PORTS] = low >>> 8;
      bytes[PORTS + 1] = low;
      bytes[PORTS + 2] = high >>> 8;
      bytes[PORTS + 3] = high;
    }
    siphash24(sip, bytes, digest, HEAD_BYTES + 2 * size + PADDING_BYTES);
    // 0 would mean that there is no hash
    return (digest.lo || 1) >>> 1;
  };
}

export function linuxMultipathSteps(key: FlowKey, options: LinuxMultipathOptions, hash: number): SelectionStep[] {
  const { policy, seed } = options;
  const fields: FieldName[] =
    policy === 1
      ? ["src", "dst", "protocol", "src-port", "dst-port"]
      : key.src.length === 16
        ? ["src", "dst", "protocol"]
        : ["src", "dst"];
  const unknown = "unknown: the kernel drew its own, so shares hold but this one choice may differ";
  return [
    step("hashed", fieldsText(key, fields)),
    step("function", "SipHash-2-4, 31 bits, the same in both directions"),
    step("seed", seed === 0 ? unknown : hex32(seed)),
    step("hash", hex32(hash)),
  ];
}

/** __flow_hash_consistentify compares IPv4 addresses and ports as a little-endian host reads them, IPv6 as bytes. */
function isLower(a: Uint8Array, b: Uint8Array): boolean {
  const last = a.length - 1;
  for (let i = 0; i <= last; i++) {
    const at = a.length === 4 ? last - i : i;
    if (a[at] !== b[at]) return a[at]! < b[at]!;
  }
  return false;
}
