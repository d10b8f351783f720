import type { AddressWords } from "../flow/leg-view.ts";
import { type EndpointWords, parseEndpoint } from "../topology/address.ts";
import type { ImportedConnection, ImportedConnections } from "../topology/imported-connections.ts";
import type { Topology, TopologyVip } from "../topology/topology.ts";
import type { Connection, Hop, JoinKey } from "./connection.ts";
import type { EndpointTable } from "./endpoints.ts";

/** What was given beside the captures. */
export interface GivenTopology {
  topology: Topology;
  /** Epoch seconds of the run's time base; null where no packet was read. */
  baseSeconds: number | null;
}

/** A table may be right about another connection of the same ports: less sure than what packets show. */
const CONFIDENCE = 0.9;
/** By so much the clocks of a balancer's log and of the captures may differ. */
const CLOCK_SLACK_SECONDS = 60;
/** Endpoints of one number each in a key; a run has fewer than this. */
const KEY_RADIX = 67_108_864;

/** What the set-up calls the nodes of its observation points; of a point given to two, the first. */
export function nodeNamesOf(given: GivenTopology | null): Map<string, string> {
  const names = new Map<string, string>();
  for (const { name, observationPoints } of given?.topology.nodes ?? []) {
    for (const point of observationPoints) if (!names.has(point)) names.set(point, name);
  }
  return names;
}

/** Two routes of one connection: as its client sees it, and as its backend does. */
interface Routes {
  connection: Connection;
  /** Entries of the table whose client and VIP, or whose source and backend, are these. */
  asFront: number[];
  asBack: number[];
}

/**
 * Completes joined connections by what is known from files: a balancer's tables say which backend each connection
 * went to and where its other half is, the set-up says what is a backend and how VIPs are forwarded. What packets
 * show is never changed; where a table says otherwise, that is told.
 */
export class TopologyJoin {
  /** A sentence each. */
  readonly problems: string[] = [];
  private readonly endpoints: EndpointTable;
  private readonly topology: Topology;
  private readonly baseSeconds: number;
  /** The backend by address, of connections whose packets show a MAC only. */
  private readonly named = new Map<Connection, number>();

  constructor(endpoints: EndpointTable, { topology, baseSeconds }: GivenTopology) {
    this.endpoints = endpoints;
    this.topology = topology;
    this.baseSeconds = baseSeconds ?? 0;
  }

  /** @returns the connections, without those that turned out to be the other half of another */
  join(connections: Connection[]): Connection[] {
    const gone = this.joinImported(connections);
    const left = gone.size === 0 ? connections : connections.filter((connection) => !gone.has(connection));
    this.applyVips(left);
    return left;
  }

  /** Gives backends that are still known by their MAC only the address that the tables and nodes give it. */
  nameMacs(connections: readonly Connection[]): void {
    const { endpoints } = this;
    const addresses = new Map<number, AddressWords | null>();
    const learn = (mac: number, words: AddressWords) => {
      const known = addresses.get(mac);
      if (known === undefined) addresses.set(mac, words);
      else if (known?.some((word, i) => word !== words[i])) addresses.set(mac, null);
    };
    for (const [{ backend }, named] of this.named) {
      if (backend !== null && endpoints.isMac(backend)) learn(backend, endpoints.address(named));
    }
    for (const { macs, addresses: texts } of this.topology.nodes) {
      const only = texts.length === 1 ? wordsOf(texts[0] ?? "") : null;
      if (only) for (const mac of macs) learn(this.macNumber(mac), only);
    }
    if (addresses.size === 0) return;
    for (const connection of connections) {
      const { backend, vip } = connection;
      const words = backend === null ? null : (addresses.get(backend) ?? null);
      if (words) connection.backend = endpoints.ofWords(words, endpoints.port(vip));
    }
  }

  private joinImported(connections: readonly Connection[]): Set<Connection> {
    const gone = new Set<Connection>();
    const table = this.topology.connections;
    if (table.count === 0) return gone;
    const routes = this.findEntries(connections, table);
    const byEntry = new Map<number, Connection>();
    for (const { connection, asBack } of routes) {
      if (connection.backend !== null || asBack.length === 0) continue;
      const entry = this.nearest(table, asBack, connection);
      if (entry !== null) byEntry.set(entry, connection);
    }
    const contradicting = new Map<number, { count: number; example: string }>();
    for (const { connection, asFront } of routes) {
      const index = asFront.length === 0 ? null : this.nearest(table, asFront, connection);
      if (index === null) continue;
      const entry = table.at(index);
      const behind = byEntry.get(index);
      byEntry.delete(index);
      const backend = this.numberOf(entry.backend);
      if (connection.backend === null) {
        this.complete(connection, entry, backend);
        if (behind) {
          append(connection, behind, entry.mode);
          gone.add(behind);
        }
      } else if (this.endpoints.isMac(connection.backend)) this.named.set(connection, backend);
      else if (connection.backend !== backend) {
        const { text } = { text: (number: number) => this.endpoints.text(number) };
        const known = contradicting.get(entry.origin);
        const example = `${text(connection.client)} to ${text(connection.vip)}: packets show ${text(connection.backend)}, it says ${text(backend)}`;
        contradicting.set(entry.origin, { count: (known?.count ?? 0) + 1, example: known?.example ?? example });
      }
    }
    // what was seen on the backends' side only: its client and VIP
    for (const [index, connection] of byEntry) {
      const entry = table.at(index);
      connection.client = this.numberOf(entry.client);
      connection.vip = this.numberOf(entry.vip);
      this.complete(connection, entry, this.numberOf(entry.backend));
    }
    for (const [origin, { count, example }] of contradicting) {
      const which = count === 1 ? "one connection has" : `${count} connections have`;
      this.problems.push(`${table.sources[origin]}: ${which} another backend there than in the packets (${example})`);
    }
    return gone;
  }

