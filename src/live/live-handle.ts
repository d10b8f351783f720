import type { LiveSource } from "../capture/live-source.ts";
import type { TimeBase } from "../capture/time-base.ts";
import type { Topology } from "../topology/topology.ts";
import type {
  FlowAnswer,
  FlowQuery,
  LiveEvidence,
  LiveFinding,
  LiveModel,
  SettledConnection,
  UnsettledConnections,
} from "./live-model.ts";

/**
 * A running live session as faces hold it: the same whether it runs in this thread or in one of its own. Faces poll
 * `model()` as often as they draw; it costs nothing.
 */
export interface LiveHandle {
  /** The newest model. */
  model(): LiveModel;
  flows(query: FlowQuery): Promise<FlowAnswer>;
  /**
   * The ladder of a connection by its id (`c17`), as lines of text, from the recent packets in memory; null where the
   * connection or its packets are gone.
   */
  ladder(id: string, options: { columns: number; rows: number; ascii?: boolean }): Promise<string | null>;
  /** By the key of a finding; null where it is gone. */
  evidence(key: string): Promise<LiveEvidence | null>;
  /** The recent packets in memory of one connection as pcapng; null where gone. */
  packets(id: string): Promise<Uint8Array | null>;
  /** Resolves when all sources have ended, the session was stopped, or it failed; the last model says which. */
  readonly ended: Promise<void>;
  /** Stops sources, settles what is left, and ends. Safe to call twice. */
  stop(): Promise<void>;
}

/** What a session tells as it happens; all are called in order, none may throw. */
export interface LiveListener {
  /** Connections that are over: each once. Awaited before the next are told, so that a slow store slows it down. */
  settled?(connections: readonly SettledConnection[]): void | Promise<void>;
  /** Connections within a second of their close, or of their beginning, and as they go on: before they are settled. */
  unsettled?(told: UnsettledConnections): void | Promise<void>;
  /** A finding that opened, changed its severity, was closed or withdrawn. */
  finding?(finding: LiveFinding, change: "opened" | "changed" | "closed" | "withdrawn"): void;
  /** After each new model. */
  model?(model: LiveModel): void;
}

/** What a session is to watch. */
export type SourceSpec =
  /** A capture as it is written: `-` for stdin, a named pipe. */
  | { kind: "stream"; path: string; name?: string }
  /** Files merged by time. */
  | { kind: "replay"; paths: readonly string[]; speed: number | "max" }
  /**
   * Interfaces of this machine.
   * @property module URL of the module that opens them: it exports `openLiveSource`, an `OpenLiveSource`
   * @property options handed to it; plain data
   */
  | { kind: "interface"; names: readonly string[]; module: string; options?: Readonly<Record<string, unknown>> };

/** What the module of an interface source exports as `openLiveSource`. It is called in the session's own thread. */
export type OpenLiveSource = (
  names: readonly string[],
  context: { timeBase: TimeBase; options: Readonly<Record<string, unknown>> },
) => LiveSource | Promise<LiveSource>;

export interface LiveOptions {
  sources: readonly SourceSpec[];
  /** Legs in memory at most. */
  maxFlows?: number;
  /** Metric series at most. */
  maxSeries?: number;
  /** Bytes for recent packets. */
  ringBytes?: number;
  /** Seconds of quiet after which a connection that is over is told as settled; the whole memory's length in replays. */
  settleSeconds?: number;
  /** Stops by itself after so many seconds. */
  durationSeconds?: number;
  /** With packets of broken connections in `settled`. */
  keepBroken?: boolean;
  /** Counts the packets that the kernel drops, by its reason, where interfaces are watched and it can. */
  countDrops?: boolean;
  /** What is known of the set-up. */
  topology?: Topology | null;
  /** What `-` reads, in the thread of the session; stdin itself where left out. */
  stdin?: NodeJS.ReadableStream | undefined;
  /** Seconds between two models. */
  modelEverySeconds?: number;
}
