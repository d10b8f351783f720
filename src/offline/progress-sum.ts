export interface TrackProgress {
  /** Bytes read of all inputs as they lie on disk, and their size; null where one is a stream. */
  readBytes: number;
  totalBytes: number | null;
  packets: number;
}

/** Adds up what several readers have read. */
export class ProgressSum {
  private readonly totalBytes: number | null;
  private readonly report: ((progress: TrackProgress) => void) | undefined;
  private readonly readBytes: number[] = [];
  private readonly packets: number[] = [];

  constructor(totalBytes: number | null, report: ((progress: TrackProgress) => void) | undefined) {
    this.totalBytes = totalBytes;
    this.report = report;
  }

  /** A function for one reader to tell how far it came. */
  source(): (readBytes: number, packets: number) => void {
    const slot = this.readBytes.length;
    this.readBytes.push(0);
    this.packets.push(0);
    return (readBytes, packets) => {
      if (!this.report) return;
      this.readBytes[slot] = readBytes;
      this.packets[slot] = packets;
      const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
      this.report({ readBytes: sum(this.readBytes), totalBytes: this.totalBytes, packets: sum(this.packets) });
    };
  }
}
