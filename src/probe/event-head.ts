import { tcpStateOf } from "../host/tcp-states.ts";
import type { AddressWords, EndpointWords } from "../topology/address.ts";

/** What every event of the socket probes begins with. */
export interface EventHead {
  /** Nanoseconds since 1970, by the kernel's monotonic clock and the difference of clocks when the probe was opened. */
  timeNs: bigint;
  /** This host's end. */
  local: EndpointWords;
  remote: EndpointWords;
  /** Inode number of the network namespace, as `ls -L -i /run/netns/NAME` shows. */
  netns: number;
  /** Null where no process can be told: the kernel acted by itself, on a packet or a timer. */
  pid: number | null;
  /** The process's name, up to 15 bytes. */
  comm: string | null;
  /** The socket's state: `ESTABLISHED`; null where there is no socket. */
  state: string | null;
  role: Role | null;
}

/** Who opened the connection: this host's socket, or the other end. */
export type Role = "connect" | "accept";

/** Bytes of struct event_head (probes/include/event.h). */
export const HEAD_BYTES = 72;

const ROLES: readonly (Role | null)[] = [null, "connect", "accept"];
const isLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
/** For DataView: numbers are in the host's byte order. */
export const HOST_ORDER: boolean = isLittleEndian;

export function decodeHead(bytes: DataView, offset: number, epochOffsetNs: bigint): EventHead {
  const pid = bytes.getUint32(offset + 48, HOST_ORDER);
  const state = bytes.getUint8(offset + 68);
  return {
    timeNs: bytes.getBigUint64(offset, HOST_ORDER) + epochOffsetNs,
    local: { address: readAddress(bytes, offset + 8), port: bytes.getUint16(offset + 40, HOST_ORDER) },
    remote: { address: readAddress(bytes, offset + 24), port: bytes.getUint16(offset + 42, HOST_ORDER) },
    netns: bytes.getUint32(offset + 44, HOST_ORDER),
    pid: pid === 0 ? null : pid,
    comm: pid === 0 ? null : readText(bytes, offset + 52, 16),
    state: state === 0 ? null : (tcpStateOf(state) ?? String(state)),
    role: ROLES[bytes.getUint8(offset + 69)] ?? null,
  };
}

/** The probe's own kind of event. */
export function readKind(bytes: DataView, offset: number): number {
  return bytes.getUint16(offset + 70, HOST_ORDER);
}

/** Four words in network order. */
export function readAddress(bytes: DataView, offset: number): AddressWords {
  return [bytes.getInt32(offset), bytes.getInt32(offset + 4), bytes.getInt32(offset + 8), bytes.getInt32(offset + 12)];
}

/** Bytes up to the first 0. */
export function readText(bytes: DataView, offset: number, length: number): string {
  let end = 0;
  while (end < length && bytes.getUint8(offset + end) !== 0) end++;
  return Buffer.from(bytes.buffer, bytes.byteOffset + offset, end).toString("utf8");
}
