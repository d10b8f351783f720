import { readLittle, rotateLeft } from "./word32.ts";

/** MD5 (RFC 1321), which ketama places its points with. Not for anything that has to be secret. */

const SHIFTS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21] as const;
/** RFC 1321, section 3.4: the sines that the rounds add. */
const SINES = Int32Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 0x100000000));

/** @returns 16 bytes */
export function md5(bytes: Uint8Array): Uint8Array {
  const padded = new Uint8Array((((bytes.length + 8) >>> 6) + 1) << 6);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, bytes.length << 3, true);
  view.setUint32(padded.length - 4, bytes.length >>> 29, true);
  const state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
  for (let block = 0; block < padded.length; block += 64) digest(state, padded, block);
  return new Uint8Array(state.buffer.slice(0));
}

function digest(state: Int32Array, bytes: Uint8Array, block: number): void {
  let [a, b, c, d] = [state[0]!, state[1]!, state[2]!, state[3]!];
  for (let step = 0; step < 64; step++) {
    const round = step >>> 4;
    let mixed: number;
    let place: number;
    if (round === 0) {
      mixed = (b & c) | (~b & d);
      place = step;
    } else if (round === 1) {
      mixed = (d & b) | (~d & c);
      place = (5 * step + 1) & 15;
    } else if (round === 2) {
      mixed = b ^ c ^ d;
      place = (3 * step + 5) & 15;
    } else {
      mixed = c ^ (b | ~d);
      place = (7 * step) & 15;
    }
    const sum = (a + mixed + SINES[step]! + readLittle(bytes, block + (place << 2))) | 0;
    a = d;
    d = c;
    c = b;
    b = (b + rotateLeft(sum, SHIFTS[(round << 2) | (step & 3)]!)) | 0;
  }
  state[0]! += a;
  state[1]! += b;
  state[2]! += c;
  state[3]! += d;
}
