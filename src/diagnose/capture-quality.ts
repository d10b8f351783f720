import { filesOf } from "../flow/tracked-capture.ts";
import { balancerNodes } from "./attribute-resets.ts";
import type { Case } from "./case.ts";
import { count, duration } from "./confidence.ts";
import type { Detector } from "./detector.ts";
import type { Finding } from "./finding.ts";
import { scanLegs } from "./leg-scan.ts";

/** One direction is all that a point sees where at most this share of its conversations has both. */
const MAX_BOTH_WAYS = 0.02;
const MIN_LEGS = 5;
/** Clocks kept by NTP differ by less. */
const SKEW_NS = 1e6;
/** Packets of several queues are written this much out of order; beyond it a clock was set, or files were appended. */
const STEP_BACK_NS = 50e6;
/** A clock whose rate is wrong by more than any free-running oscillator's (ns per second). */
const DRIFT_NS = 500_000;
/** A capture that ended so much sooner than the others (share of the run) was cut short. */
const EARLY_END = 0.1;

const aboutRun = (subject: Case) => ({ window: { from: subject.start, to: subject.end }, connections: [] as number[] });

/** `capture.one-sided`: a point shows one direction only, though both must pass there. */
export const captureOneSided: Detector = {
  ids: ["capture.one-sided"],
  find(subject) {
    const { set } = subject.connected;
    const scan = scanLegs(subject);
    const oneSided = set.points.filter((point) => {
      const { bothWays, upOnly, downOnly } = scan.points[point.index]!;
      const most = Math.max(upOnly, downOnly);
      return most >= MIN_LEGS && bothWays + Math.min(upOnly, downOnly) <= most * MAX_BOTH_WAYS;
    });
    if (oneSided.length === 0) return [];
    const byDesign = oneWayByDesign(subject);
    const balancers = balancerNodes(subject.connected);
    const isUp = (point: number) => scan.points[point]!.upOnly > scan.points[point]!.downOnly;
    const wholeNodes = set.points
      .filter(({ index }) => scan.points[index]!.bothWays > 0)
      .map(({ nodeName }) => nodeName);
    const suspicious = oneSided.filter(({ index, nodeName }) => {
      if (byDesign.has(index)) return false;
      // Where other nodes show both directions, the other one may pass by them only: the path is asymmetric.
      return balancers.has(nodeName) || wholeNodes.length === 0;
    });
    if (suspicious.length === 0) return [];
    const nodes = new Set(suspicious.map(({ nodeName }) => nodeName));
    const names = suspicious.map(({ name }) => name).join(", ");
    const direction = isUp(suspicious[0]!.index) ? "requests" : "answers";
    const legs = suspicious.reduce(
      (sum, { index }) => sum + Math.max(scan.points[index]!.upOnly, scan.points[index]!.downOnly),
      0,
    );
    const isCertain = suspicious.some(({ nodeName }) => balancers.has(nodeName));
    return [
      {
        id: "capture.one-sided",
        severity: isCertain ? "warning" : "info",
        confidence: isCertain ? 0.9 : 0.6,
        title: `${names} shows only ${direction}: ${count(legs, "conversation")} without the other direction`,
        explanation: isCertain
          ? `The balancer translates or terminates these connections, so both directions pass it, but the capture holds only ${direction}. It was filtered by direction, or the other direction uses an interface that was not captured. Who reset or timed out cannot be told from it.`
          : `The capture at ${names} holds only ${direction}. Either it was filtered by direction, or answers take another way (direct server return, asymmetric routing); a capture on the backend's interface settles it.`,
        where: nodes.size === 1 ? { node: [...nodes][0]! } : {},
        ...aboutRun(subject),
        measured: { conversations: legs, points: suspicious.length },
        evidence: suspicious
          .flatMap(({ capture }) => [{ capture, frame: 1, note: `only ${direction} from here on` }])
          .slice(0, 4),
        displayFilter: "tcp.flags.syn==1",
        remedy: [
          "capture both directions on all interfaces: filter by `host VIP`, not `dst host VIP`; tcpdump -i any takes all of them",
        ],
      },
    ];
  },
};

