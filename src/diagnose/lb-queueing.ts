import * as L from "../flow/leg-layout.ts";
import type { Connection } from "../path/connection.ts";
import type { LegRef } from "../path/leg-set.ts";
import { countBefore } from "./balancer-ports.ts";
import type { Case, VipGroup } from "./case.ts";
import { confidenceFrom, count, duration, percent } from "./confidence.ts";
import type { Detector } from "./detector.ts";
import type { Finding } from "./finding.ts";
import { proxyLegs } from "./proxy-closes.ts";

/** A proxy that opens its side later than this after it could has let the client wait. */
const QUEUED_NS = 50e6;
/** And it has to be this much longer than what the proxy usually takes. */
const OVER_USUAL = 10;
const MIN_QUEUED = 5;
const MIN_QUEUED_SHARE = 0.02;
/** Of the queued connections, those that got their turn when their backend was at its limit. */
const MIN_AT_LIMIT = 0.7;

/** So long before a queued connection is opened, the one whose place it gets is still there. */
const HANDOVER_NS = 10e6;
/** Connections that are just closing count for a moment beyond the limit. */
const MAX_OVER_LIMIT = 1.25;

/** A connection's wait for its turn. */
interface Wait {
  connection: Connection;
  backend: number;
  /** From the moment at which the proxy could have opened its side until it did, ns. */
  wait: number;
  /** When it did, and when that side ended: ns on the reference clock. */
  opened: number;
  closed: number;
  front: LegRef;
  back: LegRef;
  /** From the backend's SYN to its answer, ns. */
  connect: number;
}

/**
 * `lb.queueing`: a terminating proxy accepts clients at once, but opens the backend's connection late, because each
 * backend may have no more than so many.
 */
export const lbQueueing: Detector = {
  ids: ["lb.queueing"],
  find: (subject) => subject.vips.flatMap((group) => queueingOf(subject, group) ?? []),
};

function queueingOf(subject: Case, group: VipGroup): Finding | null {
  if (group.protocol !== 6) return null;
  const waits: Wait[] = [];
  for (const connection of group.connections) {
    const wait = connection.mode === "proxy" ? waitOf(subject, connection) : null;
    if (wait) waits.push(wait);
  }
  if (waits.length < MIN_QUEUED) return null;
  // Under lasting load nearly all wait: what the proxy itself takes shows in the quickest.
  const usual = waits.reduce((least, { wait }) => Math.min(least, Math.max(0, wait)), Number.POSITIVE_INFINITY);
  const queued = waits.filter(({ wait }) => wait > Math.max(QUEUED_NS, usual * OVER_USUAL));
  if (queued.length < Math.max(MIN_QUEUED, waits.length * MIN_QUEUED_SHARE)) return null;
  // Slow backends are another finding: what was waited for must not be the connect itself.
  const connect = quantile(
    queued.map((wait) => wait.connect).filter((time) => time >= 0),
    0.5,
  );
  const typical = quantile(
    queued.map(({ wait }) => wait),
    0.5,
  );
  if (!(connect < typical)) return null;
  const limit = limitOf(waits, queued);
  return limit ? finding(subject, group, waits, queued, typical, limit) : null;
}

function waitOf(subject: Case, connection: Connection): Wait | null {
  const legs = proxyLegs(connection);
  if (!legs || connection.backend === null) return null;
  const { front, back } = legs;
  if (!subject.connected.order.isComparable(front, back)) return null;
  const behind = subject.leg(back);
  if (!behind.has(L.LEG_SYN)) return null;
  const opened = subject.reference(back, behind.up.synTime);
  const connect = behind.down.synTime - behind.up.synTime;
  const closed = subject.reference(back, behind.end);
  const before = subject.leg(front);
  if (!before.has(L.LEG_SYN_ACK)) return null;
  const accepted = subject.reference(front, before.handshakeAckTime);
  if (Number.isNaN(accepted)) return null;
  // A proxy that looks at the first bytes cannot open its side sooner.
  const asked = subject.reference(front, before.up.dataTime);
  const ready = asked < opened && asked > accepted ? asked : accepted;
  return { connection, backend: connection.backend, wait: opened - ready, opened, closed, front, back, connect };
}

