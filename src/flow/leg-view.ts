import { H_GAP, readHistory } from "./history.ts";
import * as L from "./leg-layout.ts";
import type { FlowTracker } from "./tracker.ts";

/** Gaps of either side, as the history keeps them. */
const GAPS = (1 << H_GAP) | (1 << (H_GAP + 16));

/** Four mapped words; see Packet. */
export type AddressWords = readonly [number, number, number, number];

/**
 * A leg as cold code reads it: a cursor over a tracker's records. `at(leg)` moves it; nothing is copied, so a field
 * read after the tracker went on shows what is then.
 */
export class LegView {
  readonly tracker: FlowTracker;
  readonly up: SideView;
  readonly down: SideView;
  leg = -1;
  private w: Int32Array = new Int32Array(0);
  private d: Float64Array = new Float64Array(0);
  private base = 0;

  constructor(tracker: FlowTracker) {
    this.tracker = tracker;
    this.up = new SideView();
    this.down = new SideView();
  }

  at(leg: number): this {
    this.leg = leg;
    this.w = this.tracker.legs.words(leg);
    this.d = this.tracker.legs.doubles(leg);
    this.base = this.tracker.legs.base(leg);
    this.up.moveTo(this.w, this.d, this.base + L.SIDE_0);
    this.down.moveTo(this.w, this.d, this.base + L.SIDE_1);
    return this;
  }

  /** All legs of the tracker, in the order they began; the same view each time. */
  *all(): Generator<this> {
    const legs = this.tracker.legs;
    for (let leg = 0; leg < legs.count; leg++) if (legs.has(leg)) yield this.at(leg);
  }

  side(side: number): SideView {
    return side === 0 ? this.up : this.down;
  }

  /** IP protocol number: 6 or 17. */
  get protocol(): number {
    return this.w[this.base + L.PROTOCOL]!;
  }
  get point(): number {
    return this.w[this.base + L.POINT]!;
  }
  /** True where bytes between those of one side were missing when later ones came. */
  get hasGap(): boolean {
    return (this.w[this.base + L.HISTORY_SEEN]! & GAPS) !== 0;
  }

  /** True inside a tunnel; a VLAN tag is none. */
  get isInTunnel(): boolean {
    const { context } = this;
    return context !== 0 && this.tracker.contexts.list[context]!.some(({ version }) => version !== 0);
  }

  get context(): number {
    return this.w[this.base + L.CONTEXT]!;
  }
  /** Bits of LEG_* in leg-layout.ts. */
  get state(): number {
    return this.w[this.base + L.STATE]!;
  }
  get srcPort(): number {
    return this.w[this.base + L.PORTS]! >>> 16;
  }
  get dstPort(): number {
    return this.w[this.base + L.PORTS]! & 0xffff;
  }
  /** Address of the opener. */
  get src(): AddressWords {
    return this.words4(this.base + L.ADDRESS);
  }
  /** Address that was called. */
  get dst(): AddressWords {
    return this.words4(this.base + L.ADDRESS + 4);
  }
  get firstFrame(): number {
    return this.w[this.base + L.FIRST_FRAME]!;
  }
  get lastFrame(): number {
    return this.w[this.base + L.LAST_FRAME]!;
  }
  get history(): string {
    return readHistory(this.w, this.base);
  }
  get eventCount(): number {
    return this.w[this.base + L.EVENT_COUNT]!;
  }
  get icmpErrors(): number {
    return this.w[this.base + L.ICMP_ERRORS]!;
  }
  /** Times in ns since the run's base. */
  get start(): number {
    const up = this.up.packets > 0 ? this.up.firstTime : Number.POSITIVE_INFINITY;
    const down = this.down.packets > 0 ? this.down.firstTime : Number.POSITIVE_INFINITY;
    return Math.min(up, down);
  }
  get end(): number {
    return this.d[(this.base >> 1) + L.LAST_TIME_D]!;
  }
  /** NaN where the ACK that completes the handshake was not seen. */
  get handshakeAckTime(): number {
    return this.d[(this.base >> 1) + L.HANDSHAKE_ACK_TIME_D]!;
  }
  /** Longest silence after which the conversation went on, ns. */
  get longestSilenceSurvived(): number {
    return this.d[(this.base >> 1) + L.GAP_SURVIVED_D]!;
  }
  /** The silence that was broken and not answered since, or null. */
  get openSilence(): { start: number; brokenAt: number; side: number; frame: number } | null {
    const frame = this.w[this.base + L.GAP_FRAME]!;
    if (frame === 0) return null;
    return {
      start: this.d[(this.base >> 1) + L.GAP_START_D]!,
      brokenAt: this.d[(this.base >> 1) + L.GAP_BREAK_TIME_D]!,
      side: this.w[this.base + L.GAP_SIDE]!,
      frame,
    };
  }

