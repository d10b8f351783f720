import type { PcapHeader } from "./pcap-header.ts";

/** Longest packet a record may hold; a longer one is damage (libpcap's MAXIMUM_SNAPLEN, wiretap's limit). */
export const MAX_CAPTURED_BYTES = 262_144;

/** Bytes to look at, where they can be had without waiting, before the layout is chosen. */
export const LAYOUT_SAMPLE_BYTES = 64 * 1024;

const RECORDS_TO_TRY = 3;
/** Standard; with interface index, protocol and packet type (1999-04-17); Nokia IPSO's with one more word. */
const STANDARD_LAYOUTS = [16, 24, 20];
/** The patch of 1999-10-29, and that of 1999-09-15 with debugging fields (SuSE 6.3). */
const MODIFIED_LAYOUTS = [24, 28];

/**
 * The length of this file's record headers. Some patched libpcaps of 1999 wrote longer ones under the standard magic,
 * and two different ones share the modified magic; only the records tell (wiretap/libpcap.c does the same).
 *
 * The first layout is the default. Another is taken only where the default does not fit the first records and the other
 * fits at least two without a flaw, so a damaged standard file stays a standard file.
 *
 * @param view holds the records from `start` to `end`; the input may go on behind.
 */
export function recordBytesByContent(view: DataView, start: number, end: number, header: PcapHeader): number {
  if (header.guess === "none") return header.recordBytes;
  const layouts = header.guess === "standard" ? STANDARD_LAYOUTS : MODIFIED_LAYOUTS;
  if (tryLayout(view, start, end, header, header.recordBytes).flawless) return header.recordBytes;
  for (const layout of layouts) {
    const { flawless, records } = tryLayout(view, start, end, header, layout);
    if (flawless && records >= 2) return layout;
  }
  return header.recordBytes;
}

function tryLayout(view: DataView, start: number, end: number, header: PcapHeader, recordBytes: number) {
  const { littleEndian } = header;
  let at = start;
  let records = 0;
  while (records < RECORDS_TO_TRY && at + recordBytes <= end) {
    const fraction = view.getUint32(at + 4, littleEndian);
    const captured = view.getUint32(at + 8, littleEndian);
    const wire = view.getUint32(at + 12, littleEndian);
    const { snapLength } = header.interface;
    const plausible =
      fraction < 1_000_000 &&
      captured <= MAX_CAPTURED_BYTES &&
      (snapLength === 0 || captured <= snapLength) &&
      captured <= wire &&
      (recordBytes < 24 || isPatchedTail(view, at + 16, littleEndian));
    if (!plausible) return { flawless: false, records };
    at += recordBytes + captured;
    if (at > end) break;
    records++;
  }
  return { flawless: true, records };
}

/** Interface index, Ethernet protocol and PACKET_ type, as a Linux machine of 1999 would have them. */
function isPatchedTail(view: DataView, at: number, littleEndian: boolean): boolean {
  return view.getUint32(at, littleEndian) <= 10_000 && view.getUint8(at + 6) <= 4;
}
