import {
  MAPPED,
  OPT_FAST_OPEN,
  OPT_MSS,
  OPT_OTHER,
  OPT_SACK,
  OPT_SACK_PERMITTED,
  OPT_TIMESTAMPS,
  OPT_TOA,
  OPT_WINDOW_SCALE,
  type Packet,
} from "./packet.ts";

const END_OF_LIST = 0;
const NO_OPERATION = 1;
const MSS = 2;
const WINDOW_SCALE = 3;
const SACK_PERMITTED = 4;
const SACK = 5;
const TIMESTAMPS = 8;
const FAST_OPEN = 34;
/**
 * Kinds that carry a client's address through a FullNAT load balancer. None is assigned by IANA: 254 is LVS FullNAT's
 * and DPVS's (8 bytes for IPv4, 20 for IPv6), 253 and 252 the IPv6 and IPv6-to-IPv4 forms of forks, 200 a cloud's.
 */
const TOA = 254;
const TOA_V6 = 253;
const TOA_NAT64 = 252;
const TOA_CLOUD = 200;

/** Reads the options between `at` and `end`, as far as the capture has them. Damaged lists end where they are damaged. */
export function tcpOptions(p: Packet, view: DataView, start: number, end: number): void {
  const stop = end < p.end ? end : p.end;
  let at = start;
  while (at < stop) {
    const kind = view.getUint8(at);
    if (kind === END_OF_LIST) return;
    if (kind === NO_OPERATION) {
      at++;
      continue;
    }
    if (at + 2 > stop) return;
    const length = view.getUint8(at + 1);
    if (length < 2 || at + length > stop) return;
    option(p, view, kind, at, length);
    at += length;
  }
}

function option(p: Packet, view: DataView, kind: number, at: number, length: number): void {
  switch (kind) {
    case MSS:
      if (length !== 4) return;
      p.mss = view.getUint16(at + 2);
      p.optionsSeen |= OPT_MSS;
      return;
    case WINDOW_SCALE:
      if (length !== 3) return;
      // RFC 7323 2.3: a shift above 14 counts as 14.
      p.windowScale = Math.min(view.getUint8(at + 2), 14);
      p.optionsSeen |= OPT_WINDOW_SCALE;
      return;
    case SACK_PERMITTED:
      p.optionsSeen |= OPT_SACK_PERMITTED;
      return;
    case SACK:
      p.optionsSeen |= OPT_SACK;
      return;
    case TIMESTAMPS:
      if (length !== 10) return;
      p.tsValue = view.getInt32(at + 2);
      p.tsEcho = view.getInt32(at + 6);
      p.optionsSeen |= OPT_TIMESTAMPS;
      return;
    case FAST_OPEN:
      p.optionsSeen |= OPT_FAST_OPEN;
      return;
    case TOA:
    case TOA_V6:
    case TOA_NAT64:
    case TOA_CLOUD:
      toa(p, view, kind, at, length);
      return;
    default:
      p.optionsSeen |= OPT_OTHER;
  }
}

function toa(p: Packet, view: DataView, kind: number, at: number, length: number): void {
  if (length === 8) {
    p.toa0 = 0;
    p.toa1 = 0;
    p.toa2 = MAPPED;
    p.toa3 = view.getInt32(at + 4);
  } else if (length === 20) {
    p.toa0 = view.getInt32(at + 4);
    p.toa1 = view.getInt32(at + 8);
    p.toa2 = view.getInt32(at + 12);
    p.toa3 = view.getInt32(at + 16);
  } else {
    p.optionsSeen |= OPT_OTHER;
    return;
  }
  p.toaPort = view.getUint16(at + 2);
  p.toaKind = kind;
  p.optionsSeen |= OPT_TOA;
}
