import type { BpfMap } from "./bpf-map.ts";
import type { BpfObject } from "./bpf-object.ts";
import { HOST_ORDER } from "./event-head.ts";
import type { Decoder } from "./manifest.ts";
import { RingBuffer } from "./ring-buffer.ts";

/** Counts since the probe was opened. `sent = delivered + lost`, once it is stopped and drained. */
export interface ProbeCounters {
  /** Events that the kernel side had to tell. */
  sent: number;
  /** Those handed to `onEvent`. */
  delivered: number;
  /** Those for which the ring buffer had no room. */
  lost: number;
  /** What could not be followed; the manifest's `untracked` says what that is. */
  untracked: number;
  /** Times that a program was not run because it would have interrupted itself (Linux 5.12, else 0). */
  missed: number;
}

/** What programs have cost the kernel. */
export interface ProgramCost {
  /** How often they ran. */
  runs: number;
  /** In all runs together. */
  nanoseconds: number;
}

/** Bytes of struct bpf_prog_info that reach over recursion_misses, and where its fields are (linux/bpf.h). */
const PROG_INFO_BYTES = 224;
const RUN_TIME_AT = 192;
const RUN_COUNT_AT = 200;
const RECURSION_MISSES_AT = 208;
const NO_KEY = new Uint8Array(4);
/** Bytes of struct tally (probes/include/event.h). */
const TALLY_BYTES = 24;

/** A probe that is attached. Events wait in the ring buffer until they are polled. */
export class Probe<Event> {
  /** What will not be seen on this kernel, a sentence each. */
  readonly notes: readonly string[];
  private readonly object: BpfObject;
  private readonly programs: readonly string[];
  private readonly decode: Decoder<Event>;
  private readonly ring: RingBuffer;
  private readonly tallies: BpfMap;
  private delivered = 0;
  private final: ProbeCounters | null = null;
  private finalCost: ProgramCost | null = null;

  constructor(
    object: BpfObject,
    {
      programs,
      notes,
      decode,
      pageBytes,
    }: { programs: readonly string[]; notes: readonly string[]; decode: Decoder<Event>; pageBytes: number },
  ) {
    this.object = object;
    this.programs = programs;
    this.notes = notes;
    this.decode = decode;
    const { fd, maxEntries } = object.map("events");
    this.ring = new RingBuffer(object.native, fd, maxEntries, pageBytes);
    this.tallies = object.map("tallies");
  }

  /**
   * Hands over what has happened since the last call, in the order in which the kernel told it. Never waits.
   *
   * @param most events at once; the others wait for the next call
   * @returns how many events
   */
  poll(onEvent: (event: Event) => void, most?: number): number {
    return this.ring.drain((bytes, offset, length) => {
      this.delivered++;
      onEvent(this.decode(bytes, offset, length));
    }, most);
  }

  /** A map of the probe's own, by its name in the .bpf.c. */
  map(name: string): BpfMap {
    return this.object.map(name);
  }

  counters(): ProbeCounters {
    if (this.final !== null) return this.final;
    const counters = { sent: 0, delivered: this.delivered, lost: 0, untracked: 0, missed: this.readMisses() };
    const values = this.tallies.lookup(NO_KEY);
    if (values === null) return counters;
    const view = new DataView(values.buffer);
    for (let at = 0; at < values.length; at += TALLY_BYTES) {
      counters.sent += Number(view.getBigUint64(at, HOST_ORDER));
      counters.lost += Number(view.getBigUint64(at + 8, HOST_ORDER));
      counters.untracked += Number(view.getBigUint64(at + 16, HOST_ORDER));
    }
    return counters;
  }

  /** Takes the programs off their hooks: no more events come, and those that wait can still be polled. */
  stop(): void {
    this.object.detach();
  }

  /** Stops, and gives everything back. The counters stay readable. */
  close(): void {
    if (this.final !== null) return;
    this.stop();
    this.finalCost = this.cost();
    this.final = this.counters();
    this.ring.close();
    this.object.close();
  }

  /** What running the programs has cost, by the kernel's count: zeros unless `sysctl kernel.bpf_stats_enabled=1`. */
  cost(): ProgramCost {
    if (this.finalCost !== null) return this.finalCost;
    const { runs, nanoseconds } = this.readPrograms();
    return { runs, nanoseconds };
  }

  private readMisses(): number {
    return this.readPrograms().misses;
  }

  /** Sums of struct bpf_prog_info over the programs. */
  private readPrograms(): ProgramCost & { misses: number } {
    const info = new Uint8Array(PROG_INFO_BYTES);
    const view = new DataView(info.buffer);
    const length = new Uint32Array(1);
    const sums = { runs: 0, nanoseconds: 0, misses: 0 };
    for (const program of this.programs) {
      info.fill(0);
      length[0] = PROG_INFO_BYTES;
      if (this.object.native.bpf.infoByFd(this.object.programFd(program), info, length) < 0) continue;
      sums.nanoseconds += Number(view.getBigUint64(RUN_TIME_AT, HOST_ORDER));
      sums.runs += Number(view.getBigUint64(RUN_COUNT_AT, HOST_ORDER));
      sums.misses += Number(view.getBigUint64(RECURSION_MISSES_AT, HOST_ORDER));
    }
    return sums;
  }
}
