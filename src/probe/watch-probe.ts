import type { Writable } from "node:stream";
import { setFlagsFromString } from "node:v8";
import type { BpfMap } from "./bpf-map.ts";
import type { EventOf, ProbeName } from "./catalogue.ts";
import { findManifest } from "./catalogue.ts";
import type { EventColumn, ProbeManifest } from "./manifest.ts";
import { openManifest, type ProbeOptions } from "./open-probe.ts";
import type { ProbeCounters } from "./probe.ts";

export interface WatchOptions extends ProbeOptions {
  /** One JSON object a line instead of columns. */
  json: boolean;
  /** Stop by itself; undefined: at a signal. */
  durationSeconds?: number | undefined;
  out: Writable;
  /** Takes what the user should know besides the events, a sentence each. */
  tell: (sentence: string) => void;
}

/** How long an event waits at most. Long enough that an idle probe costs nothing. */
const POLL_MS = 50;
/** Lines that wait for the end of a poll live longer than garbage should. */
const CHUNK_CHARACTERS = 16_384;

/**
 * Prints a probe's events until the duration is over or SIGINT or SIGTERM comes, then what was lost.
 *
 * @throws ProbeError where the probe cannot be opened
 */
export async function watchProbe<Name extends ProbeName>(name: Name, options: WatchOptions): Promise<void> {
  const manifest = await findManifest(name);
  return watchManifest<EventOf<Name>>(manifest, options);
}

function watchManifest<Event>(manifest: ProbeManifest<Event>, options: WatchOptions): Promise<void> {
  return watchEvents(() => openManifest(manifest, options), manifest, options);
}

/** What events come from: a Probe, or what is like one. */
export interface EventSource<Event> {
  readonly notes: readonly string[];
  poll(onEvent: (event: Event) => void): number;
  counters(): ProbeCounters;
  map(name: string): BpfMap;
  /** True once nothing more can come. */
  isOver?(): boolean;
  stop(): void;
  close(): void;
}

/** The same, of events from elsewhere than a probe of the catalogue. */
export async function watchEvents<Event>(
  open: () => EventSource<Event>,
  manifest: Pick<ProbeManifest<Event>, "columns" | "document" | "untracked" | "totals">,
  options: Omit<WatchOptions, keyof ProbeOptions>,
): Promise<void> {
  const { out, json, tell, durationSeconds } = options;
  // lines are garbage once they are written: three spaces of 16 MB each for it would be most of this process's memory
  setFlagsFromString("--semi-space-growth-factor=1");
  // and what outlives a poll is collected early, for a sixth more of this process's time
  setFlagsFromString("--optimize-for-size");
  const stop = new AbortController();
  const end = () => stop.abort();
  process.once("SIGINT", end);
  process.once("SIGTERM", end);
  const timer = durationSeconds === undefined ? null : setTimeout(end, durationSeconds * 1000);
  const probe = open();
  try {
    for (const note of probe.notes) tell(note);
    if (!json) out.write(`${header(manifest.columns)}\n`);
    const line = json
      ? (event: Event) => JSON.stringify(manifest.document(event))
      : (event: Event) => row(manifest.columns, event);
    /** False where the reader is behind. */
    const pollAndPrint = () => {
      let text = "";
      let keepsUp = true;
      probe.poll((event) => {
        text += `${line(event)}\n`;
        if (text.length < CHUNK_CHARACTERS) return;
        keepsUp = out.write(text);
        text = "";
      });
      return text === "" ? keepsUp : out.write(text);
    };
    while (!stop.signal.aborted && probe.isOver?.() !== true) {
      // a reader that is behind makes the ring buffer fill and its losses be counted, not our memory grow
      if (pollAndPrint()) await sleep(POLL_MS, stop.signal);
      else await drained(out, stop.signal);
    }
    probe.stop();
    pollAndPrint();
    for (const { sentence, document } of manifest.totals?.(probe) ?? []) {
      if (json) out.write(`${JSON.stringify(document)}\n`);
      else tell(sentence);
    }
  } finally {
    if (timer !== null) clearTimeout(timer);
    process.off("SIGINT", end);
    process.off("SIGTERM", end);
    probe.close();
  }
  for (const sentence of losses(probe.counters(), manifest.untracked)) tell(sentence);
}

/** What the counters have to say that a reader of the events should know. */
export function losses({ sent, lost, untracked, missed }: ProbeCounters, untrackedWords?: string): string[] {
  const sentences: string[] = [];
  if (lost > 0) sentences.push(`${lost} of ${sent} events were lost, for the ring buffer was full; narrow the filter`);
  if (missed > 0) sentences.push(`${missed} more came while the probe was interrupted and were not seen`);
  if (untracked > 0 && untrackedWords !== undefined) sentences.push(`${untracked} ${untrackedWords}`);
  return sentences;
}

function header<Event>(columns: readonly EventColumn<Event>[]): string {
  return columns
    .map(({ title, width, align }) => pad(title, width, align))
    .join(" ")
    .trimEnd();
}

function row<Event>(columns: readonly EventColumn<Event>[], event: Event): string {
  return columns
    .map(({ width, align, cell }) => pad(cell(event), width, align))
    .join(" ")
    .trimEnd();
}

function pad(text: string, width: number, align: "left" | "right" = "left"): string {
  return align === "left" ? text.padEnd(width) : text.padStart(width);
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", finish);
      done();
    };
    const timer = setTimeout(finish, ms);
    signal.addEventListener("abort", finish);
  });
}

function drained(out: Writable, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const finish = () => {
      out.off("drain", finish);
      signal.removeEventListener("abort", finish);
      done();
    };
    out.once("drain", finish);
    signal.addEventListener("abort", finish);
  });
}
