import type { Connection } from "../path/connection.ts";
import { endpointFilter } from "./backend-refusing.ts";
import { count, duration } from "./confidence.ts";
import type { Detector } from "./detector.ts";
import type { Evidence, Finding } from "./finding.ts";

/** Evidence and examples are a few; the numbers tell the rest. */
const FEW = 3;

/** `note.dsr`: answers go past the balancer by design. */
export const noteDsr: Detector = {
  ids: ["note.dsr"],
  find(subject) {
    const findings: Finding[] = [];
    for (const group of subject.vips) {
      const direct = group.connections.filter(({ mode }) => mode === "dsr-l2" || mode === "dsr-tunnel");
      if (direct.length === 0) continue;
      const isTunnel = direct[0]!.mode === "dsr-tunnel";
      const vip = subject.text(group.vip);
      const backends = new Set(direct.map(({ backend }) => backend)).size;
      findings.push({
        id: "note.dsr",
        severity: "info",
        confidence: 0.95,
        title: `${vip} answers clients directly from ${count(backends, "backend")} (${isTunnel ? "tunnelled" : "layer 2"} direct server return)`,
        explanation: `Requests of ${count(direct.length, "connection")} pass the balancer, answers do not, by design: half of each conversation at the balancer is no fault, and it cannot see resets or sizes of answers.`,
        where: { vip },
        window: windowOf(direct),
        measured: { connections: direct.length, backends, tunnelled: isTunnel },
        connections: [],
        evidence: direct.slice(0, FEW).map((connection) => {
          const view = subject.back(connection);
          return subject.evidence(
            connection.back,
            view.firstFrame,
            `first packet towards ${subject.text(connection.backend ?? connection.vip)}`,
          );
        }),
        displayFilter: endpointFilter(subject, group.vip, "addr"),
        remedy: isTunnel
          ? [
              "nothing to mend; keep the VIP's MSS below the tunnel's MTU on the backends (ip route … advmss N) and rp_filter at 0 or 2 there",
            ]
          : ["nothing to mend; on the backends arp_ignore=1 and arp_announce=2 must stay set (net.ipv4.conf.all)"],
      });
    }
    return findings;
  },
};

/** `note.health-checks`: what was left out of all other counts, and whether any of it fails. */
export const noteHealthChecks: Detector = {
  ids: ["note.health-checks"],
  find(subject) {
    const checks = subject.connections.filter(({ healthCheck }) => healthCheck);
    if (checks.length === 0) return [];
    const targets = new Map<number, { checks: Connection[]; failed: number }>();
    for (const check of checks) {
      const target = targets.get(check.vip) ?? { checks: [], failed: 0 };
      target.checks.push(check);
      const outcome = subject.outcome(check);
      if (outcome === "refused" || outcome === "timeout") target.failed++;
      targets.set(check.vip, target);
    }
    const failing = [...targets].filter(([, target]) => target.failed > 0);
    const sources = new Set(checks.map(({ client }) => subject.connected.endpoints.withPort(client, 0)));
    const period = medianInterval([...targets.values()][0]!.checks);
    const failed = failing.map(
      ([backend, target]) => `${subject.text(backend)} failed ${target.failed} of ${target.checks.length}`,
    );
    return [
      {
        id: "note.health-checks",
        severity: "info",
        confidence: 0.9,
        title:
          `${count(checks.length, "health check")} of ${count(targets.size, "backend")} left out of all counts` +
          (failed.length > 0 ? `; ${failed.join(", ")}` : ""),
        explanation: `${count(sources.size, "address")} that belong to the balancer open them in a steady rhythm${Number.isNaN(period) ? "" : `, about every ${duration(period)}`}, with no payload or always the same.`,
        where: failing.length === 1 ? { backend: subject.text(failing[0]![0]) } : {},
        window: windowOf(checks),
        measured: {
          checks: checks.length,
          failed: failing.reduce((sum, [, target]) => sum + target.failed, 0),
          backends: targets.size,
          ...(Number.isNaN(period) ? {} : { intervalSeconds: Math.round(period / 1e6) / 1e3 }),
        },
        connections: [],
        evidence: checks
          .slice(0, FEW)
          .map((check) => subject.evidence(check.front, subject.front(check).firstFrame, "a health check begins")),
        displayFilter: endpointFilter(subject, [...sources][0]!, "src"),
        remedy:
          failing.length > 0
            ? ["see why the check fails on that backend; the balancer sends it nothing, or should not"]
            : ["nothing to mend"],
      },
    ];
  },
};

function medianInterval(checks: readonly Connection[]): number {
  const intervals = checks.slice(1).map((check, i) => check.start - checks[i]!.start);
  return intervals.toSorted((a, b) => a - b)[intervals.length >> 1] ?? Number.NaN;
}

/** `note.late-data`: resets that answer data after a close; they took nothing from anybody. */
export const noteLateData: Detector = {
  ids: ["note.late-data"],
  find(subject) {
    const late: { connection: Connection; evidence: Evidence; time: number }[] = [];
    for (const [id, verdicts] of subject.resets) {
      const verdict = verdicts.find(({ cause, isFront }) => cause === "late-data" && isFront);
      const connection = subject.connections[id]!;
      if (!verdict || connection.healthCheck) continue;
      const author = verdict.by === "unknown" ? "a reset" : `the ${verdict.by}'s reset`;
      late.push({
        connection,
        evidence: subject.evidence(verdict.ref, verdict.event.frame, `${author} answers what came after the close`),
        time: verdict.time,
      });
    }
    if (late.length === 0) return [];
    const times = late.map(({ time }) => time);
    return [
      {
        id: "note.late-data",
        severity: "info",
        confidence: 0.9,
        title: `${count(late.length, "connection")} ended with a reset for data that came after the close; no user lost anything`,
        explanation:
          "The side that sends the reset had closed its socket before (FIN seen), so the host answers what still arrives with a reset (RFC 9293 3.10.7.1). The exchange was over.",
        where: {},
        window: { from: Math.min(...times), to: Math.max(...times) },
        measured: { connections: late.length },
        connections: late.map(({ connection }) => connection.id),
        evidence: late.slice(0, FEW).map(({ evidence }) => evidence),
        displayFilter: "tcp.flags.reset==1",
        remedy: [
          "nothing to mend; an application that reads to the end before it closes (shutdown, then read) avoids it",
        ],
      },
    ];
  },
};

/** From the first start to the last end. */
export function windowOf(connections: readonly Connection[]): { from: number; to: number } {
  let from = Number.POSITIVE_INFINITY;
  let to = Number.NEGATIVE_INFINITY;
  for (const { start, end } of connections) {
    from = Math.min(from, start);
    to = Math.max(to, end);
  }
  return { from, to };
}
