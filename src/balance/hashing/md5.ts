import { readLittle, rotateLeft } from "./word32.ts";

/** MD5 (RFC 1321), which ketama places its points with. Not for anything that has to be secret. */

const SHIFTS = Int32Array.of(7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21);
/** RFC 1321, section 3.4: the sines that the rounds add. */
const SINES = Int32Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 0x100000000));

const state = new Int32Array(4);
const digestBytes = new Uint8Array(state.buffer);
const words = new Int32Array(16);
const last = new Uint8Array(128);

/** @param length how many of the bytes, from the first @returns 16 bytes */
export function md5(bytes: Uint8Array, length: number = bytes.length): Uint8Array {
  return md5Shared(bytes, length).slice();
}

/** The same in a buffer that the next call overwrites. Little-endian hosts only, which Node has no others of. */
export function md5Shared(bytes: Uint8Array, length: number = bytes.length): Uint8Array {
  state[0] = 0x67452301;
  state[1] = 0xefcdab89;
  state[2] = 0x98badcfe;
  state[3] = 0x10325476;
  const whole = length & ~63;
  for (let block = 0; block < whole; block += 64) digest(bytes, block);
  last.fill(0);
  for (let at = whole; at < length; at++) last[at - whole] = bytes[at]!;
  last[length - whole] = 0x80;
  const end = length - whole < 56 ? 56 : 120;
  for (let at = 0; at < 4; at++) {
    last[end + at] = (length << 3) >>> (at << 3);
    last[end + 4 + at] = (length >>> 29) >>> (at << 3);
  }
  for (let block = 0; block < end; block += 64) digest(last, block);
  return digestBytes;
}

function digest(bytes: Uint8Array, block: number): void {
  for (let at = 0; at < 16; at++) words[at] = readLittle(bytes, block + (at << 2));
  let a = state[0]!;
  let b = state[1]!;
  let c = state[2]!;
  let d = state[3]!;
  for (let step = 0; step < 64; step++) {
    const round = step >>> 4;
    let mixed = 0;
    let place = 0;
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
    const sum = (((a + mixed) | 0) + ((SINES[step]! + words[place]!) | 0)) | 0;
    a = d;
    d = c;
    c = b;
    b = (b + rotateLeft(sum, SHIFTS[(round << 2) | (step & 3)]!)) | 0;
  }
  state[0] = state[0]! + a;
  state[1] = state[1]! + b;
  state[2] = state[2]! + c;
  state[3] = state[3]! + d;
}
