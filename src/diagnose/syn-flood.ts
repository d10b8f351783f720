import * as L from "../flow/leg-layout.ts";
import type { Outcome } from "../flow/leg-outcome.ts";
import type { Connection } from "../path/connection.ts";
import { endpointFilter } from "./backend-refusing.ts";
import type { Case, VipGroup } from "./case.ts";
import { confidenceFrom, count, duration, percent } from "./confidence.ts";
import type { Detector } from "./detector.ts";
import type { Finding } from "./finding.ts";

/** Of all connections in the window. */
const MIN_SHARE = 0.5;

const UNFINISHED: ReadonlySet<Outcome> = new Set(["open", "timeout"]);

/** `attack.syn-flood`: many SYNs whose handshake is never finished, though the SYN-ACK went out. */
export const synFlood: Detector = {
  ids: ["attack.syn-flood"],
  find(subject) {
    return subject.vips.flatMap((group) => floodOf(subject, group) ?? []);
  },
};

/** The service answered and the sender never came back: neither ACK nor reset. */
export function isHalfOpen(subject: Case, connection: Connection): boolean {
  let answered = false;
  for (const ref of connection.legs) {
    const leg = subject.leg(ref);
    if (leg.has(L.LEG_ESTABLISHED) || leg.has(L.LEG_RST_UP) || leg.up.payloadBytes > 0) return false;
    answered ||= leg.has(L.LEG_SYN_ACK);
  }
  return answered;
}

function floodOf(subject: Case, group: VipGroup): Finding | null {
  const least = subject.threshold("attack.syn-flood", "connections");
  if (group.protocol !== 6 || group.connections.length < least) return null;
  // What went well or was refused is no half of a handshake; that is nearly all, and costs nothing to know.
  const unfinished = group.connections.filter((connection) => UNFINISHED.has(subject.outcome(connection)));
  if (unfinished.length < least) return null;
  const halfOpen = unfinished.filter((connection) => isHalfOpen(subject, connection));
  if (halfOpen.length < least) return null;
  const from = halfOpen[0]!.start;
  const to = halfOpen.at(-1)!.start;
  // What a full backlog leaves unanswered in that time belongs to the flood as well.
  const swamped = group.connections.filter(
    (connection) => connection.start >= from && connection.start <= to && isUnanswered(subject, connection),
  );
  const seconds = Math.max(1, (to - from) / 1e9);
  const rate = (halfOpen.length + swamped.length) / seconds;
  const inWindow = group.connections.filter(({ start }) => start >= from && start <= to).length;
  const incomplete = halfOpen.length + swamped.length;
  if (rate < subject.threshold("attack.syn-flood", "synsPerSecond") || incomplete < inWindow * MIN_SHARE) return null;
  const { endpoints } = subject.connected;
  const sources = new Set(halfOpen.map((connection) => endpoints.withPort(connection.client, 0)));
  // One source that does not finish is a scanner or an asymmetric path, not a flood of many.
  if (sources.size < 8 && !isOneWay(subject, halfOpen)) return null;
  const vip = subject.text(group.vip);
  return {
    id: "attack.syn-flood",
    severity: "critical",
    confidence: confidenceFrom(halfOpen.length / 20, 0.97),
    title: `SYN flood on ${vip}: ${count(incomplete, "SYN")} in ${duration(to - from)} from ${count(sources.size, "source")}, none completed`,
    explanation: `${Math.round(rate)} SYNs a second whose SYN-ACK nobody acknowledges, ${percent(incomplete, inWindow)} of all connections in that time. Their sources answer neither with an ACK nor with a reset, as hosts that exist would: they are forged. ${count(inWindow - incomplete, "other connection")} went on meanwhile.`,
    where: { vip },
    window: { from, to },
    measured: {
      synsPerSecond: Math.round(rate),
      halfOpen: halfOpen.length,
      unanswered: swamped.length,
      sources: sources.size,
      othersInWindow: inWindow - incomplete,
    },
    connections: [...halfOpen, ...swamped].map((connection) => connection.id),
    evidence: halfOpen
      .slice(0, 3)
      .map((connection) =>
        subject.evidence(connection.front, subject.front(connection).firstFrame, "SYN of a forged source"),
      ),
    displayFilter: `tcp.flags.syn==1 && tcp.flags.ack==0 && ${endpointFilter(subject, group.vip, "dst")}`,
    remedy: [
      "net.ipv4.tcp_syncookies=1 (2 to force) on what terminates the handshake; nft synproxy or IPVS `secure_tcp` on the balancer",
      "keep half-open entries short: net.netfilter.nf_conntrack_tcp_timeout_syn_recv=10; filter forged sources at the edge (rp_filter, uRPF)",
    ],
  };
}

function isUnanswered(subject: Case, connection: Connection): boolean {
  return connection.legs.every((ref) => {
    const leg = subject.leg(ref);
    return leg.has(L.LEG_SYN) && leg.down.packets === 0 && leg.up.synCount === 1 && leg.up.payloadBytes === 0;
  });
}

/** Forged packets differ in what one host keeps the same: TTL or window. */
function isOneWay(subject: Case, connections: readonly Connection[]): boolean {
  const ttls = new Set(connections.slice(0, 200).map((connection) => subject.front(connection).up.ttl.first));
  return ttls.size >= 8;
}
