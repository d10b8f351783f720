/** What is known of a packet besides its bytes. */
export interface RingPacket {
  /** Index of its source in the session, and of its interface in the source. */
  source: number;
  interface: number;
  linkType: number;
  frame: number;
  /** ns since the session's base, by the source's clock. */
  time: number;
  wireLength: number;
  /** Number of its leg in the source's tracker; -1 for none. */
  leg: number;
  /** From the link layer on, cut to what the ring keeps. Valid until the next `add`. */
  bytes: Uint8Array;
}

/** Bytes kept of a packet: headers of any depth, and what a payload begins with. */
const KEEP_BYTES = 256;
/** Smallest packet that a place in the index is reckoned with. */
const LEAST_BYTES = 64;

const SOURCE = 0;
const INTERFACE = 1;
const LINK_TYPE = 2;
const FRAME = 3;
const WIRE = 4;
const LEG = 5;
const OFFSET = 6;
const LENGTH = 7;
const WORDS = 8;

/** The most recent packets' headers in a bounded piece of memory, the oldest giving way to the newest. */
export class PacketRing {
  private readonly bytes: Uint8Array;
  private readonly words: Int32Array;
  private readonly times: Float64Array;
  private readonly capacity: number;
  /** Packets ever added; the packet `n` lies in place `n % capacity`. */
  private added = 0;
  private oldest = 0;
  private position = 0;

  constructor(ringBytes: number) {
    this.bytes = new Uint8Array(Math.max(KEEP_BYTES * 4, ringBytes));
    this.capacity = Math.ceil(this.bytes.length / LEAST_BYTES);
    this.words = new Int32Array(this.capacity * WORDS);
    this.times = new Float64Array(this.capacity);
  }

  get count(): number {
    return this.added - this.oldest;
  }

  /** Time of the oldest packet kept, ns; NaN of none. */
  get since(): number {
    return this.count === 0 ? Number.NaN : this.times[this.oldest % this.capacity]!;
  }

  add(
    source: number,
    interfaceNumber: number,
    linkType: number,
    frame: number,
    time: number,
    wireLength: number,
    leg: number,
    from: Uint8Array,
    offset: number,
    captured: number,
  ): void {
    const length = Math.min(captured, KEEP_BYTES);
    if (this.position + length > this.bytes.length) {
      this.giveWay(this.position, this.bytes.length);
      this.position = 0;
    }
    this.giveWay(this.position, this.position + length);
    if (this.count === this.capacity) this.oldest++;
    const place = this.added % this.capacity;
    const at = place * WORDS;
    const w = this.words;
    w[at + SOURCE] = source;
    w[at + INTERFACE] = interfaceNumber;
    w[at + LINK_TYPE] = linkType;
    w[at + FRAME] = frame;
    w[at + WIRE] = wireLength;
    w[at + LEG] = leg;
    w[at + OFFSET] = this.position;
    w[at + LENGTH] = length;
    this.times[place] = time;
    this.bytes.set(from.subarray(offset, offset + length), this.position);
    this.position += length;
    this.added++;
  }

  /** Packets that are wanted, oldest first; a new object each, over the ring's own memory. */
  *select(isWanted: (source: number, leg: number, frame: number) => boolean): Generator<RingPacket> {
    const w = this.words;
    for (let n = this.oldest; n < this.added; n++) {
      const place = n % this.capacity;
      const at = place * WORDS;
      if (!isWanted(w[at + SOURCE]!, w[at + LEG]!, w[at + FRAME]!)) continue;
      yield {
        source: w[at + SOURCE]!,
        interface: w[at + INTERFACE]!,
        linkType: w[at + LINK_TYPE]!,
        frame: w[at + FRAME]!,
        time: this.times[place]!,
        wireLength: w[at + WIRE]!,
        leg: w[at + LEG]!,
        bytes: this.bytes.subarray(w[at + OFFSET]!, w[at + OFFSET]! + w[at + LENGTH]!),
      };
    }
  }

  /** Drops the oldest packets for as long as they lie in these bytes. */
  private giveWay(from: number, to: number): void {
    while (this.oldest < this.added) {
      const at = (this.oldest % this.capacity) * WORDS;
      const start = this.words[at + OFFSET]!;
      if (start >= to || start + this.words[at + LENGTH]! <= from) return;
      this.oldest++;
    }
  }
}
