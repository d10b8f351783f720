import type { FlowKey } from "../selection/selection.ts";
import { SeededRandom } from "./seeded-random.ts";

/**
 * Who the made-up clients are. `spread`: addresses all over, each with as many connections as the next. `nat`: a few
 * addresses with many clients behind each, the first with most. `sequential`: one network in order, ports in order, as
 * load generators and health checkers have them.
 */
export const SOURCE_KINDS = ["spread", "nat", "sequential"] as const;
export type SourceKind = (typeof SOURCE_KINDS)[number];

export interface SyntheticTraffic {
  kind: SourceKind;
  /** Connections, no two of the same client and port. */
  keys: number;
  /** Client addresses. */
  clients: number;
  seed: number;
  protocol: number;
  /** Whom they call: 4 or 16 bytes; clients are of the same family. */
  vip: { address: Uint8Array; port: number };
}

/** First and number of source ports: Linux's ip_local_port_range by default, and what a NAT has to give. */
const PORTS: Readonly<Record<SourceKind, { first: number; count: number }>> = {
  spread: { first: 32_768, count: 28_232 },
  nat: { first: 1024, count: 64_512 },
  sequential: { first: 32_768, count: 28_232 },
};

/** So many addresses as such traffic would come from. */
export function usualClients(kind: SourceKind, keys: number): number {
  if (kind === "spread") return keys;
  return Math.min(keys, kind === "nat" ? 16 : 250);
}

/** Connections that so many clients can hold to one VIP: a port each. */
export function mostKeys(kind: SourceKind, clients: number): number {
  return PORTS[kind].count * clients;
}

/**
 * Connections of made-up clients, the same for the same question.
 *
 * @throws RangeError where the clients have too few ports for so many.
 */
export function syntheticKeys({ kind, keys, clients, seed, protocol, vip }: SyntheticTraffic): FlowKey[] {
  if (keys > mostKeys(kind, clients)) {
    throw new RangeError(`${clients} clients have ports for ${mostKeys(kind, clients)} connections, not ${keys}`);
  }
  const random = new SeededRandom(seed);
  const addresses = Array.from({ length: clients }, (_, i) => clientAddress(kind, i, vip.address.length, random));
  const walks = addresses.map(() => new PortWalk(kind, random));
  const choose = chooser(kind, clients, random);
  const made: FlowKey[] = [];
  for (let i = 0; i < keys; i++) {
    let client = choose(i);
    // a client without a free port passes the connection on to the next
    while (walks[client]!.isExhausted) client = (client + 1) % clients;
    made.push({
      protocol,
      src: addresses[client]!,
      dst: vip.address,
      srcPort: walks[client]!.next(),
      dstPort: vip.port,
    });
  }
  return made;
}

/** Which client makes the next connection. */
function chooser(kind: SourceKind, clients: number, random: SeededRandom): (place: number) => number {
  if (kind !== "nat") return (place) => place % clients;
  // Zipf: the second address has half as many clients behind it as the first, the third a third
  const sums: number[] = [];
  let sum = 0;
  for (let i = 0; i < clients; i++) {
    sum += 1 / (i + 1);
    sums.push(sum);
  }
  return () => {
    const target = (random.uint32() / 0x1_0000_0000) * sum;
    let [low, high] = [0, clients - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (sums[middle]! > target) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}

function clientAddress(kind: SourceKind, client: number, bytes: number, random: SeededRandom): Uint8Array {
  const address = new Uint8Array(bytes);
  if (kind === "sequential") {
    address.set(bytes === 4 ? [10, 1] : [0x20, 0x01, 0x0d, 0xb8, 0, 1]);
    const host = client + 1;
    address[bytes - 1] = host & 255;
    address[bytes - 2] = (host >>> 8) & 255;
    if (bytes === 16) address[bytes - 3] = (host >>> 16) & 255;
    else address[1] = 1 + ((host >>> 16) & 127);
    return address;
  }
  for (let i = 0; i < bytes; i += 4) {
    const word = random.uint32();
    address.set([word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255], i);
  }
  // unicast: 1.0.0.0 to 223.255.255.255 (RFC 1122 3.2.1.3), 2000::/3 (RFC 4291 2.4)
  address[0] = bytes === 4 ? 1 + (address[0]! % 223) : 0x20 | (address[0]! & 0x1f);
  return address;
}

/** The source ports of one client, each once: in order for `sequential`, else by a stride of its own. */
class PortWalk {
  private readonly first: number;
  private readonly count: number;
  private readonly stride: number;
  private place: number;
  private taken = 0;

  constructor(kind: SourceKind, random: SeededRandom) {
    this.first = PORTS[kind].first;
    this.count = PORTS[kind].count;
    this.place = kind === "sequential" ? 0 : random.below(this.count);
    this.stride = kind === "sequential" ? 1 : coprimeTo(this.count, random);
  }

  get isExhausted(): boolean {
    return this.taken === this.count;
  }

  next(): number {
    const port = this.first + this.place;
    this.place = (this.place + this.stride) % this.count;
    this.taken++;
    return port;
  }
}

function coprimeTo(count: number, random: SeededRandom): number {
  for (;;) {
    const stride = 1 + random.below(count - 1);
    let [a, b] = [stride, count];
    while (b > 0) [a, b] = [b, a % b];
    if (a === 1) return stride;
  }
}
