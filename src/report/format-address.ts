import ipaddr from "ipaddr.js";
import { MAPPED } from "../decode/packet.ts";
import type { AddressWords } from "../flow/leg-view.ts";

/**
 * An address as people write it: `192.0.2.10`, or IPv6 in the canonical form of RFC 5952.
 *
 * @param words four big-endian words; IPv4 is held mapped.
 */
export function formatAddress(words: AddressWords): string {
  const [w0, w1, w2, w3] = words;
  if (w0 === 0 && w1 === 0 && w2 === MAPPED) {
    return `${w3 >>> 24}.${(w3 >>> 16) & 0xff}.${(w3 >>> 8) & 0xff}.${w3 & 0xff}`;
  }
  return new ipaddr.IPv6(words.flatMap((word) => [word >>> 16, word & 0xffff])).toRFC5952String();
}

/** `192.0.2.10:443`, `[2001:db8::1]:443`. */
export function formatEndpoint(words: AddressWords, port: number): string {
  const address = formatAddress(words);
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
