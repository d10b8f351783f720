import type { Connection } from "../path/connection.ts";
import { type BrokenFlow, brokenFlows, clientLeg } from "./broken-flows.ts";
import type { Case, VipGroup } from "./case.ts";
import { confidenceFrom, count } from "./confidence.ts";
import type { Detector } from "./detector.ts";
import type { Finding } from "./finding.ts";
import { clothesCounts, clothesText, lostMoments } from "./lb-lost-state.ts";
import { proxyTimeouts } from "./proxy-timeout.ts";

/** Shorter timeouts are not in use; a break after less has another cause. */
const SHORTEST_NS = 1.5e9;
/** Timeouts that products ship with, seconds: AWS ALB 60, UDP and many NATs 120, Azure 240, IPVS 900, and so on. */
const KNOWN_SECONDS = [50, 60, 120, 240, 300, 350, 600, 900, 1800, 3600, 7200, 432000];
/** A single connection says something where it was silent for this long. */
const MIN_BROKEN = 2;
const LONG_NS = 30e9;
/** Silences on the wrong side of the threshold, per failing one. */
const MAX_MISFITS = 0.1;
/** Lucky survivors, over those to be expected. */
const MAX_LUCK = 1.8;
/** Breaks after little silence, per failing one: more of them have another cause in common. */
const MAX_SHORT_BREAKS = 0.25;
/** Where these points do not show who broke them, failing and surviving silences that it takes. */
const MIN_UNATTRIBUTED = 4;

/** Silences of a VIP's connections, parted by what became of them. ns. */
interface Threshold {
  failing: BrokenFlow[];
  /** Longest silence survived below the threshold, 0 without any. */
  low: number;
  /** Shortest that failed. */
  high: number;
  /** Silences that were survived (the longest of each connection). */
  survived: number[];
}

/**
 * `lb.idle-timeout`: connections break with their first segment after a silence longer than the balancer remembers,
 * while shorter silences are survived; or a terminating proxy closes both sides of silent ones after a constant time.
 */
export const lbIdleTimeout: Detector = {
  ids: ["lb.idle-timeout"],
  find(subject) {
    const findings: Finding[] = [];
    const lost = new Set(lostMoments(subject).flatMap(({ flows }) => flows));
    const broken = brokenFlows(subject).filter((flow) => !lost.has(flow) && flow.moved !== "away");
    for (const group of subject.vips) {
      const own = broken.filter(({ connection }) => connection.vip === group.vip);
      const threshold = own.length > 0 ? thresholdOf(subject, group, own) : null;
      if (threshold) findings.push(finding(subject, group, threshold));
    }
    return [...findings, ...proxyTimeouts(subject)];
  },
};

function thresholdOf(subject: Case, group: VipGroup, broken: readonly BrokenFlow[]): Threshold | null {
  const failing = broken.filter(({ silence }) => silence >= SHORTEST_NS).sort((a, b) => a.silence - b.silence);
  if (failing.length === 0) return null;
  const survived = survivedSilences(subject, group).sort((a, b) => a - b);
  // A flow that is given away anew may get its own backend again, as one in n does.
  const repicked = failing.filter(({ clothes }) => clothes === "wrong-backend").length;
  const backends = Math.max(2, group.byBackend.size);
  const luck = repicked > failing.length / 2 ? 1 / backends : 0;
  const lucky = (repicked * luck * MAX_LUCK) / (1 - luck);
  for (let skipped = 0; skipped <= failing.length * MAX_MISFITS; skipped++) {
    const high = failing[skipped]!.silence;
    const below = survived.filter((silence) => silence < high);
    if (survived.length - below.length > failing.length * MAX_MISFITS + lucky) continue;
    const shortBreaks = broken.filter(({ silence }) => silence < high).length;
    if (shortBreaks > (failing.length - skipped) * MAX_SHORT_BREAKS) return null;
    // So many of the longest survivors in a row may have been lucky.
    const doubtful = luck > 0 ? Math.floor(Math.log(0.05) / Math.log(luck)) : 0;
    const low = below.at(-1 - doubtful) ?? 0;
    const threshold = { failing: failing.slice(skipped), low, high, survived };
    return isEnough(threshold) ? threshold : null;
  }
  return null;
}

/** Resets without a known author, and a backend side that was not captured, need many silences on both sides. */
function isEnough({ failing, survived }: Threshold): boolean {
  const attributed = failing.filter(({ clothes }) => clothes !== "reset");
  const isLong = attributed.some(({ silence }) => silence >= LONG_NS);
  return (
    attributed.length >= MIN_BROKEN ||
    isLong ||
    (failing.length >= MIN_UNATTRIBUTED && survived.length >= MIN_UNATTRIBUTED)
  );
}

