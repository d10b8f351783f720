import { MAPPED } from "../decode/packet.ts";
import type { AddressWords } from "../flow/leg-view.ts";
import { addressText } from "../topology/address.ts";

/** Clients of one network. */
export interface ClientNetwork {
  /** `10.1.0.0/24`, `2001:db8::/64`; an address where it is the only one. */
  name: string;
  clients: number;
  connections: number;
}

/** Networks told at most: of an attack or of the internet, the largest are named and the rest is folded together. */
const MAX_NETWORKS = 12;
/** Of them, those kept as they are at each step; the others go to the network around them. */
const KEPT_NETWORKS = 9;
/** Prefix lengths by which clients are put together, of 128 bits; IPv4 begins at 96. */
const IPV4_LENGTHS = [120, 112, 104, 96] as const;
const IPV6_LENGTHS = [64, 48, 32, 0] as const;

interface Network {
  words: AddressWords;
  level: number;
  clients: number;
  connections: number;
  /** The client itself, as long as there is one. */
  single: AddressWords | null;
}

/**
 * A network while clients are counted, with those already seen: a bit each in IPv4, a hash of 53 bits in IPv6; neither
 * as long as there is one only, as in most networks of an attack.
 */
interface Counting extends Network {
  bits: Int32Array | null;
  seen: Set<number> | null;
}

/** Counts connections by the clients' /24 or /64, for hundreds of thousands of them. */
export class ClientCounter {
  private readonly v4 = new Map<number, Counting>();
  private readonly v6 = new Map<string, Counting>();
  private last: Counting | null = null;

  add(client: AddressWords): void {
    let network = this.last;
    if (network === null || !isInside(client, network.words)) {
      network = this.networkOf(client);
      this.last = network;
    }
    network.connections++;
    if (network.clients === 0) network.single = client;
    else if (!isNew(network, client)) return;
    else network.single = null;
    network.clients++;
  }

  /** The networks, the busiest first; wider ones for the smallest where there are too many. */
  networks(): ClientNetwork[] {
    let networks: Network[] = [...this.v4.values(), ...this.v6.values()];
    for (let level = 1; networks.length > MAX_NETWORKS && level < IPV4_LENGTHS.length; level++) {
      const kept = busiest(networks);
      networks = [...kept, ...folded(networks, kept, level)];
    }
    return networks.sort(byConnections).map(({ words, level, clients, connections, single }) => ({
      name: single ? addressText(single) : networkText(words, level),
      clients,
      connections,
    }));
  }

  private networkOf(client: AddressWords): Counting {
    const v4 = isV4(client);
    const words = masked(client, lengthOf(client, 0));
    const key = v4 ? 0 : `${words[0]} ${words[1]}`;
    const known = v4 ? this.v4.get(words[3]) : this.v6.get(key as string);
    if (known) return known;
    const network: Counting = {
      words,
      level: 0,
      clients: 0,
      connections: 0,
      single: null,
      bits: null,
      seen: null,
    };
    if (v4) this.v4.set(words[3], network);
    else this.v6.set(key as string, network);
    return network;
  }
}

/** Whether a client is in the /24 or /64 with these words. */
function isInside(client: AddressWords, words: AddressWords): boolean {
  if (client[0] !== words[0] || client[1] !== words[1]) return false;
  return words[2] !== MAPPED || words[0] !== 0 || words[1] !== 0
    ? !isV4(client)
    : client[2] === MAPPED && ((client[3] ^ words[3]) & ~0xff) === 0;
}

function isNew(network: Counting, client: AddressWords): boolean {
  const { single } = network;
  if (single !== null && client.every((word, i) => word === single[i])) return false;
  if (single !== null) note(network, single);
  return note(network, client);
}

/** @returns whether the client was not noted before */
function note(network: Counting, client: AddressWords): boolean {
  if (isV4(client)) {
    network.bits ??= new Int32Array(8);
    const low = client[3] & 0xff;
    const bit = 1 << (low & 31);
    if ((network.bits[low >>> 5]! & bit) !== 0) return false;
    network.bits[low >>> 5]! |= bit;
    return true;
  }
  network.seen ??= new Set();
  const key = (client[2] >>> 0) * 2_097_152 + (client[3] & 0x1fffff);
  if (network.seen.has(key)) return false;
  network.seen.add(key);
  return true;
}

/** The networks that are kept as they are, without sorting all. */
function busiest(networks: readonly Network[]): Set<Network> {
  const kept: Network[] = [];
  for (const network of networks) {
    const last = kept[KEPT_NETWORKS - 1];
    if (last && byConnections(network, last) >= 0) continue;
    const at = kept.findIndex((other) => byConnections(network, other) < 0);
    kept.splice(at < 0 ? kept.length : at, 0, network);
    if (kept.length > KEPT_NETWORKS) kept.pop();
  }
  return new Set(kept);
}

function folded(networks: readonly Network[], kept: ReadonlySet<Network>, level: number): Network[] {
  const wider = new Map<string, Network>();
  const numbered = new Map<number, Network>();
  for (const network of networks) {
    if (kept.has(network)) continue;
    const words = masked(network.words, lengthOf(network.words, level));
    const v4 = isV4(network.words);
    const key = v4 ? "" : words.join(" ");
    const known = v4 ? numbered.get(words[3]) : wider.get(key);
    if (known) {
      known.clients += network.clients;
      known.connections += network.connections;
      known.single = null;
    } else {
      const copy: Network = { ...network, words, level };
      if (v4) numbered.set(words[3], copy);
      else wider.set(key, copy);
    }
  }
  return [...numbered.values(), ...wider.values()];
}

function byConnections(a: Network, b: Network): number {
  return b.connections - a.connections || (a.words[3] >>> 0) - (b.words[3] >>> 0);
}

function isV4(words: AddressWords): boolean {
  return words[2] === MAPPED && words[0] === 0 && words[1] === 0;
}

function lengthOf(words: AddressWords, level: number): number {
  return (isV4(words) ? IPV4_LENGTHS : IPV6_LENGTHS)[level]!;
}

function masked(words: AddressWords, length: number): AddressWords {
  return [
    mask(words[0], length),
    mask(words[1], length - 32),
    mask(words[2], length - 64),
    mask(words[3], length - 96),
  ];
}

function mask(word: number, bits: number): number {
  return bits >= 32 ? word : bits <= 0 ? 0 : word & (-1 << (32 - bits));
}

function networkText(words: AddressWords, level: number): string {
  const length = lengthOf(words, level);
  return isV4(words) ? `${addressText(words)}/${length - 96}` : `${addressText(words)}/${length}`;
}
