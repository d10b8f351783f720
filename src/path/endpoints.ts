import type { AddressWords } from "../flow/leg-view.ts";
import { addressText } from "../topology/address.ts";

/** Marks an entry that is a MAC address: 16 high bits in the third word, 32 low bits in the fourth. */
const MAC_PORT = -1;

/**
 * Numbers for endpoints (address and port) and MAC addresses, so that connections can hold and group them as small
 * integers. A number once given stays.
 */
export class EndpointTable {
  private words: Int32Array = new Int32Array(5 * 1024);
  private slots: Int32Array = new Int32Array(4096);
  private readonly texts: (string | undefined)[] = [];
  count = 0;

  /** The number of an endpoint; port 0 where only the address is meant. */
  of(a0: number, a1: number, a2: number, a3: number, port: number): number {
    const words = this.words;
    const mask = this.slots.length - 1;
    let slot = hashOf(a0, a1, a2, a3, port) & mask;
    for (; ; slot = (slot + 1) & mask) {
      const entry = this.slots[slot]!;
      if (entry === 0) break;
      const at = (entry - 1) * 5;
      if (
        words[at + 3] === a3 &&
        words[at + 4] === port &&
        words[at] === a0 &&
        words[at + 1] === a1 &&
        words[at + 2] === a2
      ) {
        return entry - 1;
      }
    }
    return this.add(slot, a0, a1, a2, a3, port);
  }

  /** The number of an endpoint that has one; null for one that was never seen. */
  find(address: AddressWords, port: number): number | null {
    const [a0, a1, a2, a3] = address;
    const words = this.words;
    const mask = this.slots.length - 1;
    for (let slot = hashOf(a0, a1, a2, a3, port) & mask; ; slot = (slot + 1) & mask) {
      const entry = this.slots[slot]!;
      if (entry === 0) return null;
      const at = (entry - 1) * 5;
      const isSamePlace = words[at + 3] === a3 && words[at + 4] === port;
      if (isSamePlace && words[at] === a0 && words[at + 1] === a1 && words[at + 2] === a2) return entry - 1;
    }
  }

  ofWords(address: AddressWords, port: number): number {
    return this.of(address[0], address[1], address[2], address[3], port);
  }

  /** The number of a MAC address. */
  ofMac(high: number, low: number): number {
    return this.of(0, 0, high, low, MAC_PORT);
  }

  /** The number of the same address with another port. */
  withPort(endpoint: number, port: number): number {
    const w = this.words;
    const at = endpoint * 5;
    return this.of(w[at]!, w[at + 1]!, w[at + 2]!, w[at + 3]!, port);
  }

  address(endpoint: number): AddressWords {
    const w = this.words;
    const at = endpoint * 5;
    return [w[at]!, w[at + 1]!, w[at + 2]!, w[at + 3]!];
  }

  port(endpoint: number): number {
    return this.words[endpoint * 5 + 4]!;
  }

  isMac(endpoint: number): boolean {
    return this.port(endpoint) === MAC_PORT;
  }

  /** As the contract prints it: `ip:port`, `[ip6]:port`, or a MAC. */
  text(endpoint: number): string {
    let text = this.texts[endpoint];
    if (text === undefined) {
      const address = this.address(endpoint);
      const port = this.port(endpoint);
      text = port === MAC_PORT ? macText(address[2], address[3]) : endpointText(address, port);
      this.texts[endpoint] = text;
    }
    return text;
  }

  private add(slot: number, a0: number, a1: number, a2: number, a3: number, port: number): number {
    const endpoint = this.count++;
    if (endpoint * 5 + 5 > this.words.length) {
      const grown = new Int32Array(this.words.length * 2);
      grown.set(this.words);
      this.words = grown;
    }
    this.words.set([a0, a1, a2, a3, port], endpoint * 5);
    this.slots[slot] = endpoint + 1;
    if (this.count * 2 > this.slots.length) this.rehash();
    return endpoint;
  }

  private rehash(): void {
    const slots = new Int32Array(this.slots.length * 2);
    const mask = slots.length - 1;
    const w = this.words;
    for (let endpoint = 0; endpoint < this.count; endpoint++) {
      const at = endpoint * 5;
      let slot = hashOf(w[at]!, w[at + 1]!, w[at + 2]!, w[at + 3]!, w[at + 4]!) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = endpoint + 1;
    }
    this.slots = slots;
  }
}

export function endpointText(address: AddressWords, port: number): string {
  const text = addressText(address);
  return text.includes(":") ? `[${text}]:${port}` : `${text}:${port}`;
}

export function macText(high: number, low: number): string {
  const hex = (byte: number) => (byte & 255).toString(16).padStart(2, "0");
  return [high >>> 8, high, low >>> 24, low >>> 16, low >>> 8, low].map(hex).join(":");
}

function hashOf(a0: number, a1: number, a2: number, a3: number, port: number): number {
  let hash =
    Math.imul(a3, 0x9e3779b1) ^ Math.imul(port, 0x85ebca77) ^ Math.imul(a0 ^ (a1 << 9) ^ (a2 << 3), 0x27d4eb2f);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}