/** The longest silence that each connection survived, where there was one. */
function survivedSilences(subject: Case, group: VipGroup): number[] {
  const silences: number[] = [];
  for (const connection of group.connections) {
    if (connection.protocol !== 6 || connection.mode === "proxy") continue;
    const view = subject.front(connection);
    const silence =
      view.down.packets > 0
        ? view.longestSilenceSurvived
        : subject.leg(clientLeg(subject, connection)).longestSilenceSurvived;
    if (silence > 0) silences.push(silence);
  }
  return silences;
}

function finding(subject: Case, group: VipGroup, { failing, low, high, survived }: Threshold): Finding {
  const name = subject.text(group.vip);
  const nodes = new Set(failing.map(({ node }) => node).filter((node) => node !== ""));
  const node = nodes.size === 1 ? [...nodes][0]! : null;
  const clothes = clothesCounts(failing);
  const isAttributed = (clothes.reset ?? 0) < failing.length / 2;
  const known = knownValue(low, high);
  const between = low > 0 ? `${seconds(low)} to ${seconds(high)} s` : `at most ${seconds(high)} s`;
  const longest = failing.at(-1)!.silence;
  const survivors = survived.filter((silence) => silence < high).length;
  const keepalive = Math.max(1, Math.floor((known ?? (low > 0 ? low : high / 2) / 1e9) / 2));
  const times = failing.map(({ time }) => time);
  return {
    id: "lb.idle-timeout",
    severity: isAttributed && failing.length > 1 ? "critical" : "warning",
    confidence: confidenceFrom(failing.length, isAttributed ? (survivors > 0 ? 0.98 : 0.85) : 0.6),
    title: `${node ?? "The load balancer"} forgets connections to ${name} after ${between} of silence${known === null ? "" : ` (${known} s?)`}: ${failing.length} broke`,
    explanation:
      `${count(failing.length, "connection")} broke with the first segment after a silence of ${seconds(high)} to ${seconds(longest)} s: ${clothesText(clothes)}. ` +
      (survivors > 0
        ? `${count(survivors, "connection")} survived silences of up to ${seconds(low)} s, so the timeout lies between the two. `
        : "No shorter silence is in the capture, so the timeout is known from above only. ") +
      (isAttributed
        ? "Neither end had closed."
        : "These points do not show which box forgot them: a capture on both sides of the load balancer settles it."),
    where: { vip: name, ...(node === null ? {} : { node }) },
    window: { from: Math.min(...times), to: Math.max(...times) },
    measured: {
      brokenConnections: failing.length,
      thresholdLowSeconds: round(low),
      thresholdHighSeconds: round(high),
      ...(known === null ? {} : { knownValueSeconds: known }),
      longestBrokenSilenceSeconds: round(longest),
      medianBrokenSilenceSeconds: round(failing[failing.length >> 1]!.silence),
      survivingConnections: survivors,
      resetsByBalancer: clothes["balancer-reset"] ?? 0,
      resetsByOtherBackends: clothes["wrong-backend"] ?? 0,
      unanswered: clothes.unanswered ?? 0,
    },
    connections: failing.map(({ connection }) => connection.id),
    evidence: failing
      .slice(0, 4)
      .map(({ ref, frame, silence }) => subject.evidence(ref, frame, `breaks after ${seconds(silence)} s of silence`)),
    displayFilter: `tcp.time_delta > ${Math.max(1, Math.floor((low + high) / 2e9))} || (tcp.flags.reset==1 && tcp.flags.ack==0)`,
    remedy: [
      ...timeoutRemedy(failing[0]!.connection),
      `or let clients or backends send keepalives sooner: sysctl net.ipv4.tcp_keepalive_time=${keepalive} with SO_KEEPALIVE on the sockets`,
    ],
    explains: { cause: "idle-timeout" },
  };
}

function timeoutRemedy({ mode }: Connection): string[] {
  const ipvs = "IPVS: `ipvsadm --set 7200 120 300` (TCP, after FIN, UDP; seconds; the default is 900)";
  if (mode === "dsr-l2" || mode === "dsr-tunnel") return [ipvs];
  return ["netfilter NAT: sysctl net.netfilter.nf_conntrack_tcp_timeout_established=7200 on the balancer", ipvs];
}

/** The one well-known timeout inside the interval, null with none or several. */
function knownValue(low: number, high: number): number | null {
  if (low === 0) return null;
  const inside = KNOWN_SECONDS.filter((value) => value * 1e9 >= low && value * 1e9 <= high);
  return inside.length === 1 ? inside[0]! : null;
}

function round(nanoseconds: number): number {
  return Math.round(nanoseconds / 1e6) / 1e3;
}

function seconds(nanoseconds: number): string {
  const value = nanoseconds / 1e9;
  return value >= 100 ? value.toFixed(0) : value.toFixed(1);
}
