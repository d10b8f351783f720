import {
  type ConnectionSample,
  NODE_TIER,
  type Side,
  type SideFinding,
  type SideVip,
  type Timing,
} from "../compare/side.ts";
import type { FindingDocument, NodeDocument } from "../report/analysis-contract.ts";
import { epochOfNs, nsOfEpoch } from "./epoch-ns.ts";
import type { StoreReader } from "./store-reader.ts";
import type { StoreWindow } from "./store-window.ts";
import type { StoredConnection } from "./stored-connection.ts";
import { clientsWithin } from "./stored-list.ts";

/** Findings whose connections went on elsewhere: what a store knows of a single connection's moves. */
const MOVED = ["ecmp.rehash", "lb.rehash", "lb.failover", "path.spray"];
/** Beyond this a side takes more memory than an answer needs: the newest are compared, and that is said. */
const MAX_CONNECTIONS = 500_000;

/**
 * A window of a store as one side of a comparison, all runs together. What befell a connection belongs to the window in
 * which it ended, even where it was opened before.
 *
 * @param name how it is told from the other side
 * @throws StoreError where the store is damaged.
 */
export function sideOfStore(reader: StoreReader, window: StoreWindow, name: string): Side {
  reader.beginSnapshot();
  const { from, to } = clipped(reader, window);
  const nodes = nodesOf(reader);
  const balancers = new Set(nodes.filter(({ role }) => role === "lb").map((node) => node.name));
  const moved = new Set(
    reader
      .read(
        `SELECT connection FROM finding_connections JOIN findings AS f ON f.id = finding_connections.finding
         WHERE f.state <> 'withdrawn' AND coalesce(f.opened_ns, f.last_ns) < ? AND coalesce(f.last_ns, f.opened_ns) >= ?
           AND f.finding IN (${MOVED.map(() => "?").join(", ")})`,
        to,
        from,
        ...MOVED,
      )
      .map(({ connection }) => Number(connection)),
  );
  const points = new Set(watchedBy(reader, { from, to }));
  const vips = new Map<string, SideVip>();
  const connections: ConnectionSample[] = [];
  const runs = new RunTimes();
  let leftOut = false;
  for (const stored of clientsWithin(reader, { from, to }, MAX_CONNECTIONS + 1)) {
    leftOut = connections.length === MAX_CONNECTIONS;
    if (leftOut) break;
    const { connection } = stored;
    runs.add(stored);
    for (const { observationPoint } of connection.legs) points.add(observationPoint);
    const { vip, protocol, mode, backend } = connection;
    if (backend !== null && vips.get(vip)?.mode == null) vips.set(vip, { vip, protocol, mode });
    connections.push(sampleOf(stored, { from, to }, balancers, moved.has(stored.key)));
  }
  const problems = [...problemsOf(reader, { from, to }), ...runs.overlaps()];
  if (leftOut)
    problems.push(`more than ${MAX_CONNECTIONS} connections: the newest are compared; choose a shorter window`);
  return {
    name,
    start: epochOfNs(from),
    end: epochOfNs(to),
    durationSeconds: Number(to - from) / 1e9,
    points: [...points],
    nodesByMac: new Map(
      nodes.flatMap(({ name: node, role, macs }) =>
        role === "client" ? [] : macs.filter((mac) => mac !== node).map((mac): [string, string] => [mac, node]),
      ),
    ),
    vips: [...vips.values()],
    connections,
    findings: findingsOf(reader, { from, to }),
    problems,
  };
}

/** Of runs: those that have something of a window's minutes; takes its ends. */
const IN_WINDOW = "id IN (SELECT run FROM minutes WHERE minute > ? / 1000000000 - 60 AND minute < ? / 1000000000)";

/** The part of a window that the store has something of. */
function clipped(reader: StoreReader, window: StoreWindow): StoreWindow {
  const [row] = reader.read("SELECT min(minute) AS first, max(minute) AS last FROM minutes");
  if (typeof row?.first !== "number" || typeof row.last !== "number") return { from: window.from, to: window.from };
  const first = BigInt(row.first) * 1_000_000_000n;
  const last = BigInt(row.last + 60) * 1_000_000_000n;
  const from = window.from > first ? window.from : first;
  const to = window.to < last ? window.to : last;
  return { from, to: to > from ? to : from };
}