/** Points that requests alone pass by design: those of direct-return connections. */
function oneWayByDesign(subject: Case): Set<number> {
  const { set } = subject.connected;
  const points = new Set<number>();
  for (const { connections } of subject.vips) {
    for (const { mode, legs } of connections.slice(0, 50)) {
      if (mode === "dsr-l2" || mode === "dsr-tunnel") for (const ref of legs) points.add(set.pointOf(ref).index);
    }
  }
  return points;
}

/** `capture.truncated`: a file that was cut short or damaged, or packets whose headers were cut. */
export const captureTruncated: Detector = {
  ids: ["capture.truncated"],
  find(subject) {
    const { captures } = subject.connected.set;
    const findings: Finding[] = [];
    const length = subject.end - subject.start;
    captures.forEach((capture, index) => {
      for (const file of filesOf(capture)) {
        const problem = file.problems.find(
          ({ code }) => code === "truncated" || code.startsWith("bad-") || code === "read-error",
        );
        if (!problem) continue;
        const early = subject.end - capture.lastTime;
        const missed = early > length * EARLY_END ? ` It ends ${duration(early)} before the others.` : "";
        findings.push({
          id: "capture.truncated",
          severity: "warning",
          confidence: 0.99,
          title: `${file.path} is cut short or damaged after ${count(file.packets, "packet")}`,
          explanation: `${problem.message}. What comes after it is unknown, and connections that seem to fall silent there may have gone on.${missed}`,
          where: {},
          ...aboutRun(subject),
          window: { from: Number.isNaN(file.lastTime) ? subject.start : file.lastTime, to: subject.end },
          measured: { packetsRead: file.packets, offsetBytes: problem.offset },
          evidence:
            file.packets > 0
              ? [
                  {
                    capture: index,
                    frame: file.framesBefore + file.packets,
                    note: "the last packet that could be read",
                  },
                ]
              : [],
          displayFilter: `frame.number==${Math.max(1, file.packets)}`,
          remedy: [
            "copy the file again after tcpdump has ended (tcpdump -U writes each packet at once), and see whether the disk was full",
          ],
        });
      }
      const cut = capture.shards.reduce((sum, { tracker }) => sum + tracker.totals.cutPackets, 0);
      if (cut > capture.packets * 0.001) {
        findings.push({
          id: "capture.truncated",
          severity: "info",
          confidence: 0.99,
          title: `${capture.path} keeps too few bytes of its packets: the headers of ${count(cut, "packet")} are cut`,
          explanation:
            "TCP options, tunnelled headers or quoted packets beyond the snap length could not be read: joins across tunnels and proxies are less sure.",
          where: {},
          ...aboutRun(subject),
          measured: { cutPackets: cut, packets: capture.packets },
          evidence: [],
          displayFilter: "frame.cap_len < frame.len",
          remedy: [
            "capture at least 128 bytes of each packet (tcpdump -s 128), 192 with tunnels or IPv6, 256 to match payloads across proxies",
          ],
        });
      }
    });
    return findings;
  },
};

/** `capture.offload`: segments larger than any wire carries, put together or not yet cut by the host. */
export const captureOffload: Detector = {
  ids: ["capture.offload"],
  find(subject) {
    const { set } = subject.connected;
    const scan = scanLegs(subject);
    const points = set.points.filter(({ index }) => scan.points[index]!.offloaded > 0);
    if (points.length === 0) return [];
    const legs = points.reduce((sum, { index }) => sum + scan.points[index]!.offloaded, 0);
    return [
      {
        id: "capture.offload",
        severity: "info",
        confidence: 0.99,
        title: `segments larger than the MSS at ${points.map(({ name }) => name).join(", ")}: offload is on where it was captured`,
        explanation: `${count(legs, "conversation")} carry segments that no wire carries: the host cuts them after the capture (TSO, GSO) or put them together before it (GRO, LRO). Packet counts, sizes and checksums there are the host's, not the network's; bytes and times hold.`,
        where: points.length === 1 ? { node: points[0]!.nodeName } : {},
        ...aboutRun(subject),
        measured: { conversations: legs, points: points.length },
        evidence: [],
        displayFilter: "tcp.len > 1460",
        remedy: [
          "nothing is wrong with it; to see packets as on the wire, switch it off while capturing: ethtool -K IF tso off gso off gro off lro off",
          "on a load balancer LRO must stay off (ethtool -K IF lro off): what it merged cannot be forwarded",
        ],
      },
    ];
  },
};

