import type { Packet } from "./packet.ts";

const SLOTS = 1024;
const WORDS = 12;

/**
 * Ports of the first fragments seen, so that later ones can follow them. A direct-mapped table of fixed size: an old
 * entry gives way to a new one, and a fragment whose first has gone is counted without ports.
 */
export class FragmentTable {
  private readonly words = new Int32Array(SLOTS * WORDS);

  /** Remembers the ports of a first fragment. */
  remember(p: Packet): void {
    const at = slotOf(p) * WORDS;
    const words = this.words;
    words[at] = p.src0;
    words[at + 1] = p.src1;
    words[at + 2] = p.src2;
    words[at + 3] = p.src3;
    words[at + 4] = p.dst0;
    words[at + 5] = p.dst1;
    words[at + 6] = p.dst2;
    words[at + 7] = p.dst3;
    words[at + 8] = p.fragmentId;
    words[at + 9] = p.protocol;
    words[at + 10] = p.srcPort;
    words[at + 11] = p.dstPort;
  }

  /** Sets the ports of a later fragment; false where its first fragment was not seen. */
  find(p: Packet): boolean {
    const at = slotOf(p) * WORDS;
    const words = this.words;
    if (
      words[at] !== p.src0 ||
      words[at + 1] !== p.src1 ||
      words[at + 2] !== p.src2 ||
      words[at + 3] !== p.src3 ||
      words[at + 4] !== p.dst0 ||
      words[at + 5] !== p.dst1 ||
      words[at + 6] !== p.dst2 ||
      words[at + 7] !== p.dst3 ||
      words[at + 8] !== p.fragmentId ||
      words[at + 9] !== p.protocol
    ) {
      return false;
    }
    p.srcPort = words[at + 10]!;
    p.dstPort = words[at + 11]!;
    return true;
  }
}

function slotOf(p: Packet): number {
  const mixed =
    Math.imul(p.src3 ^ p.src1, 0x9e3779b1) ^
    Math.imul(p.dst3 ^ p.dst1, 0x85ebca77) ^
    Math.imul(p.fragmentId, 0xc2b2ae3d);
  return (mixed ^ (mixed >>> 15)) & (SLOTS - 1);
}
