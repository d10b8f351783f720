import type { Native } from "./native.ts";
import { ProbeError } from "./probe-error.ts";

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const HEADER_BYTES = 8;
/** BPF_RINGBUF_BUSY_BIT: reserved and not yet submitted. */
const BUSY = 1 << 31;
/** BPF_RINGBUF_DISCARD_BIT: given up. */
const DISCARDED = 1 << 30;
const LENGTH_MASK = ~(BUSY | DISCARDED);

/** @param offset where in `bytes` the record begins, after the kernel's header; valid during the call only */
export type OnRecord = (bytes: DataView, offset: number, length: number) => void;

/**
 * Reads a BPF_MAP_TYPE_RINGBUF from memory shared with the kernel, without a call into it: the first page has the
 * consumer's position, which is ours to write, the second the producer's, then the data, mapped twice so that no record
 * is broken (Documentation/bpf/ringbuf.rst).
 */
export class RingBuffer {
  private readonly native: Native;
  private readonly dataBytes: number;
  private readonly pageBytes: number;
  private readonly consumerAddress: bigint;
  private readonly producerAddress: bigint;
  private positions: { consumer: BigUint64Array; producer: BigUint64Array } | null;
  private headers: Int32Array;
  private data: DataView;

  /** @param dataBytes the map's max_entries: a power of two and a multiple of the page */
  constructor(native: Native, fd: number, dataBytes: number, pageBytes: number) {
    this.native = native;
    this.dataBytes = dataBytes;
    this.pageBytes = pageBytes;
    this.consumerAddress = map(native, pageBytes, PROT_READ | PROT_WRITE, fd, 0);
    try {
      this.producerAddress = map(native, pageBytes + 2 * dataBytes, PROT_READ, fd, pageBytes);
    } catch (error) {
      native.libc.munmap(this.consumerAddress, pageBytes);
      throw error;
    }
    const shared = native.view(this.producerAddress, pageBytes + 2 * dataBytes);
    this.positions = {
      consumer: new BigUint64Array(native.view(this.consumerAddress, 8)),
      producer: new BigUint64Array(shared, 0, 1),
    };
    this.headers = new Int32Array(shared, pageBytes);
    this.data = new DataView(shared, pageBytes);
  }

  /**
   * Hands over what the kernel has submitted so far, in its order, and gives the room back.
   *
   * @param most records at once; the others wait for the next call
   * @returns how many records were handed over
   */
  drain(onRecord: OnRecord, most = Number.POSITIVE_INFINITY): number {
    if (this.positions === null) return 0;
    const { consumer, producer } = this.positions;
    const { headers, data } = this;
    const mask = this.dataBytes - 1;
    const from = Atomics.load(consumer, 0);
    const waiting = Number(Atomics.load(producer, 0) - from);
    const start = Number(from & BigInt(mask));
    let done = 0;
    let records = 0;
    try {
      while (done < waiting && records < most) {
        const at = (start + done) & mask;
        const header = Atomics.load(headers, at >> 2);
        if ((header & BUSY) !== 0) break;
        const length = header & LENGTH_MASK;
        // counted before it is handed over: a reader that throws has had it
        done += (HEADER_BYTES + length + 7) & ~7;
        if ((header & DISCARDED) !== 0) continue;
        records++;
        onRecord(data, at + HEADER_BYTES, length);
      }
    } finally {
      // the reader may have closed us
      if (this.positions !== null && done > 0) Atomics.store(consumer, 0, from + BigInt(done));
    }
    return records;
  }

  close(): void {
    if (this.positions === null) return;
    // nothing may look at the memory once it is unmapped
    this.positions = null;
    this.headers = new Int32Array(0);
    this.data = new DataView(new ArrayBuffer(0));
    this.native.libc.munmap(this.consumerAddress, this.pageBytes);
    this.native.libc.munmap(this.producerAddress, this.pageBytes + 2 * this.dataBytes);
  }
}

const MAP_FAILED = 2n ** 64n - 1n;

function map(native: Native, length: number, protection: number, fd: number, offset: number): bigint {
  const address = BigInt(native.libc.mmap(null, length, protection, MAP_SHARED, fd, offset));
  if (address === MAP_FAILED) throw new ProbeError(`the ring buffer cannot be mapped (errno ${native.errno()})`);
  return address;
}
