import { CaptureError, type CaptureInterface } from "./reader.ts";
import { PCAP_MAGIC } from "./sniff.ts";

/** Bytes of the file header, and the 4 more that Ixia's variants have. */
export const PCAP_HEADER_BYTES = 24;
export const IXIA_HEADER_BYTES = 28;

/** In which order a record header has its two lengths. */
export type LengthOrder =
  /** Captured, then wire: since version 2.3. */
  | "captured-first"
  /** Wire, then captured: before 2.3, and DG/UX's version 543.0. */
  | "wire-first"
  /** Version 2.3 files exist in both orders: the smaller is the captured one (libpcap, sf-pcap.c). */
  | "smaller-first";

/** What a classic pcap's file header says about its records. */
export interface PcapHeader {
  littleEndian: boolean;
  headerBytes: number;
  /** Nanoseconds in one unit of the fraction of a second: 1 or 1000. */
  fractionNanoseconds: number;
  lengths: LengthOrder;
  /** Bytes of a record header; for `guess` it depends on the records, see pcap-layout.ts. */
  recordBytes: number;
  guess: "none" | "standard" | "modified";
  version: { major: number; minor: number; known: boolean };
  interface: CaptureInterface;
}

/**
 * Reads a file header from `at`, where at least IXIA_HEADER_BYTES or the whole input lie and the magic was recognised.
 *
 * @param path for the error, which is thrown for versions before 2 (libpcap calls them archaic).
 * Source: libpcap's sf-pcap.c and pcap-savefile(5); AIX and Ixia as Wireshark's wiretap/libpcap.c reads them.
 */
export function readPcapHeader(view: DataView, at: number, path: string): PcapHeader {
  const littleEndian = isPcapMagic(view.getUint32(at, true));
  const magic = view.getUint32(at, littleEndian);
  const major = view.getUint16(at + 4, littleEndian);
  const minor = view.getUint16(at + 6, littleEndian);
  const network = view.getUint32(at + 20, littleEndian);
  if (major < 2) {
    throw new CaptureError(
      `cannot read ${path}: pcap version ${major}.${minor} is older than any tool still reads; give a capture of version 2`,
    );
  }
  const snapLength = view.getUint32(at + 16, littleEndian);
  const isIxia = magic === PCAP_MAGIC.ixiaHardware || magic === PCAP_MAGIC.ixiaSoftware;
  const header: PcapHeader = {
    littleEndian,
    headerBytes: isIxia ? IXIA_HEADER_BYTES : PCAP_HEADER_BYTES,
    fractionNanoseconds: magic === PCAP_MAGIC.nano || magic === PCAP_MAGIC.ixiaHardware ? 1 : 1000,
    lengths: lengthOrder(major, minor),
    recordBytes: magic === PCAP_MAGIC.modified ? 24 : 16,
    guess: "none",
    version: { major, minor, known: (major === 2 && minor <= 4) || (major === 543 && minor === 0) },
    interface: {
      name: null,
      // the upper 6 bits say how long the frame check sequence is, in units of 16 bits, if bit 26 is set
      linkType: network & 0x03ffffff,
      snapLength: snapLength > 0x7fffffff ? 0 : snapLength,
      fcsLength: (network & 0x04000000) !== 0 ? (network >>> 28) * 2 : 0,
      dropped: null,
    },
  };
  if (magic === PCAP_MAGIC.modified) header.guess = "modified";
  else if (magic === PCAP_MAGIC.micro && header.lengths === "captured-first") header.guess = "standard";
  const aixLinkType = AIX_LINK_TYPES.get(network);
  if (magic === PCAP_MAGIC.micro && major === 2 && minor === 2 && aixLinkType !== undefined) {
    header.interface.linkType = aixLinkType;
    header.fractionNanoseconds = 1;
  }
  return header;
}

/** AIX writes version 2.2, RFC 1573 ifType numbers instead of LINKTYPE_ values, and nanoseconds. */
const AIX_LINK_TYPES: ReadonlyMap<number, number> = new Map([
  [6, 1],
  [9, 6],
  [24, 0],
]);

function lengthOrder(major: number, minor: number): LengthOrder {
  if (major === 543) return "wire-first";
  if (major !== 2 || minor > 3) return "captured-first";
  return minor === 3 ? "smaller-first" : "wire-first";
}

function isPcapMagic(magic: number): boolean {
  return Object.values(PCAP_MAGIC).some((known) => known === magic);
}
