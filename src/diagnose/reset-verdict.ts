import type { LegEvent } from "../flow/event-log.ts";
import type { LegRef } from "../path/leg-set.ts";

export type ResetAuthor = "client" | "backend" | "lb" | "middlebox" | "unknown";

export type ResetCause =
  | "refused"
  | "no-state"
  | "idle-timeout"
  | "client-abort"
  | "backend-abort"
  | "lb-abort"
  | "injected"
  | "port-reuse"
  | "overflow"
  | "direct-reply"
  | "late-data"
  | "health-check"
  | "unknown";

/** Who sent a reset, and why. */
export interface ResetVerdict {
  connection: number;
  by: ResetAuthor;
  cause: ResetCause;
  confidence: number;
  /** What the verdict rests on, in words. */
  clues: string[];
  /** The sighting nearest to its author. */
  ref: LegRef;
  event: LegEvent;
  /** 0: travels up (from the client's side), 1: down. */
  side: number;
  /** ns since the run's base, on the reference clock. */
  time: number;
  /** Silence on the leg right before what it answers, ns; 0 without. */
  silenceBefore: number;
  /** True where the session it belongs to is the client's own (not the one behind a proxy). */
  isFront: boolean;
  /** MAC that sent the frame at that sighting; 0 where unknown. */
  mac: number;
  /** True where it took nothing from anybody. */
  isHarmless: boolean;
}
