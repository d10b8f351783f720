/**
 * A run of packets from one input: columns of where each packet lies in one shared buffer.
 *
 * The reader that yields a batch owns and reuses it: everything in it is valid only until the reader is asked for
 * the next one. Nothing is allocated per packet.
 */
export class PacketBatch {
  static readonly CAPACITY = 8192;

  /** Backing bytes of every packet in the batch. */
  bytes: Uint8Array = new Uint8Array(0);
  /** A view of the same memory as `bytes` (same byteOffset and length). */
  view: DataView = new DataView(new ArrayBuffer(0));
  /** Number of packets; the columns are valid for 0..count-1. */
  count = 0;
  /** Frame number of the first packet in the file's order, as Wireshark counts them (from 1). */
  firstFrame = 1;
  /** Which of the file's packets of this batch each is, from 0; null where they stand in the file's order. */
  place: Int32Array | null = null;

  /** Where the packet's first byte lies in `bytes`. */
  readonly offset = new Int32Array(PacketBatch.CAPACITY);
  /** Bytes present in the capture. */
  readonly captured = new Int32Array(PacketBatch.CAPACITY);
  /** Bytes the packet had on the wire; at least `captured`. */
  readonly wire = new Int32Array(PacketBatch.CAPACITY);
  /** Nanoseconds since `TimeBase.seconds`; an integer, exact within 104 days of the base. NaN where the file has no time. */
  readonly time = new Float64Array(PacketBatch.CAPACITY);
  /** Index into the reader's `interfaces`. */
  readonly interface = new Int32Array(PacketBatch.CAPACITY);

  /** Frame number of a packet, as Wireshark counts them in this file. */
  frame(i: number): number {
    return this.firstFrame + (this.place === null ? i : this.place[i]!);
  }
}
