/** What an input is by its first bytes; null is none that can be read here. */
export type InputFormat = "pcap" | "pcapng" | "gzip" | "zstd";

/** Bytes that decide what an input is. */
export const SNIFF_BYTES = 12;

/** First words of classic pcap files, as their writer's byte order shows them. */
export const PCAP_MAGIC = {
  micro: 0xa1b2c3d4,
  nano: 0xa1b23c4d,
  /** Alexey Kuznetzov's patched libpcap (Red Hat and SuSE about 1999): longer record headers. */
  modified: 0xa1b2cd34,
  /** Ixia's "lcap" of its hardware (nanoseconds) and software (microseconds): a longer file header. */
  ixiaHardware: 0x1c0001ac,
  ixiaSoftware: 0x1c0001ab,
} as const;

const PCAP_MAGICS: ReadonlySet<number> = new Set(Object.values(PCAP_MAGIC));

/** Tells formats by content; names are not looked at. */
export function sniff(head: Uint8Array): InputFormat | null {
  if (head.length >= 2 && head[0] === 0x1f && head[1] === 0x8b) return "gzip";
  if (head.length < 4) return null;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const big = view.getUint32(0, false);
  const little = view.getUint32(0, true);
  if (PCAP_MAGICS.has(big) || PCAP_MAGICS.has(little)) return "pcap";
  if (little === 0xfd2fb528 || (little & 0xfffffff0) >>> 0 === 0x184d2a50) return "zstd";
  if (big === 0x0a0d0d0a && head.length >= 12) {
    const order = view.getUint32(8, false);
    if (order === 0x1a2b3c4d || order === 0x4d3c2b1a) return "pcapng";
  }
  return null;
}

interface Foreign {
  magic: string;
  at?: number;
  looks: string;
  advice: string;
}

const CONVERT = "convert it with: editcap -F pcapng FILE OUT.pcapng";
const FOREIGN: readonly Foreign[] = [
  { magic: "snoop\0\0\0", looks: "a Solaris snoop capture", advice: CONVERT },
  { magic: "RTSS", looks: "a Microsoft Network Monitor 1 capture", advice: CONVERT },
  { magic: "GMBU", looks: "a Microsoft Network Monitor capture", advice: CONVERT },
  { magic: "btsnoop\0", looks: "a Bluetooth btsnoop log", advice: "give a network capture" },
  { magic: "TRSNIFF data", looks: "a Sniffer capture", advice: CONVERT },
  { magic: "iptrace", looks: "an AIX iptrace", advice: CONVERT },
  { magic: "\xa1\x2b\x3c\x4d", looks: "Navtel's variant of pcap", advice: "no tool is known to read it" },
  { magic: "\x4d\x3c\x2b\xa1", looks: "Navtel's variant of pcap", advice: "no tool is known to read it" },
  { magic: "\xa1\xb2\x34\xcd", looks: "Mesquita's variant of pcap", advice: "no tool is known to read it" },
  { magic: "\xcd\x34\xb2\xa1", looks: "Mesquita's variant of pcap", advice: "no tool is known to read it" },
  { magic: "\xfd7zXZ\0", looks: "xz-compressed", advice: "decompress it: xz -dc FILE | l4scope analyze -" },
  { magic: "BZh", looks: "bzip2-compressed", advice: "decompress it: bzip2 -dc FILE | l4scope analyze -" },
  { magic: "\x04\x22\x4d\x18", looks: "lz4-compressed", advice: "decompress it: lz4 -dc FILE | l4scope analyze -" },
  { magic: "PK\x03\x04", looks: "a zip archive", advice: "unpack it and give the captures in it" },
  { magic: "ustar", at: 257, looks: "a tar archive", advice: "unpack it and give the captures in it" },
  { magic: "\x7fELF", looks: "an ELF binary", advice: "give a capture" },
  { magic: "%PDF", looks: "a PDF document", advice: "give a capture" },
  { magic: "SQLite format 3\0", looks: "an SQLite database", advice: "if it is an l4scope store, use --store" },
];

/** What something that is no capture looks like, and what its owner can do. */
export function describeForeign(head: Uint8Array): { looks: string; advice: string } {
  const start = Buffer.from(head.buffer, head.byteOffset, head.byteLength).toString("latin1");
  for (const foreign of FOREIGN) {
    if (start.startsWith(foreign.magic, foreign.at ?? 0)) return { looks: foreign.looks, advice: foreign.advice };
  }
  if (start.startsWith("\n\r\r\n")) {
    return { looks: "a pcapng whose first block is damaged", advice: "copy it again, in binary mode" };
  }
  if (isText(head)) {
    if (/^\s*[[{]/.test(start)) return { looks: "JSON text", advice: "give the capture that it was made from" };
    if (/^\d\d:\d\d:\d\d\.\d+ |^\s*\d+\s+\d+\.\d+ /.test(start)) {
      return { looks: "the printed output of a capture tool", advice: "record with tcpdump -w FILE" };
    }
    return { looks: "text", advice: "record a capture with tcpdump -w FILE" };
  }
  if (head.every((byte) => byte === 0)) {
    return { looks: "nothing but zero bytes", advice: "its contents never reached the disk; record it again" };
  }
  const first = Buffer.from(head.buffer, head.byteOffset, Math.min(4, head.byteLength)).toString("hex");
  return {
    looks: `an unknown format that begins with the bytes ${first}`,
    advice: "give a pcap or pcapng file, plain or compressed with gzip or zstd",
  };
}

function isText(head: Uint8Array): boolean {
  return head.every((byte) => (byte >= 0x20 && byte !== 0x7f) || byte === 0x09 || byte === 0x0a || byte === 0x0d);
}