/**
 * The limit per backend: the connections that it had right before queued ones got their turn, where most queued ones
 * found the same number and none ever found many more. null where nothing was full: the wait has another cause.
 */
function limitOf(waits: readonly Wait[], queued: readonly Wait[]): number | null {
  const isQueued = new Set(queued);
  const byBackend = new Map<number, Wait[]>();
  for (const wait of waits) {
    const list = byBackend.get(wait.backend);
    if (list) list.push(wait);
    else byBackend.set(wait.backend, [wait]);
  }
  let limit = 0;
  let atLimit = 0;
  for (const list of byBackend.values()) {
    const opened = list.map((wait) => wait.opened).sort((x, y) => x - y);
    const closed = list.map((wait) => wait.closed).sort((x, y) => x - y);
    const openAt = (time: number) => countBefore(opened, time) - countBefore(closed, time);
    const found = list.filter((wait) => isQueued.has(wait)).map((wait) => openAt(wait.opened - HANDOVER_NS));
    if (found.length === 0) continue;
    const usual = quantile(found, 0.5);
    if (usual < 1) continue;
    const most = Math.max(...list.map((wait) => openAt(wait.opened - HANDOVER_NS)));
    if (most > usual * MAX_OVER_LIMIT + 1) continue;
    limit = Math.max(limit, usual);
    atLimit += found.filter((open) => open >= usual * 0.9).length;
  }
  return atLimit >= queued.length * MIN_AT_LIMIT ? limit : null;
}

function finding(
  subject: Case,
  group: VipGroup,
  waits: readonly Wait[],
  queued: readonly Wait[],
  typical: number,
  limit: number,
): Finding {
  const name = subject.text(group.vip);
  const node = subject.nodeOf(queued[0]!.back);
  const longest = queued.reduce((most, { wait }) => Math.max(most, wait), 0);
  const connects = quantile(
    waits.map((wait) => wait.connect).filter((time) => time >= 0),
    0.5,
  );
  const times = queued.map(({ opened, wait }) => opened - wait);
  return {
    id: "lb.queueing",
    severity: queued.length >= waits.length * 0.1 || longest > 1e9 ? "critical" : "warning",
    confidence: confidenceFrom(queued.length),
    title: `${node} lets ${percent(queued.length, waits.length)} of the connections to ${name} wait ${duration(typical)} for a free backend (longest ${duration(longest)})`,
    explanation:
      `${node} accepted all clients at once, but opened the backend's side of ${count(queued.length, "connection")} of ${waits.length} only ${duration(typical)} later (median; longest ${duration(longest)}). ` +
      `Backends are not the cause: they answer a SYN within ${duration(connects)}. Each had ${count(limit, "connection")} at once, and a waiting one got its turn when another ended: a limit of ${limit} per backend.`,
    where: { vip: name, node },
    window: { from: Math.min(...times), to: Math.max(...queued.map(({ opened }) => opened)) },
    measured: {
      queuedConnections: queued.length,
      connections: waits.length,
      medianQueueSeconds: Math.round(typical / 1e6) / 1e3,
      longestQueueSeconds: Math.round(longest / 1e6) / 1e3,
      backendConnectSeconds: connects / 1e9,
      connectionsPerBackend: limit,
    },
    connections: queued.map(({ connection }) => connection.id),
    evidence: queued
      .toSorted((a, b) => b.wait - a.wait)
      .slice(0, 2)
      .flatMap(({ connection, front, back, wait }) => [
        subject.evidence(front, subject.leg(front).firstFrame, `the client of c${connection.id} calls`),
        subject.evidence(
          back,
          subject.leg(back).up.synFrame,
          `its backend is called ${duration(wait)} after the accept`,
        ),
      ]),
    displayFilter: "tcp.flags.syn==1",
    remedy: [
      `HAProxy: raise \`maxconn ${limit}\` on the \`server\` lines (or add backends); watch qcur and qtime in the statistics`,
      "bound the wait with `timeout queue`, so that clients are told early; Envoy: circuit breaker `max_connections`; nginx: `max_conns`",
    ],
  };
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
