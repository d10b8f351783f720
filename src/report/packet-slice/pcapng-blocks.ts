/** Blocks of a pcapng file (draft-ietf-opsawg-pcapng), little-endian, one function each. */

const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const ENHANCED_PACKET = 6;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
/** Option codes: the same number means another thing in another block. */
const OPT_COMMENT = 1;
const SHB_USERAPPL = 4;
const IF_NAME = 2;
const IF_DESCRIPTION = 3;
const IF_TSRESOL = 9;
const IF_FCSLEN = 13;
const NANOSECONDS = 9;

type Option = readonly [code: number, value: Uint8Array | string];

/** The block that begins a file. */
export function sectionHeader(application: string, comments: readonly string[]): Uint8Array {
  const body = Buffer.alloc(16);
  body.writeUInt32LE(BYTE_ORDER_MAGIC, 0);
  body.writeUInt16LE(1, 4);
  body.writeUInt16LE(0, 6);
  // the section's length is not known beforehand
  body.writeBigInt64LE(-1n, 8);
  return block(SECTION_HEADER, body, [
    ...comments.map((comment): Option => [OPT_COMMENT, comment]),
    [SHB_USERAPPL, application],
  ]);
}

export interface InterfaceDescription {
  /** LINKTYPE_ value. */
  linkType: number;
  name: string;
  description: string;
  /** Bytes kept of each packet; 0 is unlimited. */
  snapLength: number;
  /** Bytes of frame check sequence at the end of each packet. */
  fcsLength: number;
}

/** An interface; packets refer to it by its number in the file. Its times are nanoseconds. */
export function interfaceDescription(one: InterfaceDescription): Uint8Array {
  const body = Buffer.alloc(8);
  body.writeUInt16LE(one.linkType, 0);
  body.writeUInt32LE(one.snapLength, 4);
  return block(INTERFACE_DESCRIPTION, body, [
    [IF_NAME, one.name],
    [IF_DESCRIPTION, one.description],
    [IF_TSRESOL, Uint8Array.of(NANOSECONDS)],
    ...(one.fcsLength > 0 ? [[IF_FCSLEN, Uint8Array.of(one.fcsLength)] as Option] : []),
  ]);
}

export interface EnhancedPacket {
  interface: number;
  /** Epoch nanoseconds. */
  time: bigint;
  bytes: Uint8Array;
  wireLength: number;
  comment: string;
}

export function enhancedPacket({ interface: number, time, bytes, wireLength, comment }: EnhancedPacket): Uint8Array {
  const body = Buffer.alloc(20 + padded(bytes.length));
  body.writeUInt32LE(number, 0);
  const stamp = BigInt.asUintN(64, time);
  body.writeUInt32LE(Number(stamp >> 32n), 4);
  body.writeUInt32LE(Number(stamp & 0xffff_ffffn), 8);
  body.writeUInt32LE(bytes.length, 12);
  body.writeUInt32LE(wireLength, 16);
  body.set(bytes, 20);
  return block(ENHANCED_PACKET, body, [[OPT_COMMENT, comment]]);
}

function block(type: number, body: Uint8Array, options: readonly Option[]): Uint8Array {
  const values = options.map(([code, value]) => ({ code, bytes: Buffer.from(value as string) }));
  const optionBytes = values.reduce((sum, { bytes }) => sum + 4 + padded(bytes.length), 4);
  const length = 12 + body.length + optionBytes;
  const all = Buffer.alloc(length);
  all.writeUInt32LE(type, 0);
  all.writeUInt32LE(length, 4);
  all.set(body, 8);
  let at = 8 + body.length;
  for (const { code, bytes } of values) {
    all.writeUInt16LE(code, at);
    all.writeUInt16LE(bytes.length, at + 2);
    all.set(bytes, at + 4);
    at += 4 + padded(bytes.length);
  }
  // the four zero bytes left are the end of options
  all.writeUInt32LE(length, length - 4);
  return all;
}

function padded(length: number): number {
  return (length + 3) & ~3;
}
