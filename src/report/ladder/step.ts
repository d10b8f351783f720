import type { Journey } from "./journey.ts";
import type { PacketEvent } from "./packet-event.ts";
import type { Rewrite } from "./rewrites.ts";

export type StepKind =
  | "syn"
  | "syn-ack"
  | "ack"
  | "data"
  | "fin"
  | "reset"
  | "keepalive"
  | "window"
  | "datagram"
  | "fragment"
  | "icmp-error";

/** The time from one stop of a packet to the next. */
export interface HopDelay {
  /** From arrival to arrival; NaN where the clocks cannot be compared. */
  seconds: number;
  /** What the clocks leave open of it, seconds. */
  uncertainty: number;
}

/** One packet of a ladder: what it is, how it travelled and what happened to it. */
export interface Step {
  kind: StepKind;
  event: PacketEvent;
  journey: Journey;
  /** Between the stops of the journey; one fewer than they are. */
  delays: readonly HopDelay[];
  rewrites: readonly Rewrite[];
  /** `SYN`, `517 B ClientHello example.com`. */
  label: string;
  /** What was sent before, as far as was seen: a retransmission. */
  isAgain: boolean;
  /** More to say, a few words each. */
  notes: readonly string[];
  /** Nodes that the direction passes from here on in place of others. */
  moved: { from: string; to: string } | null;
  /** How much it matters to somebody who looks for a fault. */
  weight: "bad" | "risk" | "plain" | "dull";
  /** More than one of many: not to be lost among others. */
  standsAlone: boolean;
  /** Its payload begins a message that is told by its first bytes. */
  startsMessage: boolean;
}
