import ipaddr from "ipaddr.js";
import { MAPPED } from "../../decode/packet.ts";
import type { AddressWords } from "../../flow/leg-view.ts";

/** An address, a prefix, or either with a port. */
export interface AddressMatch {
  /** Mapped words, as legs hold them. */
  words: AddressWords;
  /** Bits of the 128 that must be equal. */
  prefixBits: number;
  /** null for any. */
  port: number | null;
}

const EXPECTED =
  "expected an address, a prefix or an endpoint (192.0.2.10, 192.0.2.0/24, 192.0.2.10:443, 2001:db8::/32, [2001:db8::1]:443)";
const MAPPED_PREFIX_BITS = 96;

/**
 * Reads `192.0.2.10`, `192.0.2.0/24`, `192.0.2.10:443`, `2001:db8::1`, `2001:db8::/32` or `[2001:db8::1]:443`.
 *
 * @throws Error with one line that says what was expected.
 */
export function parseAddressMatch(text: string): AddressMatch {
  const bracketed = /^\[([^\]]*)\](?::(\d+))?$/.exec(text);
  const v4WithPort = bracketed === null ? /^([^:]*):(\d+)$/.exec(text) : null;
  const [, prefix = text, port] = bracketed ?? v4WithPort ?? [];
  const [address = "", length, ...more] = prefix.split("/");
  const isNumber = length === undefined || /^\d{1,3}$/.test(length);
  const number = port === undefined ? null : Number(port);
  if (more.length > 0 || !isNumber || (number !== null && number > 0xffff)) throw new Error(`${EXPECTED}, got ${text}`);
  const bits = length === undefined ? null : Number(length);
  if (bracketed === null && ipaddr.IPv4.isValidFourPartDecimal(address) && (bits ?? 0) <= 32) {
    const [a = 0, b = 0, c = 0, d = 0] = ipaddr.IPv4.parse(address).octets;
    const words: AddressWords = [0, 0, MAPPED, (a << 24) | (b << 16) | (c << 8) | d];
    return { words, prefixBits: MAPPED_PREFIX_BITS + (bits ?? 32), port: number };
  }
  // without brackets a v6 address would swallow the port; a zone names an interface of some host, not a packet
  const isV6 = v4WithPort === null && !address.includes("%") && ipaddr.IPv6.isValid(address) && (bits ?? 0) <= 128;
  if (!isV6) throw new Error(`${EXPECTED}, got ${text}`);
  const parts = ipaddr.IPv6.parse(address).parts;
  const word = (index: number) => ((parts[2 * index] ?? 0) << 16) | (parts[2 * index + 1] ?? 0);
  return { words: [word(0), word(1), word(2), word(3)], prefixBits: bits ?? 128, port: number };
}

/** Whether an endpoint is meant by the match. */
export function matchesAddress(match: AddressMatch, words: AddressWords, port: number): boolean {
  if (match.port !== null && match.port !== port) return false;
  for (let i = 0, bits = match.prefixBits; i < 4 && bits > 0; i++, bits -= 32) {
    const differing = match.words[i]! ^ words[i]!;
    if (bits >= 32 ? differing !== 0 : differing >>> (32 - bits) !== 0) return false;
  }
  return true;
}