  /** Hash of all that was captured of a side's first payload; compare only where `payloadSeen` is equal. 0 is none. */
  payloadWhole(side: number): number {
    return this.w[this.base + L.PAYLOAD_WHOLE + side]!;
  }

  /** True where a side's packets left the point again by another stretch than they came: a router, a balancer. */
  passesTwice(side: number): boolean {
    return this.copyTtl(side) !== 0;
  }

  /** TTL of a side's copies, which it had when they left the point again. */
  copyTtl(side: number): number {
    return (this.w[this.base + L.OTHER_TTLS]! >>> (side * 8)) & 0xff;
  }

  has(stateBit: number): boolean {
    return (this.state & stateBit) !== 0;
  }

  private words4(at: number): AddressWords {
    const w = this.w;
    return [w[at]!, w[at + 1]!, w[at + 2]!, w[at + 3]!];
  }
}

/** What one side of a leg sent. Times are ns since the run's base, NaN where the thing was not seen. */
export class SideView {
  private w: Int32Array = new Int32Array(0);
  private d: Float64Array = new Float64Array(0);
  private s = 0;

  moveTo(w: Int32Array, d: Float64Array, s: number): void {
    this.w = w;
    this.d = d;
    this.s = s;
  }

  /** Packets of this side, copies included. */
  get packets(): number {
    return this.word(L.PACKETS);
  }
  /** Of them, those that were the same packet seen again on its way through the point. */
  get copies(): number {
    return this.word(L.COPIES);
  }
  get wireBytes(): number {
    return this.time(L.WIRE_BYTES_D);
  }
  get payloadBytes(): number {
    return this.time(L.PAYLOAD_BYTES_D);
  }
  get firstTime(): number {
    return this.time(L.FIRST_TIME_D);
  }
  get lastTime(): number {
    return this.time(L.SIDE_LAST_TIME_D);
  }
  get synTime(): number {
    return this.packets === 0 ? Number.NaN : this.time(L.SYN_TIME_D);
  }
  get dataTime(): number {
    return this.packets === 0 ? Number.NaN : this.time(L.DATA_TIME_D);
  }
  get lastDataTime(): number {
    return this.payloadBytes === 0 ? Number.NaN : this.time(L.LAST_DATA_TIME_D);
  }
  get finTime(): number {
    return this.packets === 0 ? Number.NaN : this.time(L.FIN_TIME_D);
  }
  get synCount(): number {
    return this.word(L.SYN_COUNT);
  }
  get synFrame(): number {
    return this.word(L.SYN_FRAME);
  }
  get dataFrame(): number {
    return this.word(L.DATA_FRAME);
  }
  get finFrame(): number {
    return this.word(L.FIN_FRAME);
  }
  /** Sequence number of the SYN, else of the first segment seen. */
  get baseSeq(): number {
    return this.word(L.BASE_SEQ);
  }
  get nextSeq(): number {
    return this.word(L.NEXT_SEQ);
  }
  get highestAck(): number {
    return this.word(L.HIGHEST_ACK);
  }
  get lastSeq(): number {
    return this.word(L.LAST_SEQ);
  }
  get lastFlags(): number {
    return this.word(L.LAST_FLAGS);
  }
  get lastLength(): number {
    return this.word(L.LAST_LENGTH);
  }
  get lastWindow(): number {
    return this.word(L.LAST_WINDOW);
  }
  get retransmits(): number {
    return this.word(L.RETRANSMITS);
  }
  get outOfOrder(): number {
    return this.word(L.OUT_OF_ORDER);
  }
  get duplicateAcks(): number {
    return this.word(L.DUPLICATE_ACKS);
  }
  get zeroWindows(): number {
    return this.word(L.ZERO_WINDOWS);
  }
  get keepalives(): number {
    return this.word(L.KEEPALIVES);
  }
  get resets(): number {
    return this.word(L.RESETS);
  }
  get acksOfUnseen(): number {
    return this.word(L.ACKS_OF_UNSEEN);
  }
  get largestSent(): number {
    return this.word(L.LARGEST_SENT);
  }
  get largestAcked(): number {
    return this.word(L.LARGEST_ACKED);
  }
  get repeatedCount(): number {
    return this.word(L.REPEATED_COUNT);
  }
  get repeatedSeq(): number {
    return this.word(L.REPEATED_SEQ);
  }
  get ttl(): { lowest: number; highest: number; first: number; last: number } {
    const ttl = this.word(L.TTL);
    return { lowest: ttl & 0xff, highest: (ttl >>> 8) & 0xff, first: (ttl >>> 16) & 0xff, last: ttl >>> 24 };
  }
  /** TTL of the side's first packet. */
  get firstTtl(): number {
    return (this.word(L.TTL) >>> 16) & 0xff;
  }
  /** First and last IP identification, and how it behaved: packets with 0, and with the counter's next values. */
  get ipId(): { first: number; last: number; zeros: number; steps: number } {
    const word = this.word(L.IP_ID);
    return {
      first: word >>> 16,
      last: word & 0xffff,
      zeros: this.word(L.IP_ID_ZEROS),
      steps: this.word(L.IP_ID_STEPS),
    };
  }
  /** Bits of SIDE_* in leg-layout.ts. */
  get traits(): number {
    return this.word(L.TRAITS);
  }
  /** Destination and source MAC, 12 bytes as three words. */
  get mac(): readonly [number, number, number] {
    return [this.word(L.MAC), this.word(L.MAC + 1), this.word(L.MAC + 2)];
  }
  /** One of the three words of `mac`, without making an array of them. */
  macWord(index: 0 | 1 | 2): number {
    return this.word(L.MAC + index);
  }
  get copyMac(): readonly [number, number, number] {
    return [this.word(L.COPY_MAC), this.word(L.COPY_MAC + 1), this.word(L.COPY_MAC + 2)];
  }
  get macChanges(): number {
    return this.word(L.MAC_CHANGES);
  }
  /** 0 where the SYN had no such option. */
  get mss(): number {
    return this.word(L.SYN_OPTIONS) & 0xffff;
  }
  /** null where the SYN had no such option. */
  get windowScale(): number | null {
    const shift = (this.word(L.SYN_OPTIONS) >>> 16) & 0xff;
    return shift === 0 ? null : shift - 1;
  }
  /** Hash of the first 16, 64 or 256 bytes of the first payload (level 0, 1, 2); 0 where fewer were captured. */
  payloadHash(level: number): number {
    return this.word(L.PAYLOAD_HASH + level);
  }
  get payloadSeen(): number {
    return this.word(L.PAYLOAD_SEEN);
  }
  get firstLength(): number {
    return this.word(L.FIRST_LENGTH);
  }
  get tsFirst(): number {
    return this.word(L.TS_FIRST);
  }
  get tsLast(): number {
    return this.word(L.TS_LAST);
  }

  has(trait: number): boolean {
    return (this.traits & trait) !== 0;
  }

  private word(field: number): number {
    return this.w[this.s + field]!;
  }

  private time(field: number): number {
    return this.d[(this.s >> 1) + field]!;
  }
}
