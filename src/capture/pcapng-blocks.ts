import { MAX_CAPTURED_BYTES } from "./pcap-layout.ts";

/** Block types of draft-ietf-opsawg-pcapng that are told apart here. */
export const SECTION_HEADER = 0x0a0d0d0a;
export const INTERFACE_DESCRIPTION = 1;
/** Obsolete, but still in files. */
export const PACKET = 2;
export const SIMPLE_PACKET = 3;
export const NAME_RESOLUTION = 4;
export const INTERFACE_STATISTICS = 5;
export const ENHANCED_PACKET = 6;
export const DECRYPTION_SECRETS = 10;
export const SYSTEMD_JOURNAL = 9;
export const CUSTOM = 0xbad;
export const CUSTOM_UNCOPYABLE = 0x40000bad;
const SYSDIG_EVENTS = [0x204, 0x216, 0x221] as const;

/** Blocks without a packet that Wireshark shows as a frame all the same, so that its numbers stay ours. */
export const FRAMES_WITHOUT_PACKET: ReadonlySet<number> = new Set([
  SYSTEMD_JOURNAL,
  CUSTOM,
  CUSTOM_UNCOPYABLE,
  ...SYSDIG_EVENTS,
]);

export const MIN_BLOCK_BYTES = 12;
/** A packet with 128 KiB of options (libpcap's limit). */
export const MAX_PACKET_BLOCK_BYTES = 32 + MAX_CAPTURED_BYTES + 131_072;
/** Any other block (libpcap's INITIAL_MAX_BLOCKSIZE). */
export const MAX_BLOCK_BYTES = 16 * 1024 * 1024;

/** The longest block of a type that is believed. */
export function maxBlockBytes(type: number): number {
  return type === ENHANCED_PACKET || type === PACKET || type === SIMPLE_PACKET
    ? MAX_PACKET_BLOCK_BYTES
    : MAX_BLOCK_BYTES;
}

/** The byte order that a section header at `at` declares, or null where none is there. 12 bytes must be. */
export function sectionOrder(view: DataView, at: number): "little" | "big" | null {
  const magic = view.getUint32(at + 8, true);
  if (magic === 0x1a2b3c4d) return "little";
  return magic === 0x4d3c2b1a ? "big" : null;
}
