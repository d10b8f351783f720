import type { Case } from "../diagnose/case.ts";
import type { LegRef } from "../path/leg-set.ts";
import { communityId } from "../report/community-id.ts";
import type { Known } from "./connection-book.ts";
import type { Exemplar } from "./live-model.ts";
import { nameOf } from "./look.ts";

/**
 * A connection as the exemplar of what it was counted for.
 *
 * @param leg the one that shows it
 * @param value what it added
 * @param time epoch seconds
 */
export function exemplarOf(subject: Case, known: Known, leg: LegRef, value: number, time: number): Exemplar {
  return { connection: nameOf(known), communityId: communityId(subject.connected.set.view(leg)), value, time };
}
