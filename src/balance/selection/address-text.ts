import ipaddr from "ipaddr.js";

/** Room for the longest address: `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255`. */
const LONGEST = 45;

/** Addresses as inet_ntop writes them, in a buffer used again and again: some hash the text of a client's address. */
export class AddressText {
  readonly bytes: Uint8Array = new Uint8Array(LONGEST);

  /** @param address 4 or 16 bytes, network order @returns how many bytes of `bytes` it fills */
  write(address: Uint8Array): number {
    if (address.length === 4) return this.writeV4(address, 0);
    const mapped = isMapped(address);
    const text = mapped ? "::ffff:" : ipaddr.fromByteArray([...address]).toString();
    let at = 0;
    for (; at < text.length; at++) this.bytes[at] = text.charCodeAt(at);
    return mapped ? this.writeV4(address.subarray(12), at) : at;
  }

  private writeV4(address: Uint8Array, start: number): number {
    const { bytes } = this;
    let at = start;
    for (let i = 0; i < 4; i++) {
      const octet = address[i]!;
      if (i > 0) bytes[at++] = 0x2e;
      if (octet >= 100) bytes[at++] = 0x30 + Math.floor(octet / 100);
      if (octet >= 10) bytes[at++] = 0x30 + (Math.floor(octet / 10) % 10);
      bytes[at++] = 0x30 + (octet % 10);
    }
    return at;
  }
}

const scratch = new AddressText();

/** `10.1.0.7`, `2001:db8::7` */
export function addressText(address: Uint8Array): string {
  return String.fromCharCode(...scratch.bytes.subarray(0, scratch.write(address)));
}

function isMapped(address: Uint8Array): boolean {
  for (let at = 0; at < 10; at++) if (address[at] !== 0) return false;
  return address[10] === 0xff && address[11] === 0xff;
}
