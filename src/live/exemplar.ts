import type { Case } from "../diagnose/case.ts";
import type { LegRef } from "../path/leg-set.ts";
import { communityId } from "../report/community-id.ts";
import type { Known } from "./connection-book.ts";
import { nameOf } from "./look.ts";
import type { Shown } from "./metric-book.ts";

/**
 * A connection as the exemplar of what it was counted for.
 *
 * @param leg the one that shows it
 * @param value what it added
 * @param time epoch seconds
 */
export function shownAs(subject: Case, known: Known, leg: LegRef, value: number, time: number): Shown {
  const make = () => ({
    connection: nameOf(known),
    communityId: communityId(subject.connected.set.view(leg)),
    value,
    time,
  });
  return { time, make };
}
