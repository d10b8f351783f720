import { setVia4, setVia6 } from "./original-destination.ts";
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
  VIA_TCP_OPTION,
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
 * and DPVS's (8 bytes for IPv4, 20 for IPv6), 253 the IPv6 form of forks (and Akamai's, for IPv4), 200 a cloud's.
 */
const TOA = 254;
const TOA_253 = 253;
const TOA_CLOUD = 200;
/** Alibaba's forms with the service besides: client and VIP in one, IPv4 or IPv6, and the VIP alone (toa.h). */
const TOA_WITH_VIP = 252;
const TOA_WITH_VIP_V6 = 249;
const VIP_ONLY = 250;

/** Reads the options between `at` and `end`, as far as the capture has them. Damaged lists end where they are damaged. */
export function tcpOptions(p: Packet, view: DataView, start: number, end: number): void {
  const stop = Math.min(end, p.end);
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
      if (length !== 4) break;
      p.mss = view.getUint16(at + 2);
      p.optionsSeen |= OPT_MSS;
      return;
    case WINDOW_SCALE:
      if (length !== 3) break;
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
      if (length !== 10) break;
      p.tsValue = view.getInt32(at + 2);
      p.tsEcho = view.getInt32(at + 6);
      p.optionsSeen |= OPT_TIMESTAMPS;
      return;
    case FAST_OPEN:
      p.optionsSeen |= OPT_FAST_OPEN;
      return;
    case TOA:
    case TOA_253:
    case TOA_CLOUD:
      if (length !== 8 && length !== 20) break;
      if (length === 8) toa4(p, view, kind, at);
      else toa6(p, view, kind, at);
      return;
    case TOA_WITH_VIP:
      if (length !== 20) break;
      toa4(p, view, kind, at);
      setVia4(p, VIA_TCP_OPTION, view.getInt32(at + 12), view.getUint16(at + 16));
      return;
    case TOA_WITH_VIP_V6:
      if (length !== 40) break;
      toa6(p, view, kind, at);
      setVia6(p, VIA_TCP_OPTION, view, at + 24, 0);
      return;
    case VIP_ONLY:
      if (length !== 8) break;
      setVia4(p, VIA_TCP_OPTION, view.getInt32(at + 4), view.getUint16(at + 2));
      return;
  }
  p.optionsSeen |= OPT_OTHER;
}

/** Port, then address: 8 bytes, or the beginning of a longer form. */
function toa4(p: Packet, view: DataView, kind: number, at: number): void {
  p.toa0 = 0;
  p.toa1 = 0;
  p.toa2 = MAPPED;
  p.toa3 = view.getInt32(at + 4);
  noteToa(p, view, kind, at);
}

function toa6(p: Packet, view: DataView, kind: number, at: number): void {
  p.toa0 = view.getInt32(at + 4);
  p.toa1 = view.getInt32(at + 8);
  p.toa2 = view.getInt32(at + 12);
  p.toa3 = view.getInt32(at + 16);
  noteToa(p, view, kind, at);
}

function noteToa(p: Packet, view: DataView, kind: number, at: number): void {
  p.toaPort = view.getUint16(at + 2);
  p.toaKind = kind;
  p.optionsSeen |= OPT_TOA;
}
