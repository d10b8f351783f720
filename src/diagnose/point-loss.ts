import type { LegRef } from "../path/leg-set.ts";
import { type Examined, type PointScan, scanLegs } from "./leg-scan.ts";

/** Fewer legs with missing packets may have been a change of path. */
const MIN_LEGS = 5;
/** Share of legs with missing packets from which a capture is said to have lost some. */
const MIN_LEG_SHARE = 0.02;
/** A file's own count of drops matters from this share of its packets. */
const MIN_DROPPED_SHARE = 0.0001;

/** Share of packets (0 to 1) that the capture of an observation point lost at least, by acknowledgments of them. */
export function lossOf(point: PointScan): number {
  if (point.legsWithMissing < MIN_LEGS || point.legsWithMissing < point.bothWays * MIN_LEG_SHARE) return 0;
  return point.missing / (point.packets + point.missing);
}

/**
 * Share of packets (0 to 1) that the capture itself lost at a leg's point: what its receiver acknowledged and the
 * capture lacks, or what the file says. A missing packet there is not an event.
 */
export function captureLossAt(subject: Examined, ref: LegRef): number {
  const { set } = subject.connected;
  const point = set.pointOf(ref);
  return Math.max(lossOf(scanLegs(subject).points[point.index]!), droppedShare(subject, point.capture));
}

/** Packets that a capture itself says it lost. */
export function droppedOf(subject: Examined, capture: number): number {
  return subject.connected.set.captures[capture]!.interfaces.reduce((sum, one) => sum + (one.dropped ?? 0), 0);
}

/** The same as a share of all (0 to 1); 0 where it is too small to matter. */
export function droppedShare(subject: Examined, capture: number): number {
  const dropped = droppedOf(subject, capture);
  const { packets } = subject.connected.set.captures[capture]!;
  return dropped > packets * MIN_DROPPED_SHARE ? dropped / (packets + dropped) : 0;
}
