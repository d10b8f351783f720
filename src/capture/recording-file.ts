import type { CaptureProblem } from "./reader.ts";

/** One file of a recording, as far as it was read. */
export interface RecordingFile {
  path: string;
  /** Packets of the files before it: frame numbers of the recording less those of the file. */
  framesBefore: number;
  packets: number;
  /** Sum of the packets' lengths on the wire. */
  bytes: number;
  /** ns since the run's base; NaN without packets. */
  firstTime: number;
  lastTime: number;
  problems: readonly CaptureProblem[];
}
