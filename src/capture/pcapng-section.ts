import type { PcapngClock } from "./pcapng-clock.ts";

/** What holds until the next section header: byte order, and the interfaces that packets name by their number. */
export class PcapngSection {
  readonly littleEndian: boolean;
  /** Index among the file's interfaces of the section's interface 0. */
  readonly firstInterface: number;
  /** False where its version is not known: its blocks are walked over, not read. */
  readonly isKnown: boolean;
  /** One per interface described so far. */
  readonly clocks: PcapngClock[] = [];
  /** True once a packet was read: by then writers have described the interfaces. */
  hasPackets = false;

  constructor(littleEndian: boolean, firstInterface: number, isKnown: boolean) {
    this.littleEndian = littleEndian;
    this.firstInterface = firstInterface;
    this.isKnown = isKnown;
  }
}
