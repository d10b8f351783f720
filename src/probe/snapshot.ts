import { HOST_ORDER } from "./event-head.ts";

/** Bytes of struct snapshot_head (probes/flowtap/flowtap.bpf.c). */
export const SNAPSHOT_HEAD_BYTES = 24;
/** The longest snapshot: SNAPSHOT_BYTES, and a VLAN tag that the driver had taken off. */
export const MAX_SNAPSHOT_BYTES = 256 + 4;
const MACS_BYTES = 12;

export interface SnapshotHead {
  /** CLOCK_MONOTONIC. */
  timeNs: bigint;
  ifindex: number;
  /** Link layer included. */
  wireBytes: number;
  direction: "ingress" | "egress";
  /** Number of the kernel side's enum why. */
  why: number;
}

export function readSnapshotHead(bytes: DataView, offset: number): SnapshotHead {
  const hasTag = bytes.getUint16(offset + 20, HOST_ORDER) !== 0;
  return {
    timeNs: bytes.getBigUint64(offset, HOST_ORDER),
    ifindex: bytes.getUint32(offset + 8, HOST_ORDER),
    wireBytes: bytes.getUint32(offset + 12, HOST_ORDER) + (hasTag ? 4 : 0),
    direction: bytes.getUint8(offset + 22) === 0 ? "ingress" : "egress",
    why: bytes.getUint8(offset + 23),
  };
}

/**
 * Copies a snapshot's packet, as it was on the wire: with the VLAN tag that the driver or the kernel keeps beside it.
 *
 * @param to has MAX_SNAPSHOT_BYTES from `at` on
 * @returns how many bytes it has
 */
export function copyPacket(bytes: DataView, offset: number, to: Uint8Array, at: number): number {
  const captured = bytes.getUint16(offset + 16, HOST_ORDER);
  const vlanType = bytes.getUint16(offset + 20, HOST_ORDER);
  const from = new Uint8Array(bytes.buffer, bytes.byteOffset + offset + SNAPSHOT_HEAD_BYTES, captured);
  if (vlanType === 0 || captured < MACS_BYTES) {
    to.set(from, at);
    return captured;
  }
  const tci = bytes.getUint16(offset + 18, HOST_ORDER);
  to.set(from.subarray(0, MACS_BYTES), at);
  to[at + 12] = vlanType >>> 8;
  to[at + 13] = vlanType & 0xff;
  to[at + 14] = tci >>> 8;
  to[at + 15] = tci & 0xff;
  to.set(from.subarray(MACS_BYTES), at + MACS_BYTES + 4);
  return captured + 4;
}
