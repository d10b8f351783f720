import type { Case } from "../../diagnose/case.ts";
import { RETRANSMIT } from "../../flow/event-log.ts";
import type { Connection } from "../../path/connection.ts";
import type { LegRef } from "../../path/leg-set.ts";
import { bestLeg, hasRetransmits, type Side } from "./best-legs.ts";

/** Counts of something in equal pieces of the run, one number each. */
export interface TimeSeries {
  /** Of the first piece, ns since the run's base. */
  start: number;
  /** Of one piece, ns. */
  width: number;
  /** Connections that began. */
  opened: number[];
  /** Connections whose clients lost something to a reset, or were refused, by the time of it. */
  resets: number[];
  /** Segments sent again, as the points saw them best. */
  retransmits: number[];
}

/** @param pieces how many to make of the run, 1 or more. */
export function timeSeries(subject: Case, connections: readonly Connection[], pieces: number): TimeSeries | null {
  const { start, end } = subject;
  const { set } = subject.connected;
  if (!(end > start)) return null;
  const width = (end - start) / pieces;
  const zeros = () => new Array<number>(pieces).fill(0);
  const series: TimeSeries = { start, width, opened: zeros(), resets: zeros(), retransmits: zeros() };
  const count = (counts: number[], time: number) => {
    if (!Number.isFinite(time)) return;
    counts[Math.min(pieces - 1, Math.max(0, Math.floor((time - start) / width)))]!++;
  };
  for (const connection of connections) {
    count(series.opened, connection.start);
    const reset = harmfulReset(subject, connection);
    if (reset !== null) count(series.resets, reset);
    for (const side of [0, 1] as const) {
      if (!hasRetransmits(set, connection, side)) continue;
      const ref = bestLeg(set, connection, side);
      for (const time of retransmitTimes(subject, ref, side)) count(series.retransmits, time);
    }
  }
  return series;
}

/** When a client lost its connection to a reset, ns; null where it did not, or lost nothing by it. */
export function harmfulReset(subject: Case, connection: Connection): number | null {
  const outcome = subject.outcome(connection);
  if (outcome !== "reset" && outcome !== "refused") return null;
  const reset = subject.mainReset(connection);
  if (reset === null) return connection.end;
  return reset.isHarmless || reset.cause === "late-data" ? null : reset.time;
}

function* retransmitTimes(subject: Case, ref: LegRef, side: Side): Generator<number> {
  const { tracker } = subject.connected.set.trackOf(ref);
  const leg = subject.connected.set.legOf(ref);
  for (const event of tracker.events.of(tracker.legs, leg)) {
    if (event.kind === RETRANSMIT && event.side === side) yield subject.reference(ref, event.time);
  }
}
