import type { Packet } from "../decode/packet.ts";
import * as L from "./leg-layout.ts";
import type { LegTable } from "./leg-table.ts";

/** A UDP conversation silent for longer is over: the stream timeout of Linux conntrack. */
export const UDP_TIMEOUT_NS = 120e9;
/** As for TCP: the same datagram again on another stretch of its way. */
const COPY_WINDOW_NS = 20e6;

/**
 * One datagram of a leg.
 * @returns true where it is the first payload of its side
 */
export function trackUdp(legs: LegTable, leg: number, side: number, p: Packet): boolean {
  const w = legs.words(leg);
  const d = legs.doubles(leg);
  const at = legs.base(leg);
  const s = at + (side === 0 ? L.SIDE_0 : L.SIDE_1);
  const sd = s >> 1;
  w[s + L.PACKETS]!++;
  d[sd + L.WIRE_BYTES_D]! += p.wireLength;
  w[at + L.LAST_FRAME] = p.frame;
  if (p.time > d[(at >> 1) + L.LAST_TIME_D]!) d[(at >> 1) + L.LAST_TIME_D] = p.time;
  if ((w[s + L.TRAITS]! & L.SIDE_SEEN) === 0) {
    w[s + L.TRAITS] = L.SIDE_SEEN;
    d[sd + L.FIRST_TIME_D] = p.time;
    d[sd + L.SYN_TIME_D] = Number.NaN;
    d[sd + L.DATA_TIME_D] = Number.NaN;
    d[sd + L.FIN_TIME_D] = Number.NaN;
    setMac(w, s + L.MAC, p);
    w[s + L.TTL] = Math.imul(p.ttl, 0x01010101);
    if (p.ipId >= 0) w[s + L.IP_ID] = (p.ipId << 16) | p.ipId;
  } else if (!macIs(w, s + L.MAC, p) || w[s + L.TTL]! >>> 24 !== p.ttl) {
    if (isCopy(w, d, at, side, s, p)) {
      w[s + L.COPIES]!++;
      setMac(w, s + L.COPY_MAC, p);
      w[at + L.OTHER_TTLS] = (w[at + L.OTHER_TTLS]! & ~(0xff << (side * 8))) | (p.ttl << (side * 8));
      return false;
    }
    const ttl = w[s + L.TTL]!;
    w[s + L.TTL] =
      (ttl & 0xff0000) | (Math.max((ttl >>> 8) & 0xff, p.ttl) << 8) | Math.min(ttl & 0xff, p.ttl) | (p.ttl << 24);
    if (!macIs(w, s + L.MAC, p) && !(w[s + L.COPIES] !== 0 && macIs(w, s + L.COPY_MAC, p))) {
      w[s + L.MAC_CHANGES]!++;
      setMac(w, s + L.MAC, p);
    }
  }
  if (p.ipId >= 0) w[s + L.IP_ID] = (w[s + L.IP_ID]! & ~0xffff) | p.ipId;
  d[sd + L.SIDE_LAST_TIME_D] = p.time;
  d[sd + L.PAYLOAD_BYTES_D]! += p.payloadLength;
  d[sd + L.LAST_DATA_TIME_D] = p.time;
  w[s + L.LAST_LENGTH] = p.payloadLength;
  return w[s + L.DATA_FRAME] === 0 && p.payloadLength > 0;
}

/** The same datagram on another stretch: like the last one, or on the stretch where copies come. */
function isCopy(w: Int32Array, d: Float64Array, at: number, side: number, s: number, p: Packet): boolean {
  if (p.time - d[(s >> 1) + L.SIDE_LAST_TIME_D]! > COPY_WINDOW_NS) return false;
  if (w[s + L.COPIES] !== 0 && macIs(w, s + L.COPY_MAC, p)) {
    const copyTtl = (w[at + L.OTHER_TTLS]! >>> (side * 8)) & 0xff;
    const isApart = !macIs(w, s + L.MAC, p) || copyTtl !== w[s + L.TTL]! >>> 24;
    if (isApart && p.ttl === copyTtl) return true;
  }
  if (p.ipId > 0 && p.ipId !== (w[s + L.IP_ID]! & 0xffff)) return false;
  return p.payloadLength === w[s + L.LAST_LENGTH];
}

function setMac(w: Int32Array, at: number, p: Packet): void {
  w[at] = p.mac0;
  w[at + 1] = p.mac1;
  w[at + 2] = p.mac2;
}

function macIs(w: Int32Array, at: number, p: Packet): boolean {
  return w[at] === p.mac0 && w[at + 1] === p.mac1 && w[at + 2] === p.mac2;
}
