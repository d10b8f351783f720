import ipaddr from "ipaddr.js";

/** Four 32-bit words of an IPv6 address; IPv4 as ::ffff:a.b.c.d (RFC 4291 2.5.5.2). The same as legs hold them. */
export type AddressWords = readonly [number, number, number, number];

const MAPPED = 0xffff;

/** An address and port as numbers; port 0 is any. */
export interface EndpointWords {
  address: AddressWords;
  port: number;
}

/** Reads `192.0.2.10` or `2001:db8::1`, null where the text is neither; names of hosts and zones are not read. */
export function parseAddress(text: string): AddressWords | null {
  const v4 = parseIpv4(text);
  if (v4 !== null) return [0, 0, MAPPED, v4];
  if (!text.includes(":") || text.includes("%") || text.length > 45 || !ipaddr.IPv6.isValid(text)) return null;
  const { parts } = ipaddr.IPv6.parse(text);
  const word = (index: number) => ((parts[2 * index] ?? 0) << 16) | (parts[2 * index + 1] ?? 0);
  return [word(0), word(1), word(2), word(3)];
}

/** Four decimal numbers without leading zeros as one word; null for anything else. By hand: logs have millions. */
function parseIpv4(text: string): number | null {
  const { length } = text;
  if (length < 7 || length > 15) return null;
  let word = 0;
  let octet = -1;
  let dots = 0;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code === 46) {
      if (octet < 0) return null;
      word = (word << 8) | octet;
      octet = -1;
      dots++;
    } else {
      const digit = code - 48;
      if (digit < 0 || digit > 9 || octet === 0) return null;
      octet = octet < 0 ? digit : octet * 10 + digit;
      if (octet > 255) return null;
    }
  }
  return dots === 3 && octet >= 0 ? (word << 8) | octet : null;
}

/** Reads `ip:port` or `[ip6]:port`; null for anything else. */
export function parseEndpoint(text: string): EndpointWords | null {
  const colon = text.lastIndexOf(":");
  if (colon < 0) return null;
  const port = parsePort(text.slice(colon + 1));
  const host = text.slice(0, colon);
  const isBracketed = host.startsWith("[") && host.endsWith("]");
  if (port === null || (!isBracketed && host.includes(":"))) return null;
  const address = parseAddress(isBracketed ? host.slice(1, -1) : host);
  if (address === null || isBracketed === isIpv4(address)) return null;
  return { address, port };
}

/** 0 to 65535 in decimal digits. */
export function parsePort(text: string): number | null {
  if (!/^\d{1,5}$/.test(text)) return null;
  const port = Number(text);
  return port <= 0xffff ? port : null;
}

export function isIpv4(address: AddressWords): boolean {
  return address[0] === 0 && address[1] === 0 && address[2] === MAPPED;
}

/** An address as people write it: dotted IPv4, IPv6 in the canonical form of RFC 5952. */
export function addressText(address: AddressWords): string {
  const word = address[3];
  if (isIpv4(address)) return `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`;
  return new ipaddr.IPv6(address.flatMap((each) => [each >>> 16, each & 0xffff])).toRFC5952String();
}

export function endpointText({ address, port }: EndpointWords): string {
  const text = addressText(address);
  return isIpv4(address) ? `${text}:${port}` : `[${text}]:${port}`;
}

/** The endpoint as analyze prints it, null where the text is none. */
export function canonicalEndpoint(text: string): string | null {
  const endpoint = parseEndpoint(text);
  return endpoint === null ? null : endpointText(endpoint);
}

export function canonicalAddress(text: string): string | null {
  const address = parseAddress(text);
  return address === null ? null : addressText(address);
}

/** Joins an address text, of either family, and a port to an endpoint; null where the address is none. */
export function joinEndpoint(addressInput: string, port: number): string | null {
  const address = parseAddress(addressInput);
  return address === null ? null : endpointText({ address, port });
}

/** The port of an endpoint's text. */
export function portOf(endpoint: string): number {
  return Number(endpoint.slice(endpoint.lastIndexOf(":") + 1));
}

/** `02:8D:6b:43:5e:01` or with dashes, in lower case with colons; null for anything else. */
export function canonicalMac(text: string): string | null {
  return /^[\da-f]{2}([:-][\da-f]{2}){5}$/i.test(text) ? text.toLowerCase().replaceAll("-", ":") : null;
}
