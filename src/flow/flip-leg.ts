import { LETTERS_PER_WORD } from "./history.ts";
import * as L from "./leg-layout.ts";
import type { FlowTracker } from "./tracker.ts";

/** Side records lie as two blocks each, this many words apart. */
const COLD_WORDS = 2 * L.SIDE_WORDS;

/**
 * Turns a leg round, so that whom it took for the server is the client: for legs seen from mid-stream on, whose
 * direction was a guess by port.
 */
export function flipLeg({ legs, events }: FlowTracker, leg: number): void {
  const w = legs.words(leg);
  const at = legs.base(leg);
  for (const block of [0, COLD_WORDS]) {
    for (let i = block; i < block + L.SIDE_WORDS; i++) swap(w, at + L.SIDE_0 + i, at + L.SIDE_1 + i);
  }
  for (let i = 0; i < 4; i++) swap(w, at + L.ADDRESS + i, at + L.ADDRESS + 4 + i);
  w[at + L.PORTS] = (w[at + L.PORTS]! << 16) | (w[at + L.PORTS]! >>> 16);
  swap(w, at + L.PAYLOAD_WHOLE, at + L.PAYLOAD_WHOLE + 1);
  const ttls = w[at + L.OTHER_TTLS]!;
  w[at + L.OTHER_TTLS] = ((ttls & 0x00ff00ff) << 8) | ((ttls >>> 8) & 0x00ff00ff);
  w[at + L.GAP_SIDE]! ^= 1;
  const tunnelBit = w[at + L.CONTEXT] === 0 ? 0 : L.LEG_TUNNEL_FROM_LOW;
  const flipState = (state: number) => swapSides(state) ^ tunnelBit;
  w[at + L.STATE] = flipState(w[at + L.STATE]!);
  flipHistory(w, at);
  events.flip(legs, leg, flipState);
}

/** The bits that the two sides have of their own change places. */
function swapSides(state: number): number {
  const ofUp = L.LEG_FIN_UP | L.LEG_FIN_UP_ACKED | L.LEG_RST_UP;
  const ofDown = ofUp << 1;
  return (state & ~(ofUp | ofDown)) | ((state & ofUp) << 1) | ((state & ofDown) >>> 1);
}

/** Every letter changes case: bit 4 of its code. */
function flipHistory(w: Int32Array, at: number): void {
  const seen = w[at + L.HISTORY_SEEN]!;
  w[at + L.HISTORY_SEEN] = (seen << 16) | (seen >>> 16);
  for (let i = 0; i < w[at + L.HISTORY_LENGTH]!; i++) {
    w[at + L.HISTORY + Math.floor(i / LETTERS_PER_WORD)]! ^= 16 << ((i % LETTERS_PER_WORD) * 5);
  }
}

function swap(w: Int32Array, a: number, b: number): void {
  const word = w[a]!;
  w[a] = w[b]!;
  w[b] = word;
}
