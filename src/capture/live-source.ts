import type { PacketBatch } from "./packet-batch.ts";
import type { CaptureInterface, CaptureProblem } from "./reader.ts";

/**
 * Where a live session's packets come from: interfaces (the kernel's header snapshots as packets), a stream, a replayed
 * file. The session asks for batches when it has room; a source that must not wait keeps its own ring and counts what
 * it loses.
 */
export interface LiveSource {
  /** As the user named it. */
  readonly name: string;
  readonly kind: "interface" | "stream" | "replay";
  readonly format: "pcap" | "pcapng";
  /** Observation points; may grow. Batches refer to them by number. */
  readonly interfaces: readonly CaptureInterface[];
  readonly problems: readonly CaptureProblem[];
  /** True where it hands on only some packets of a conversation: what lies between them was not lost. */
  readonly isSampled?: boolean;
  /** Attaches, opens. Times of batches are ns since the session's TimeBase. Rejects with a line for the user. */
  start(): Promise<void>;
  /**
   * The next packets; waits until there are some, or `maxWaitMilliseconds` have passed (then a batch of count 0).
   * null when the source has ended. A batch is valid until the next call.
   */
  next(maxWaitMilliseconds: number): Promise<PacketBatch | null>;
  /** Packets lost so far, in the kernel or on the way; 0 where it cannot lose any. */
  lost(): number;
  /**
   * For a source that does not hand on every packet: what was counted of each conversation since its beginning, those
   * handed on included; of conversations where it grew since it was asked last. It must hand on SYN, FIN and RST.
   */
  flowCounters?(): readonly FlowCounter[];
  /** Cost and losses of its probes. */
  probes?(): readonly ProbeCost[];
  /** Detaches, closes. Safe to call twice; `next` then answers null. */
  stop(): Promise<void>;
}

/** Totals of one direction of a conversation as the kernel counts them, outside of tunnels and VLANs. */
export interface FlowCounter {
  /** Number of the interface in the source. */
  interface: number;
  /** IP protocol number. */
  protocol: number;
  /** Mapped words, see Packet. */
  src: readonly [number, number, number, number];
  dst: readonly [number, number, number, number];
  srcPort: number;
  dstPort: number;
  packets: number;
  /** On the wire, link layer included. */
  bytes: number;
  /** Time of the last packet, ns since the session's TimeBase. */
  lastTime: number;
}

/** A probe in the kernel: what it does and costs. */
export interface ProbeCost {
  name: string;
  /** What it is attached to, in a word or two. */
  attached: string;
  events: number;
  lost: number;
  /** Kernel time per event and in all: ns, and share of one core. NaN where the kernel does not count it. */
  nanosecondsPerEvent: number;
  coreShare: number;
}
