import type { AddressWords, EndpointWords } from "../topology/address.ts";

/**
 * An address as /proc/net/tcp prints it: 32-bit words in the host's byte order (`0B00020A` is 10.2.0.11 on a
 * little-endian host), one for IPv4, four for IPv6.
 *
 * @param isLittleEndian of the host that printed it.
 */
export function parseHostOrderAddress(hex: string, isLittleEndian = true): AddressWords | null {
  if (!/^([\dA-F]{8}|[\dA-F]{32})$/i.test(hex)) return null;
  const words = (hex.match(/.{8}/g) ?? []).map((word) => {
    const bytes = word.match(/../g) ?? [];
    return Number.parseInt((isLittleEndian ? bytes.reverse() : bytes).join(""), 16) | 0;
  });
  const [first = 0, second = 0, third = 0, fourth = 0] = words;
  return words.length === 1 ? [0, 0, 0xffff, first] : [first, second, third, fourth];
}

/** `C000020A:01BB` as IPVS prints endpoints, in network order; `[2001:0db8:…]:0050` for IPv6. Null for anything else. */
export function parseIpvsEndpoint(text: string): EndpointWords | null {
  const [, v4, v6, port = ""] = /^(?:([\dA-F]{8})|\[([\da-f:]+)\]):([\dA-F]{4})$/i.exec(text) ?? [];
  return v4 === undefined ? ipvsEndpoint(v6 ?? "", port) : ipvsEndpoint(v4, port);
}

/** The same of two columns, as /proc/net/ip_vs_conn has them: IPv6 addresses come with eight full groups. */
export function ipvsEndpoint(address: string, port: string): EndpointWords | null {
  const bare = address.replace(/^\[|\]$/g, "");
  const hex = bare.includes(":") ? bare.replaceAll(":", "") : bare;
  const words = parseHostOrderAddress(hex, false);
  return words === null || !/^[\dA-F]{4}$/i.test(port) ? null : { address: words, port: Number.parseInt(port, 16) };
}

/** Whether an address lies in `10.2.0.0/24`, given as the network's words and the prefix's length (of IPv4: 0 to 32). */
export function isInNetwork(address: AddressWords, network: AddressWords, prefixLength: number): boolean {
  const isV4 = network[0] === 0 && network[1] === 0 && network[2] === 0xffff;
  let bits = isV4 ? 96 + prefixLength : prefixLength;
  for (let i = 0; i < 4; i++, bits -= 32) {
    if (bits <= 0) return true;
    const mask = bits >= 32 ? -1 : -1 << (32 - bits);
    if (((address[i]! ^ network[i]!) & mask) !== 0) return false;
  }
  return true;
}