  /** The entries of the table for each connection, by who called whom. */
  private findEntries(connections: readonly Connection[], table: ImportedConnections): Routes[] {
    const { endpoints } = this;
    const byTuple = new Map<number, Routes[]>();
    for (const connection of connections) {
      const key = keyOf(connection.client, connection.vip);
      const routes = { connection, asFront: [], asBack: [] };
      const list = byTuple.get(key);
      if (list) list.push(routes);
      else byTuple.set(key, [routes]);
    }
    const find = ({ address, port }: EndpointWords) => endpoints.find(address, port);
    const found = new Set<Routes>();
    for (let index = 0; index < table.count; index++) {
      const { client, vip, source, backend, protocol } = table.at(index);
      for (const [from, to, side] of [[client, vip, "asFront"] as const, [source, backend, "asBack"] as const]) {
        const src = find(from);
        const dst = src === null ? null : find(to);
        if (src === null || dst === null) continue;
        for (const routes of byTuple.get(keyOf(src, dst)) ?? []) {
          if (routes.connection.protocol !== protocol) continue;
          routes[side].push(index);
          found.add(routes);
        }
      }
    }
    return [...found];
  }

  /** Of several entries with the same ports the one at the connection's time; null where none was then. */
  private nearest(table: ImportedConnections, entries: readonly number[], connection: Connection): number | null {
    const start = this.baseSeconds + connection.start / 1e9;
    const end = this.baseSeconds + connection.end / 1e9;
    let best: number | null = null;
    let least = Number.POSITIVE_INFINITY;
    for (const index of entries) {
      const entry = table.at(index);
      if (entry.start > end + CLOCK_SLACK_SECONDS || entry.end < start - CLOCK_SLACK_SECONDS) continue;
      const apart = Math.abs(Number.isNaN(entry.start) ? entry.end - end : entry.start - start);
      const distance = Number.isNaN(apart) ? Number.MAX_VALUE : apart;
      if (distance < least) {
        least = distance;
        best = index;
      }
    }
    return best;
  }

  private complete(connection: Connection, entry: ImportedConnection, backend: number): void {
    connection.backend = backend;
    connection.mode ??= entry.mode ?? this.modeOf(connection.vip, connection.protocol);
    connection.joinConfidence = CONFIDENCE;
    const keys: JoinKey[] = [...connection.joinKeys, "imported"];
    connection.joinKeys = keys;
  }

  /** The set-up itself: what is a backend where only its side was captured, and the mode of VIPs. */
  private applyVips(connections: readonly Connection[]): void {
    const backends = new Set<number>();
    const modes = new Map<number, TopologyVip[]>();
    for (const entry of this.topology.vips) {
      for (const { backend } of entry.backends) {
        const number = this.findText(backend);
        if (number !== null) backends.add(number);
      }
      const vip = this.findText(entry.vip);
      if (vip === null) continue;
      const list = modes.get(vip);
      if (list) list.push(entry);
      else modes.set(vip, [entry]);
    }
    if (backends.size === 0 && modes.size === 0) return;
    for (const connection of connections) {
      const { vip, backend, mode, protocol } = connection;
      if (mode !== null) continue;
      if (modes.has(vip)) {
        connection.mode = this.modeOf(vip, protocol);
      } else if (backend === null && backends.has(vip)) {
        connection.backend = vip;
        connection.mode = "forward";
        connection.joinConfidence = CONFIDENCE;
        connection.joinKeys = ["known-backend"];
      }
    }
  }

  private modeOf(vip: number, protocol: number): Hop | null {
    const text = this.endpoints.text(vip);
    const word = protocol === 17 ? "udp" : "tcp";
    const fits = (entry: TopologyVip) => entry.vip === text && (entry.protocol ?? word) === word;
    return this.topology.vips.find(fits)?.mode ?? null;
  }

  private numberOf({ address, port }: EndpointWords): number {
    return this.endpoints.ofWords(address, port);
  }

  private findText(text: string): number | null {
    const parsed = parseEndpoint(text);
    return parsed === null ? null : this.endpoints.find(parsed.address, parsed.port);
  }

  private macNumber(mac: string): number {
    const digits = mac.replaceAll(":", "");
    return this.endpoints.ofMac(Number.parseInt(digits.slice(0, 4), 16), Number.parseInt(digits.slice(4), 16) | 0);
  }
}

function keyOf(client: number, vip: number): number {
  return client * KEY_RADIX + vip;
}

/** Puts the legs of the backends' side behind those of the clients'. */
function append(connection: Connection, behind: Connection, mode: Hop | null): void {
  const rest = behind.legs.map((_, i): Hop => (i === 0 ? (mode ?? "forward") : "forward"));
  connection.hops = [...connection.hops, ...rest];
  connection.legs = [...connection.legs, ...behind.legs];
  connection.back = behind.back;
  connection.start = Math.min(connection.start, behind.start);
  connection.end = Math.max(connection.end, behind.end);
}

function wordsOf(address: string): AddressWords | null {
  return parseEndpoint(`${address.includes(":") ? `[${address}]` : address}:0`)?.address ?? null;
}
