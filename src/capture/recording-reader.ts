import { statSync } from "node:fs";
import { type OpenOptions, openCapture } from "./open.ts";
import type { PacketBatch } from "./packet-batch.ts";
import { isOneOfSeveral, recordingName } from "./point-name.ts";
import type { CaptureInterface, CaptureProblem, CaptureProgress, CaptureReader } from "./reader.ts";
import type { RecordingFile } from "./recording-file.ts";
import type { TimeBase } from "./time-base.ts";
import { MOST_DISORDER_NS } from "./time-order.ts";

/** A file that begins longer after the one before is a recording of its own: what happened between is not known. */
const LONGEST_GAP_NS = 60e9;

/**
 * The files of one recording (tcpdump -C and -G, dumpcap -b), read one after the other as one capture, so that a
 * conversation that crosses their boundaries is whole. Frames are counted over all of them.
 *
 * It ends before a file that does not go on where the one before stopped, or has other interfaces: `rest` then has a
 * reader of what is left.
 */
export class RecordingReader implements CaptureReader {
  readonly files: RecordingFile[] = [];
  /** The recording that begins where this one ended; known when it has ended. */
  rest: RecordingReader | null = null;
  private readonly readers: CaptureReader[];
  private at = 0;
  private frames = 0;
  private pending: PacketBatch | null;

  /**
   * @param readers in the order of time
   * @param pending the first batch of the first of them, where it was read already
   */
  constructor(readers: readonly CaptureReader[], pending: PacketBatch | null = null) {
    this.readers = [...readers];
    this.pending = pending;
  }

  get path(): string {
    return this.first.path;
  }
  get format(): "pcap" | "pcapng" {
    return this.first.format;
  }
  /** Those of the file that names most: others begin with the same. */
  get interfaces(): readonly CaptureInterface[] {
    const known = this.readers.slice(0, this.at + 1).map(({ interfaces }) => interfaces);
    return known.reduce((most, one) => (one.length > most.length ? one : most), this.first.interfaces);
  }
  get problems(): readonly CaptureProblem[] {
    return this.readers.slice(0, this.at + 1).flatMap(({ problems }) => problems);
  }
  get progress(): CaptureProgress {
    const all = this.readers.map(({ progress }) => progress);
    const total = all.reduce<number | null>(
      (sum, { totalBytes }) => (sum === null || totalBytes === null ? null : sum + totalBytes),
      0,
    );
    return { readBytes: all.reduce((sum, { readBytes }) => sum + readBytes, 0), totalBytes: total };
  }

  async next(): Promise<PacketBatch | null> {
    for (let reader = this.readers[this.at]; reader !== undefined; reader = this.readers[this.at]) {
      const batch = this.pending ?? (await reader.next());
      this.pending = null;
      let file = this.files[this.at];
      if (file === undefined && this.at > 0 && batch !== null && !this.goesOn(reader, batch)) {
        this.rest = new RecordingReader(this.readers.splice(this.at), batch);
        return null;
      }
      file ??= this.begin(reader);
      if (batch === null) {
        this.frames += file.packets;
        // the last one stays the current one
        if (this.at === this.readers.length - 1) return null;
        this.at++;
        continue;
      }
      count(file, batch);
      batch.firstFrame += file.framesBefore;
      return batch;
    }
    return null;
  }

  async close(): Promise<void> {
    await Promise.all([...this.readers.map((reader) => reader.close()), this.rest?.close()]);
  }

  private get first(): CaptureReader {
    return this.readers[0]!;
  }

  private begin(reader: CaptureReader): RecordingFile {
    const { path, problems } = reader;
    const none = { packets: 0, bytes: 0, firstTime: Number.NaN, lastTime: Number.NaN };
    const file = { path, framesBefore: this.frames, ...none, problems };
    this.files.push(file);
    return file;
  }

  private goesOn({ format, interfaces }: CaptureReader, { time }: PacketBatch): boolean {
    const latest = Math.max(...this.files.map(({ lastTime }) => lastTime).filter((last) => !Number.isNaN(last)));
    const gap = time[0]! - latest;
    if (!(gap >= -MOST_DISORDER_NS && gap <= LONGEST_GAP_NS) || format !== this.format) return false;
    return interfaces.every((one, i) => {
      const known = this.interfaces[i];
      return known === undefined || (known.name === one.name && known.linkType === one.linkType);
    });
  }
}

function count(file: RecordingFile, { count, time, wire }: PacketBatch): void {
  file.packets += count;
  for (let i = 0; i < count; i++) {
    file.bytes += wire[i]!;
    const now = time[i]!;
    if (!(now >= file.firstTime)) file.firstTime = Number.isNaN(now) ? file.firstTime : now;
    if (!(now <= file.lastTime)) file.lastTime = Number.isNaN(now) ? file.lastTime : now;
  }
}

/**
 * Opens the files of one recording, in the order of time.
 *
 * @throws CaptureError where one of them is no capture at all
 */
export async function openRecording(paths: readonly string[], options: OpenOptions): Promise<RecordingReader> {
  const readers: CaptureReader[] = [];
  try {
    for (const path of paths) readers.push(await openCapture(path, options));
    return new RecordingReader(readers);
  } catch (error) {
    await Promise.all(readers.map((reader) => reader.close()));
    throw error;
  }
}

/** A recording and what is left behind it as one capture, for who plays it back: a host is watched on after a pause. */
export function throughGaps(recording: RecordingReader): CaptureReader {
  let current = recording;
  return {
    path: recording.path,
    format: recording.format,
    get interfaces() {
      return current.interfaces;
    },
    get problems() {
      const all: CaptureProblem[] = [];
      for (let one: RecordingReader | null = recording; one !== null; one = one.rest) all.push(...one.problems);
      return all;
    },
    get progress() {
      return current.progress;
    },
    async next() {
      for (;;) {
        const batch = await current.next();
        if (batch !== null || current.rest === null) return batch;
        current = current.rest;
      }
    },
    close: () => recording.close(),
  };
}

/**
 * Puts together what is one recording by the names of its files, each in the order of their first packets; what is
 * alone stays alone. The order is that in which recordings were named first.
 */
export async function recordingsOf(paths: readonly string[], timeBase: TimeBase): Promise<string[][]> {
  const groups = new Map<string, string[]>();
  for (const path of paths.filter(isFile)) {
    const name = recordingName(path);
    groups.set(name, [...(groups.get(name) ?? []), path]);
  }
  const recordings: string[][] = [];
  for (const path of paths) {
    const name = recordingName(path);
    const group = isFile(path) ? groups.get(name) : [path];
    if (group === undefined) continue; // with the first of them
    const isSplit = group.length > 1 && group.some(isOneOfSeveral);
    recordings.push(isSplit ? await inOrder(group, timeBase) : [path]);
    if (isSplit) groups.delete(name);
  }
  return recordings;
}

async function inOrder(paths: readonly string[], timeBase: TimeBase): Promise<string[]> {
  const timed: { path: string; time: number }[] = [];
  for (const path of paths) {
    const reader = await openCapture(path, { timeBase });
    try {
      const batch = await reader.next();
      timed.push({ path, time: batch?.time[0] ?? Number.POSITIVE_INFINITY });
    } finally {
      await reader.close();
    }
  }
  // a ring's first file may be its newest
  return timed.toSorted((a, b) => a.time - b.time || 0).map(({ path }) => path);
}

/** False for what cannot be looked at, too: opening it will say why. */
function isFile(path: string): boolean {
  try {
    return path !== "-" && statSync(path).isFile();
  } catch {
    return false;
  }
}
