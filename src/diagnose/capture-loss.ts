import type { Case } from "./case.ts";
import { count, percent } from "./confidence.ts";
import type { Detector } from "./detector.ts";
import type { Evidence, Finding } from "./finding.ts";
import { scanLegs } from "./leg-scan.ts";
import { droppedOf, droppedShare, lossOf } from "./point-loss.ts";

/** Findings that rest on a packet's absence. */
const REST_ON_ABSENCE = [
  "path.loss",
  "path.asymmetric",
  "path.injected-reset",
  "path.mtu-blackhole",
  "backend.unreachable",
  "backend.overflow",
  "lb.lost-state",
  "lb.queueing",
  "lb.snat-exhaustion",
];
/** What is left of their confidence where their captures have lost packets. */
const WEAKENED = 0.6;

/** The largest share that any point of a capture lost. */
function captureLoss(subject: Case, capture: number): number {
  const { points } = subject.connected.set;
  let loss = droppedShare(subject, capture);
  const scan = scanLegs(subject);
  for (const point of points) if (point.capture === capture) loss = Math.max(loss, lossOf(scan.points[point.index]!));
  return loss;
}

/** Takes confidence from findings that rest on the absence of packets in captures that lost some. */
export function weakenByCaptureLoss(subject: Case, findings: readonly Finding[]): void {
  for (const finding of findings) {
    if (!REST_ON_ABSENCE.includes(finding.id)) continue;
    const captures = [...new Set(finding.evidence.map(({ capture }) => capture))];
    const loss = Math.max(0, ...captures.map((capture) => captureLoss(subject, capture)));
    if (loss === 0) continue;
    finding.confidence = Math.round(finding.confidence * WEAKENED * 100) / 100;
    finding.explanation += ` The capture itself lost packets (at least ${percent(loss, 1)}), which makes this less sure.`;
  }
}

/** `capture.loss`: the capture lacks packets that arrived, by acknowledgments of them or by its own count. */
export const captureLossDetector: Detector = {
  ids: ["capture.loss"],
  find(subject) {
    const { set } = subject.connected;
    const scan = scanLegs(subject);
    const evidence: Evidence[] = [];
    const lossy = set.points.filter((point) => lossOf(scan.points[point.index]!) > 0);
    const told = set.captures.flatMap((_, capture) => (droppedShare(subject, capture) > 0 ? [capture] : []));
    if (lossy.length === 0 && told.length === 0) return [];
    for (const point of lossy) evidence.push(...firstUnseen(subject, point.index));
    for (const capture of told) {
      const frame = Math.max(1, set.captures[capture]!.packets);
      evidence.push({
        capture,
        frame,
        note: `its file counts ${count(droppedOf(subject, capture), "dropped packet")}`,
      });
    }
    const worst = Math.max(
      ...lossy.map((point) => lossOf(scan.points[point.index]!)),
      ...told.map((capture) => droppedShare(subject, capture)),
    );
    const missing = lossy.reduce((sum, point) => sum + scan.points[point.index]!.missing, 0);
    const dropped = told.reduce((sum, capture) => sum + droppedOf(subject, capture), 0);
    const names = [
      ...new Set([...lossy.map(({ name }) => name), ...told.flatMap((capture) => pointNames(subject, capture))]),
    ];
    return [
      {
        id: "capture.loss",
        severity: worst >= 0.01 ? "warning" : "info",
        confidence: told.length > 0 ? 0.99 : 0.9,
        title: `the capture at ${names.join(", ")} lost at least ${percent(worst, 1)} of its packets`,
        explanation:
          `${missing > 0 ? `Receivers acknowledged bytes of ${count(missing, "segment")} that the capture never shows: the network delivered them, the capture did not. ` : ""}` +
          `${dropped > 0 ? `The files themselves say that ${count(dropped, "packet")} were dropped. ` : ""}` +
          "Gaps, missing answers and one-sided connections there may be the capture's own, and findings that rest on them are held with less confidence.",
        where: names.length === 1 ? { node: names[0]!.split(":")[0]! } : {},
        window: { from: subject.start, to: subject.end },
        measured: {
          missingSegments: missing,
          droppedByCapture: dropped,
          lossShareAtLeast: Math.round(worst * 1e4) / 1e4,
        },
        connections: [],
        evidence: evidence.slice(0, 4),
        displayFilter: "tcp.analysis.ack_lost_segment || tcp.analysis.lost_segment",
        remedy: [
          "capture with a larger buffer and fewer bytes of each packet: tcpdump -B 65536 -s 128 -w FILE, on a disk that keeps up",
          "filter to the VIP and its backends in the kernel (tcpdump … 'host VIP or net BACKENDS'), and read the drops tcpdump prints when it ends",
        ],
      },
    ];
  },
};

function pointNames(subject: Case, capture: number): string[] {
  return subject.connected.set.points.filter((point) => point.capture === capture).map(({ name }) => name);
}

/** A leg of the point that lacks packets. */
function firstUnseen(subject: Case, point: number): Evidence[] {
  const { set } = subject.connected;
  for (const track of set.tracks) {
    if (!track.points.includes(point)) continue;
    for (const view of track.view.all()) {
      if (track.points[view.point] !== point || view.protocol !== 6) continue;
      if (view.up.acksOfUnseen + view.down.acksOfUnseen === 0 || view.up.packets === 0 || view.down.packets === 0)
        continue;
      const note = "a conversation with acknowledgments of bytes that were not captured ends here";
      return [{ capture: track.capture, frame: view.lastFrame, note }];
    }
  }
  return [];
}
