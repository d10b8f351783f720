import type { LiveFinding } from "../live/live-model.ts";

/** What is being watched, said once at the beginning of a run. */
export interface RunFacts {
  command: "analyze" | "record";
  /** Of l4scope. */
  version: string;
  host: string;
  /** Files or interfaces, as the user named them. */
  sources: readonly string[];
}

/** What a run came to; JSON documents, kept as they are. */
export interface RunResult {
  topology?: unknown;
  summary?: unknown;
}

/** A number of one minute that connections do not tell, by the name and labels of a metric of the contract. */
export interface MinuteSample {
  /** Epoch second in which the minute begins. */
  minute: number;
  /** Without the prefix `l4scope_`. */
  name: string;
  labels: Readonly<Record<string, string>>;
  value: number;
  /** `add`: what a counter grew by; `set`: a gauge, the last one of the minute holds. */
  how: "add" | "set";
}

/** A finding as it is now; the next one of the same key takes its place. */
export interface FindingToStore
  extends Pick<LiveFinding, "key" | "state" | "opened" | "lastSeen" | "closed" | "worst" | "finding"> {
  /** Connections that suffer from it (17 of `c17`); its examples where left out. */
  connections?: readonly number[];
}

/** Packets that show something. */
export interface EvidenceToStore {
  /** Epoch seconds. */
  time: number;
  /** The connection they are of, `c17`; null where they are of several. */
  connection: string | null;
  /** The finding they show, by its key; null where they are a broken connection's own. */
  findingKey: string | null;
  note: string;
  packets: number | null;
  pcapng: Uint8Array;
}

/** What a store may hold. */
export interface KeepLimits {
  /** Nothing older than this, in terms of the newest time seen. */
  keepSeconds?: number;
  /** The file and its log stay near or below this. */
  maxBytes?: number;
}
