import type { LiveHandle } from "../live/live-handle.ts";
import type { FlowAnswer, FlowQuery, LiveEvidence, LiveFlow, LiveModel } from "../live/live-model.ts";
import { StoreReader } from "./store-reader.ts";
import { connectionIdOf, RUN_FACTOR, type StoredConnection } from "./stored-connection.ts";
import { clientsWithin } from "./stored-list.ts";
import { nanoseconds } from "./stored-minutes.ts";
import { storedModel } from "./stored-model.ts";

/** Flows are those of this time before the moment that is shown, the newest first looked at. */
const FLOW_SECONDS = 900;
const FLOWS_LOOKED_AT = 20_000;
/** Where the end of a store that is written is shown, it is looked at this often. */
const FOLLOW_MS = 2000;

/** A store as dashboards show a live session: at one moment, which can be moved by minutes. */
export class StoredSession implements LiveHandle {
  readonly ended: Promise<void>;
  private readonly reader: StoreReader;
  private readonly start: number;
  private end: () => void = () => {};
  /** Epoch second that is shown; null follows the newest minute. */
  private at: number | null = null;
  private shown: LiveModel | null = null;
  private sequence = 0;
  private lookedAt = Number.NEGATIVE_INFINITY;

  /** @throws StoreError in a line, where it cannot be read. */
  static async open(path: string): Promise<StoredSession> {
    return new StoredSession(await StoreReader.open(path));
  }

  private constructor(reader: StoreReader) {
    this.reader = reader;
    this.start = Number(reader.read("SELECT min(minute) AS minute FROM minutes")[0]?.minute ?? 0);
    this.ended = new Promise((resolve) => {
      this.end = resolve;
    });
  }

  /** Moves the moment that is shown; beyond the newest minute it follows what is written. */
  scroll(minutes: number): void {
    const newest = this.newest();
    const moved = (this.at ?? newest) + 60 * minutes;
    this.at = moved >= newest ? null : Math.max(this.start + 60, moved);
    this.shown = null;
  }

  model(): LiveModel {
    const isOld = this.at === null && performance.now() - this.lookedAt > FOLLOW_MS;
    if (this.shown === null || isOld) {
      this.lookedAt = performance.now();
      const until = this.at ?? this.newest();
      this.shown = storedModel(this.reader, { until, start: this.start, sequence: ++this.sequence });
    }
    return this.shown;
  }

  async flows(query: FlowQuery): Promise<FlowAnswer> {
    const { now } = this.model();
    const window = { from: nanoseconds(now - FLOW_SECONDS), to: nanoseconds(now) };
    const withRun = Number(this.reader.read("SELECT count(*) AS count FROM runs")[0]?.count) > 1;
    const named = query.finding === undefined ? null : this.connectionsOf(query.finding);
    const flows: LiveFlow[] = [];
    for (const stored of clientsWithin(this.reader, window, FLOWS_LOOKED_AT)) {
      if (named !== null && !named.has(stored.key)) continue;
      const flow = flowOf(stored, now, withRun);
      if (isAskedFor(flow, query)) flows.push(flow);
    }
    const sort = SORTS[query.sort ?? "start"];
    const sign = query.ascending ? 1 : -1;
    // what has nothing to be sorted by comes last, either way
    flows.sort((a, b) => {
      const [keyA, keyB] = [sort(a), sort(b)];
      if (Number.isNaN(keyA) || Number.isNaN(keyB)) return Number(Number.isNaN(keyA)) - Number(Number.isNaN(keyB));
      return sign * (keyA - keyB);
    });
    return { matched: flows.length, flows: flows.slice(0, query.limit) };
  }

  /** Ladders are drawn from packets in memory; a store keeps those of broken connections as files. */
  async ladder(): Promise<null> {
    return null;
  }

