import type { Connection } from "../path/connection.ts";
import { joinedConnectionDocument } from "../report/document/joined-connection.ts";
import { connectionSortKey } from "../report/flows/connection-sort.ts";
import { ladderOf } from "../report/ladder/ladder.ts";
import { ladderText } from "../report/ladder/ladder-text.ts";
import { createPage } from "../report/text/page.ts";
import { isOver } from "./connection-end.ts";
import { findingsByConnection } from "./finding-names.ts";
import type { FlowAnswer, FlowQuery, LiveFlow } from "./live-model.ts";
import type { LiveSession } from "./live-session.ts";
import { connectionOf, type Look, nameOf, remembered } from "./look.ts";
import { packetsOf, pcapngOf } from "./ring-packets.ts";

/** Flows told of in one answer. */
const MOST_FLOWS = 1000;

/** The connections in memory that are asked for, largest first. */
export function answerFlows(session: LiveSession, query: FlowQuery): FlowAnswer {
  const { look } = session;
  if (look === null) return { matched: 0, flows: [] };
  const { subject } = look.diagnosis;
  const wanted = query.finding === undefined ? null : new Set(session.findings.get(query.finding)?.connections ?? []);
  const words = (query.filter ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const found: { connection: Connection; id: number; key: number }[] = [];
  for (const [connection, known] of remembered(look)) {
    if (wanted !== null && !wanted.has(known.id)) continue;
    if (query.vip !== undefined && subject.text(connection.vip) !== query.vip) continue;
    if (query.backend !== undefined && textOf(look, connection.backend) !== query.backend) continue;
    if (query.outcome !== undefined && subject.outcome(connection) !== query.outcome) continue;
    if (query.activeOnly && !isActive(session, connection)) continue;
    if (words.length > 0) {
      const text = `${nameOf(known)} ${wordsOf(look, connection)}`;
      if (!words.every((word) => text.includes(word))) continue;
    }
    found.push({
      connection,
      id: known.id,
      key: connectionSortKey(look.connected.set, connection, query.sort ?? "start"),
    });
  }
  const sign = query.ascending ? 1 : -1;
  // what has nothing to be sorted by comes last either way
  found.sort(
    (a, b) => Number(Number.isNaN(a.key)) - Number(Number.isNaN(b.key)) || sign * (a.key - b.key) || a.id - b.id,
  );
  const names = findingsByConnection(session);
  const flows = found
    .slice(0, Math.min(MOST_FLOWS, Math.max(0, query.limit)))
    .map(({ connection, id }) => flowOf(session, look, connection, names.get(id) ?? []));
  return { matched: found.length, flows };
}

/** See `LiveHandle.ladder`. */
export function answerLadder(
  session: LiveSession,
  id: string,
  options: { columns: number; rows: number; ascii?: boolean },
): string | null {
  const found = find(session, id);
  if (found === null) return null;
  const { look, connection, named } = found;
  const packets = packetsOf(look.connected, [connection], session.ring!);
  if (packets.length === 0) return null;
  const resets = look.diagnosis.subject.resets.get(connection.id) ?? [];
  const findings = look.diagnosis.findings.filter(({ connections }) => connections.includes(connection.id));
  const seen = connection.legs.reduce((sum, ref) => {
    const { up, down } = look.connected.set.view(ref);
    return sum + up.packets + down.packets;
  }, 0);
  const left = Math.max(0, seen - packets.filter(({ isError }) => !isError).length);
  const ladder = ladderOf(look.connected, named, packets, { left, resets, findings });
  return ladderText(
    ladder,
    { timeBase: session.timeBase, rows: options.rows, ascii: options.ascii ?? false },
    createPage(options.columns, false, false),
  );
}

/** See `LiveHandle.packets`. */
export function answerPackets(session: LiveSession, id: string): Uint8Array | null {
  const found = find(session, id);
  if (found === null) return null;
  const { look, connection, named } = found;
  const packets = packetsOf(look.connected, [connection], session.ring!);
  return packets.length === 0 ? null : pcapngOf(look.connected, [named], packets, session.timeBase);
}

function find(session: LiveSession, id: string): { look: Look; connection: Connection; named: Connection } | null {
  const { look, ring } = session;
  const number = /^c(\d+)$/.exec(id);
  const connection = look === null || number === null ? null : connectionOf(look, Number(number[1]));
  if (look === null || connection === null || ring === null) return null;
  // texts and files name it as the session does
  return { look, connection, named: { ...connection, id: look.knowns[connection.id]!.id } };
}

function isActive({ look, now, idleNs }: LiveSession, connection: Connection): boolean {
  const { subject } = look!.diagnosis;
  const outcome = subject.outcome(connection);
  return (outcome === "open" || connection.protocol === 17) && !isOver(connection, outcome, now, idleNs);
}

function textOf({ diagnosis: { subject } }: Look, endpoint: number | null): string {
  return endpoint === null ? "" : subject.text(endpoint);
}

/** What the words of a filter are looked for in. */
function wordsOf(look: Look, connection: Connection): string {
  const { subject } = look.diagnosis;
  const { set } = look.connected;
  const reset = subject.mainReset(connection);
  return [
    subject.text(connection.client),
    subject.text(connection.vip),
    textOf(look, connection.backend),
    subject.outcome(connection),
    connection.mode ?? "",
    reset === null ? "" : `${reset.by} ${reset.cause}`,
    connection.healthCheck ? "health-check" : "",
    ...connection.legs.map((ref) => set.pointOf(ref).name),
  ]
    .join(" ")
    .toLowerCase();
}

function flowOf(session: LiveSession, look: Look, connection: Connection, findings: readonly string[]): LiveFlow {
  const { timeBase } = session;
  const document = joinedConnectionDocument({ subject: look.diagnosis.subject, timeBase }, connection);
  const base = timeBase.seconds ?? 0;
  return {
    id: nameOf(look.knowns[connection.id]!),
    protocol: document.protocol,
    client: document.client,
    vip: document.vip,
    backend: document.backend,
    mode: document.mode,
    start: base + connection.start / 1e9,
    end: base + connection.end / 1e9,
    outcome: document.outcome,
    active: isActive(session, connection),
    healthCheck: document.healthCheck,
    bytes: document.bytes,
    packets: document.packets,
    retransmits: document.retransmits,
    handshake: document.handshake ?? Number.NaN,
    connectToBackend: document.connectToBackend ?? Number.NaN,
    reset: document.reset,
    path: document.path.up,
    findings,
  };
}
