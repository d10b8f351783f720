import type { BpfMap } from "./bpf-map.ts";

/** A privilege that loading or attaching needs (capabilities(7)). */
export type Capability = "CAP_BPF" | "CAP_PERFMON" | "CAP_NET_ADMIN";

/** What the kernel offers to attach to; asked before anything is loaded. */
export interface KernelFacts {
  /** Arguments of a tracepoint's BTF-typed program, null where there is no such tracepoint. */
  tracepointArguments(name: string): number | null;
  /** Whether the kernel's BTF has a function of that name. */
  hasFunction(name: string): boolean;
  /** Whether it was built with kprobes. */
  hasKprobes: boolean;
}

/** One program that can fill a slot, and what it attaches to. */
export interface Attachment {
  /** The function's name in the .bpf.c. */
  program: string;
  kind: "tp_btf" | "raw_tp" | "tp" | "fentry" | "fexit" | "kprobe" | "kretprobe";
  /** Tracepoint (`inet_sock_set_state`) or kernel function. */
  target: string;
  /** Arguments that the tracepoint must have, where the program reads one that older kernels do not hand over. */
  minArguments?: number;
  /** What this one cannot tell and the ones before it can, a sentence. */
  lacks?: string;
}

/** Something that a probe must hear of, and the programs that can tell: the first that this kernel takes is used. */
export interface Slot {
  /** What it hears: `state changes`. */
  hears: string;
  alternatives: readonly Attachment[];
  /** What is not seen without it, in words; a probe whose slot has none cannot run without it. */
  without?: string;
  /** Says that another slot hears the same on this kernel. */
  isNeedless?: (kernel: KernelFacts) => boolean;
}

/** What a decoder knows besides the bytes. */
export interface DecodeContext {
  /** Added to CLOCK_MONOTONIC it gives nanoseconds since 1970. */
  epochOffsetNs: bigint;
  /** Names of a kernel enum's values, from the running kernel; empty where it has no such enum. */
  enumNames(name: string): ReadonlyMap<number, string>;
}

/** Reads one record of the ring buffer. The view's memory is the kernel's: take values, keep nothing. */
export type Decoder<Event> = (bytes: DataView, offset: number, length: number) => Event;

export interface EventColumn<Event> {
  title: string;
  /** In characters; a longer cell pushes its line to the right. */
  width: number;
  align?: "left" | "right";
  cell: (event: Event) => string;
}

/** Everything that is particular to one probe, but for its kernel code: what stands in `probes/NAME/manifest.ts`. */
export interface ProbeManifest<Event> {
  name: string;
  /** The first kernel that has all it needs: `5.8`. */
  minKernel: string;
  capabilities: readonly Capability[];
  slots: readonly Slot[];
  /** `const volatile` variables that depend on which programs are attached. */
  constants?: (programs: ReadonlySet<string>) => Readonly<Record<string, number>>;
  createDecoder: (context: DecodeContext) => Decoder<Event>;
  columns: readonly EventColumn<Event>[];
  /** The event as JSON has it; addresses `ip:port`, times decimal strings, durations seconds. */
  document: (event: Event) => Readonly<Record<string, unknown>>;
  /** What the kernel side counted besides the events, told at the end: as a sentence, or as a line of JSON. */
  totals?: (probe: {
    map(name: string): BpfMap;
  }) => { sentence: string; document: Readonly<Record<string, unknown>> }[];
  /** What `untracked` counts, in words for the line at the end. */
  untracked?: string;
}
