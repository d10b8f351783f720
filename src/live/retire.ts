import type { Case } from "../diagnose/case.ts";
import type { Connection } from "../path/connection.ts";
import { hasEnded } from "./connection-end.ts";

/** Legs that stay when memory is short, of those there may be. */
const KEPT_SHARE = 0.6;

/**
 * Which connections must go so that there is room: those that are over, the oldest first; then the others, longest
 * silent first.
 *
 * @param live legs in memory
 */
export function chooseLeaving(
  subject: Case,
  { live, maxLegs, now, idleNs }: { live: number; maxLegs: number; now: number; idleNs: number },
): Connection[] {
  let excess = live - Math.floor(maxLegs * KEPT_SHARE);
  if (excess <= 0) return [];
  const over: Connection[] = [];
  const open: Connection[] = [];
  for (const connection of subject.connections) {
    (hasEnded(connection, subject.outcome(connection), now, idleNs) ? over : open).push(connection);
  }
  const byEnd = (a: Connection, b: Connection) => a.end - b.end;
  const leaving: Connection[] = [];
  for (const connection of [...over.sort(byEnd), ...open.sort(byEnd)]) {
    if (excess <= 0) break;
    leaving.push(connection);
    excess -= connection.legs.length;
  }
  return leaving;
}
