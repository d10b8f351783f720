import * as L from "../flow/leg-layout.ts";
import type { SideView } from "../flow/leg-view.ts";
import type { EndpointTable } from "./endpoints.ts";
import type { LegRef, LegSet } from "./leg-set.ts";
import { type Arrival, arrivalOf } from "./sent-twice.ts";
import { tupleOf } from "./tuples.ts";

/**
 * What a leg shows of both directions' sequence numbers and of the client's timestamps. What the other side
 * acknowledged counts, too: where a direction itself did not pass, it is a range of one number.
 */
export interface Ranges {
  ref: LegRef;
  /** Numbers of the run's endpoints. */
  src: number;
  dst: number;
  srcPort: number;
  hasUp: boolean;
  upFrom: number;
  upTo: number;
  hasDown: boolean;
  downFrom: number;
  downTo: number;
  /** Segments of the direction itself passed, resets apart. */
  sawUp: boolean;
  sawDown: boolean;
  hasTimestamps: boolean;
  tsFirst: number;
  tsLast: number;
  start: number;
  end: number;
  capture: number;
  arrival: Arrival;
}

/** A stream whose numbers leap farther than its bytes is several: lives of one 4-tuple whose openings were not seen. */
const MOST_UNSEEN_BYTES = 1 << 24;

export function rangesOf(set: LegSet, endpoints: EndpointTable, ref: LegRef): Ranges {
  const view = set.view(ref);
  const { up, down } = view;
  const { src, dst } = tupleOf(view, endpoints);
  return {
    ref,
    src,
    dst,
    srcPort: view.srcPort,
    hasUp: isKnown(up, down),
    upFrom: from(up, down),
    upTo: to(up, down),
    hasDown: isKnown(down, up),
    downFrom: from(down, up),
    downTo: to(down, up),
    sawUp: up.packets > up.resets,
    sawDown: down.packets > down.resets,
    hasTimestamps: up.has(L.SIDE_TIMESTAMPS),
    tsFirst: up.tsFirst,
    tsLast: up.tsLast,
    start: view.start,
    end: view.end,
    capture: set.trackOf(ref).capture,
    arrival: arrivalOf(set, ref),
  };
}

function isKnown(sender: SideView, receiver: SideView): boolean {
  if (!sender.has(L.SIDE_HAS_BASE)) return receiver.has(L.SIDE_HAS_ACK);
  const length = (to(sender, receiver) - sender.baseSeq) >>> 0;
  return length < MOST_UNSEEN_BYTES || length < sender.payloadBytes * 16;
}

function from(sender: SideView, receiver: SideView): number {
  return sender.has(L.SIDE_HAS_BASE) ? sender.baseSeq : receiver.highestAck;
}

/** What was sent, or acknowledged beyond what was seen of it. */
function to(sender: SideView, receiver: SideView): number {
  if (!receiver.has(L.SIDE_HAS_ACK)) return sender.nextSeq;
  if (!sender.has(L.SIDE_HAS_BASE)) return receiver.highestAck;
  return ((receiver.highestAck - sender.nextSeq) | 0) > 0 ? receiver.highestAck : sender.nextSeq;
}
