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
         WHERE f.state <> 'withdrawn' AND f.finding IN (${MOVED.map(() => "?").join(", ")})`,
        ...MOVED,
      )
      .map(({ connection }) => Number(connection)),
  );
  const points = new Set<string>();
  const vips = new Map<string, SideVip>();
  const connections: ConnectionSample[] = [];
  let leftOut = false;
  for (const stored of clientsWithin(reader, { from, to }, MAX_CONNECTIONS + 1)) {
    leftOut = connections.length === MAX_CONNECTIONS;
    if (leftOut) break;
    const { connection } = stored;
    for (const { observationPoint } of connection.legs) points.add(observationPoint);
    const { vip, protocol, mode, backend } = connection;
    if (backend !== null && vips.get(vip)?.mode == null) vips.set(vip, { vip, protocol, mode });
    connections.push(sampleOf(stored, { from, to }, balancers, moved.has(stored.key)));
  }
  const problems = problemsOf(reader, { from, to });
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

/** Nodes as the newest run that tells of them knows them. */
function nodesOf(reader: StoreReader): readonly NodeDocument[] {
  const [row] = reader.read("SELECT topology FROM runs WHERE topology IS NOT NULL ORDER BY id DESC LIMIT 1");
  if (typeof row?.topology !== "string") return [];
  return (JSON.parse(row.topology) as { nodes?: readonly NodeDocument[] }).nodes ?? [];
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
  const rows = reader.read(
    `SELECT id, dropped FROM runs WHERE dropped > 0 AND id IN
       (SELECT run FROM minutes WHERE minute > ? / 1000000000 - 60 AND minute < ? / 1000000000)`,
    from,
    to,
  );
  return rows.map(({ id, dropped }) => `run ${id} dropped ${dropped} rows for want of space`);
}