function sampleOf(
  { connection, firstByte }: StoredConnection,
  { from, to }: StoreWindow,
  balancers: ReadonlySet<string>,
  hasMoved: boolean,
): ConnectionSample {
  const { client, vip, protocol, backend, legs, path, outcome, reset, packets, retransmits } = connection;
  const start = nsOfEpoch(connection.start) ?? from;
  const end = nsOfEpoch(connection.end) ?? start;
  const isMidstream = protocol === "tcp" && !/[sh]/i.test(connection.history);
  const isNew = !isMidstream && start >= from;
  const isOpenAtEnd = end >= to || outcome === "open";
  const isFailed = !isOpenAtEnd && (outcome === "reset" || outcome === "refused");
  const node = path.up.find((one) => balancers.has(one));
  const timing = (seconds: number | null, point: string | undefined): Timing | null =>
    isNew && seconds !== null && point !== undefined ? { seconds, point } : null;
  const [front, back] = [legs[0]?.observationPoint, legs.at(-1)?.observationPoint];
  return {
    client: client.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1"),
    vip,
    protocol,
    backend,
    members: node === undefined ? [] : [{ tier: NODE_TIER, member: node }],
    seenAt: front ?? "",
    isNew,
    openedAt: Number(start - from) / 1e9,
    entryAge: isMidstream ? null : Math.max(0, Number(from - start) / 1e9),
    watchedSeconds: Math.max(0, Number((end < to ? end : to) - (start > from ? start : from)) / 1e9),
    outcome: isOpenAtEnd ? "open" : outcome,
    reset: isFailed && reset !== null ? { by: reset.by, cause: reset.cause, node: null } : null,
    traffic:
      start >= from && !isOpenAtEnd
        ? { packets: packets.up + packets.down, retransmits: retransmits.up + retransmits.down }
        : null,
    hasMoved,
    handshake: timing(connection.handshake, front),
    connect: timing(connection.connectToBackend, back),
    firstByte: timing(firstByte, back),
  };
}

/** The time that each run's connections take: what two runs watched at once may be in the store twice. */
class RunTimes {
  private readonly runs = new Map<number, { run: number; from: number; to: number }>();

  add({ run, connection }: StoredConnection): void {
    const [from, to] = [Number(connection.start), Number(connection.end)];
    const known = this.runs.get(run);
    if (known === undefined) this.runs.set(run, { run, from, to });
    else {
      known.from = Math.min(known.from, from);
      known.to = Math.max(known.to, to);
    }
  }

  /** A sentence for each two runs, one after the other by when they begin, that share some of their time. */
  overlaps(): string[] {
    const inOrder = [...this.runs.values()].sort((a, b) => a.from - b.from || a.run - b.run);
    return inOrder.flatMap((one, i) => {
      const next = inOrder[i + 1];
      if (next === undefined || next.from >= one.to) return [];
      return [`runs ${one.run} and ${next.run} watched at the same time: what both saw counts twice`];
    });
  }
}

/** Nodes as the newest run that tells of them knows them. */
function nodesOf(reader: StoreReader): readonly NodeDocument[] {
  const [row] = reader.read("SELECT topology FROM runs WHERE topology IS NOT NULL ORDER BY id DESC LIMIT 1");
  if (typeof row?.topology !== "string") return [];
  return (JSON.parse(row.topology) as { nodes?: readonly NodeDocument[] }).nodes ?? [];
}

/** Points of the runs that were there in the window, those that no connection went through, too. */
function watchedBy(reader: StoreReader, { from, to }: StoreWindow): string[] {
  const rows = reader.read(`SELECT topology FROM runs WHERE topology IS NOT NULL AND ${IN_WINDOW}`, from, to);
  return rows.flatMap(({ topology }) => {
    const { nodes = [] } = JSON.parse(String(topology)) as { nodes?: readonly NodeDocument[] };
    return nodes.flatMap(({ observationPoints }) => observationPoints);
  });
}

function findingsOf(reader: StoreReader, { from, to }: StoreWindow): SideFinding[] {
  const rows = reader.read(
    `SELECT document, connections FROM findings WHERE state <> 'withdrawn'
       AND coalesce(opened_ns, last_ns) < ? AND coalesce(last_ns, opened_ns) >= ?`,
    to,
    from,
  );
  return rows.map(({ document, connections }) => {
    const { id, severity, title, where } = JSON.parse(String(document)) as FindingDocument;
    return { id, severity, title, where, connections: Number(connections) };
  });
}

function problemsOf(reader: StoreReader, { from, to }: StoreWindow): string[] {
  const rows = reader.read(`SELECT id, dropped FROM runs WHERE dropped > 0 AND ${IN_WINDOW}`, from, to);
  return rows.map(({ id, dropped }) => `run ${id} dropped ${dropped} rows for want of space`);
}