  async evidence(key: string): Promise<LiveEvidence | null> {
    const rows = this.reader.read(
      "SELECT pcapng, packets, note FROM evidence WHERE finding_key = ? ORDER BY time_ns",
      key,
    );
    const finding = this.model().findings.find((one) => one.key === key)?.finding;
    const pieces = rows.flatMap(({ pcapng }) => (Buffer.isBuffer(pcapng) ? [pcapng] : []));
    if (pieces.length === 0 || finding === undefined) return null;
    return {
      key,
      text: `${finding.title}\n${finding.explanation}`,
      pcapng: new Uint8Array(Buffer.concat(pieces)),
      packets: rows.reduce((sum, { packets }) => sum + Number(packets ?? 0), 0),
      connections: finding.affected.connections,
      shown: finding.affected.examples.length,
    };
  }

  async packets(id: string): Promise<Uint8Array | null> {
    const [, run, number] = /^(?:r(\d+)\/)?c(\d+)$/.exec(id) ?? [];
    if (number === undefined) return null;
    const newestRun = this.reader.read("SELECT max(id) AS run FROM runs")[0]?.run;
    const key = Number(run ?? newestRun) * RUN_FACTOR + Number(number);
    const rows = this.reader.read("SELECT pcapng FROM evidence WHERE connection = ? ORDER BY time_ns", key);
    const pieces = rows.flatMap(({ pcapng }) => (Buffer.isBuffer(pcapng) ? [pcapng] : []));
    return pieces.length === 0 ? null : new Uint8Array(Buffer.concat(pieces));
  }

  async stop(): Promise<void> {
    this.end();
    this.reader.close();
  }

  private newest(): number {
    return Number((this.reader.newest() ?? 0n) / 1_000_000_000n);
  }

  private connectionsOf(findingKey: string): Set<number> {
    const rows = this.reader.read(
      "SELECT connection FROM finding_connections WHERE finding IN (SELECT id FROM findings WHERE key = ?)",
      findingKey,
    );
    return new Set(rows.map(({ connection }) => Number(connection)));
  }
}

const SORTS: Readonly<Record<NonNullable<FlowQuery["sort"]>, (flow: LiveFlow) => number>> = {
  start: ({ start }) => start,
  duration: ({ start, end }) => end - start,
  bytes: ({ bytes }) => bytes.up + bytes.down,
  packets: ({ packets }) => packets.up + packets.down,
  retransmits: ({ retransmits }) => retransmits.up + retransmits.down,
  handshake: ({ handshake }) => handshake,
};

function flowOf({ key, connection }: StoredConnection, now: number, withRun: boolean): LiveFlow {
  const { protocol, client, vip, backend, mode, healthCheck, bytes, packets, retransmits, path } = connection;
  const end = Number(connection.end ?? Number.NaN);
  const isOver = end < now;
  return {
    id: connectionIdOf(key, withRun),
    protocol,
    client,
    vip,
    backend,
    mode,
    start: Number(connection.start ?? Number.NaN),
    end,
    // what befell it later is not known at the moment that is shown
    outcome: isOver ? connection.outcome : "open",
    active: !isOver,
    healthCheck,
    bytes,
    packets,
    retransmits,
    handshake: connection.handshake ?? Number.NaN,
    connectToBackend: connection.connectToBackend ?? Number.NaN,
    reset: isOver ? connection.reset : null,
    path: path.up,
    findings: [],
  };
}

function isAskedFor(flow: LiveFlow, { filter, vip, backend, outcome, activeOnly }: FlowQuery): boolean {
  if (vip !== undefined && flow.vip !== vip) return false;
  if (backend !== undefined && flow.backend !== backend) return false;
  if (outcome !== undefined && flow.outcome !== outcome) return false;
  if (activeOnly && !flow.active) return false;
  if (filter === undefined || filter.trim() === "") return true;
  const { client, mode, reset, path } = flow;
  const text = [client, flow.vip, flow.backend, flow.outcome, reset?.by, reset?.cause, mode, ...path].join(" ");
  return filter
    .trim()
    .split(/\s+/)
    .every((word) => text.toLowerCase().includes(word.toLowerCase()));
}
