import type { Packet } from "./packet.ts";

/**
 * What comes next at the cursor. Each decoding step advances `packet.offset` and returns one of these; the loop in
 * decode.ts dispatches on it. So nesting is a loop, not a recursion, and no file needs to know its neighbours.
 */
export const DONE = 0;
export const ETHERNET = 1;
/** `packet.etherType` says what follows. */
export const ETHER_TYPE = 2;
export const IPV4 = 3;
export const IPV6 = 4;
/** `packet.protocol` says what follows, in a whole datagram or first fragment. */
export const TRANSPORT = 5;
export const GRE_HEADER = 6;
/** UDP payload that may be a tunnel; the ports tell. */
export const UDP_PAYLOAD = 7;
/** IP whose version nibble must be looked at. */
export const IP_ANY = 8;
export const ARP = 9;

/** Ends decoding at a header that is not whole. */
export function cutShort(p: Packet): number {
  p.cut = true;
  return DONE;
}