/** `capture.clock-skew`: clocks of the hosts differ, drift or step. Times are corrected as far as connections tell. */
export const captureClockSkew: Detector = {
  ids: ["capture.clock-skew"],
  find(subject) {
    const { set, clocks } = subject.connected;
    const skewed = clocks.flatMap((clock, capture) => {
      const slack = Number.isFinite(clock.uncertainty) ? clock.uncertainty : Number.POSITIVE_INFINITY;
      const isOff = Math.abs(clock.offset) > SKEW_NS + slack || clock.step > SKEW_NS + slack;
      return isOff ? [{ capture, clock }] : [];
    });
    const back = set.tracks.flatMap((track) =>
      track.tracker.points.list.flatMap(({ stepBack }) =>
        stepBack > STEP_BACK_NS ? [{ capture: track.capture, stepBack }] : [],
      ),
    );
    if (skewed.length === 0 && back.length === 0) return [];
    const nameOf = (capture: number) =>
      set.points.find((point) => point.capture === capture)?.nodeName ?? set.captures[capture]!.path;
    const byNode = new Map(skewed.map(({ capture, clock }) => [nameOf(capture), clock]));
    const offsets = [...byNode].map(
      ([node, clock]) => `${node} ${clock.offset > 0 ? "+" : "−"}${duration(Math.abs(clock.offset))}`,
    );
    const drift = Math.max(0, ...[...byNode.values()].map((clock) => Math.abs(clock.drift)));
    const step = Math.max(0, ...[...byNode.values()].map((clock) => clock.step));
    const stepBack = Math.max(0, ...back.map((one) => one.stepBack));
    const isUnsteady = step > SKEW_NS || drift > DRIFT_NS || stepBack > 0;
    const largest = Math.max(0, ...[...byNode.values()].map((clock) => Math.abs(clock.offset)));
    const backNodes = [...new Set(back.map(({ capture }) => nameOf(capture)))];
    return [
      {
        id: "capture.clock-skew",
        severity: isUnsteady ? "warning" : "info",
        confidence: 0.95,
        title:
          offsets.length > 0
            ? `the capture hosts' clocks differ by up to ${duration(largest)}: ${offsets.join(", ")}`
            : `time runs back by ${duration(stepBack)} in the capture of ${backNodes.join(", ")}`,
        explanation:
          `${offsets.length > 0 ? "Connections seen at several hosts in both directions bound how their clocks stand to each other; times have been corrected by it. " : ""}` +
          `${drift > DRIFT_NS ? `One drifts by ${duration(drift)} per second. ` : ""}${step > SKEW_NS ? `One was stepped by ${duration(step)} during the capture: around that moment the order across hosts is not sure. ` : ""}` +
          `${stepBack > 0 ? `Packets of ${backNodes.join(", ")} are not in the order of their times (by up to ${duration(stepBack)}): the clock was set while capturing, or files were appended unsorted.` : ""}`.trim(),
        where: byNode.size === 1 ? { node: [...byNode.keys()][0]! } : {},
        ...aboutRun(subject),
        measured: {
          largestOffsetSeconds: largest / 1e9,
          largestDriftSecondsPerSecond: drift / 1e9,
          largestStepSeconds: Math.max(step, stepBack) / 1e9,
          hosts: byNode.size,
        },
        evidence: [...skewed, ...back]
          .slice(0, 4)
          .map(({ capture }) => ({ capture, frame: 1, note: `stamped by the clock of ${nameOf(capture)}` })),
        displayFilter: "frame.time_delta < 0",
        remedy: [
          "let chrony or PTP keep the clocks of all capture hosts (chronyc tracking shows the offset)",
          "sort a capture that was appended: reordercap IN OUT",
        ],
      },
    ];
  },
};
