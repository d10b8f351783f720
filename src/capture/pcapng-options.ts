/** Codes of the options that matter here; the same number means different things in different blocks. */
export const IF_NAME = 2;
export const IF_TSRESOL = 9;
export const IF_FCSLEN = 13;
export const IF_TSOFFSET = 14;
export const ISB_IFDROP = 5;
export const ISB_OSDROP = 7;

/**
 * Walks a block's options between two offsets and hands each to `visit` with where its value lies. Stops at the end
 * marker, and at an option that does not fit in the block.
 */
export function visitOptions(
  view: DataView,
  from: number,
  to: number,
  littleEndian: boolean,
  visit: (code: number, at: number, length: number) => void,
): void {
  let at = from;
  while (at + 4 <= to) {
    const code = view.getUint16(at, littleEndian);
    const length = view.getUint16(at + 2, littleEndian);
    if (code === 0 || at + 4 + length > to) return;
    visit(code, at + 4, length);
    at += 4 + ((length + 3) & ~3);
  }
}
