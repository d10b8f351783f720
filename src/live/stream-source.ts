import type { LiveSource } from "../capture/live-source.ts";
import { openCapture } from "../capture/open.ts";
import type { PacketBatch } from "../capture/packet-batch.ts";
import type { CaptureInterface, CaptureProblem, CaptureReader } from "../capture/reader.ts";
import type { TimeBase } from "../capture/time-base.ts";
import { inTimeOrder } from "../capture/time-order.ts";

const NOTHING = null;

export interface StreamSourceOptions {
  timeBase: TimeBase;
  /** Names its points instead of the path. */
  name?: string;
  /** What `-` reads. */
  stdin?: NodeJS.ReadableStream;
}

/** A capture as it is being written: `-` for stdin, a named pipe, a file that has an end. */
export class StreamSource implements LiveSource {
  readonly name: string;
  readonly kind = "stream";
  private readonly path: string;
  private readonly options: StreamSourceOptions;
  private reader: CaptureReader | null = null;
  private pending: Promise<PacketBatch | null> | null = null;
  private readonly empty: { count: number } = { count: 0 };
  private isStopped = false;

  constructor(path: string, options: StreamSourceOptions) {
    this.path = path;
    this.name = options.name ?? path;
    this.options = options;
  }

  get format(): "pcap" | "pcapng" {
    return this.reader?.format ?? "pcap";
  }
  get interfaces(): readonly CaptureInterface[] {
    return this.reader?.interfaces ?? [];
  }
  get problems(): readonly CaptureProblem[] {
    return this.reader?.problems ?? [];
  }

  async start(): Promise<void> {
    const { timeBase, stdin } = this.options;
    this.reader = inTimeOrder(await openCapture(this.path, { timeBase, ...(stdin ? { stdin } : {}) }));
  }

  async next(maxWaitMilliseconds: number): Promise<PacketBatch | null> {
    if (this.isStopped || this.reader === null) return NOTHING;
    this.pending ??= this.reader.next();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<"late">((resolve) => {
      timer = setTimeout(resolve, maxWaitMilliseconds, "late");
    });
    const first = await Promise.race([this.pending, late]);
    clearTimeout(timer);
    if (first === "late") return this.empty as PacketBatch;
    this.pending = null;
    return first;
  }

  /** What the capture itself says it lost: dumpcap writes it at the end, tcpdump nowhere. */
  lost(): number {
    return this.interfaces.reduce((sum, { dropped }) => sum + (dropped ?? 0), 0);
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await this.reader?.close();
  }
}
