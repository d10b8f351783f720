/** Writes zstd frames of raw and run-length blocks, RFC 8878; nothing is compressed. */
export function zstdFrame(
  blocks: readonly (Uint8Array | { byte: number; length: number })[],
  options: { windowByte?: number; checksum?: boolean } = {},
): Buffer {
  const parts: Uint8Array[] = [
    Buffer.from("28b52ffd", "hex"),
    Uint8Array.of(options.checksum ? 0x04 : 0x00, options.windowByte ?? 0x38),
  ];
  blocks.forEach((block, i) => {
    const last = i === blocks.length - 1 ? 1 : 0;
    const header = Buffer.alloc(3);
    if (block instanceof Uint8Array) {
      header.writeUIntLE((block.length << 3) | last, 0, 3);
      parts.push(header, block);
    } else {
      header.writeUIntLE((block.length << 3) | 2 | last, 0, 3);
      parts.push(header, Uint8Array.of(block.byte));
    }
  });
  if (options.checksum) parts.push(Buffer.alloc(4));
  return Buffer.concat(parts);
}

/** Bytes that a decompressor passes over. */
export function zstdSkippable(bytes: Uint8Array): Buffer {
  const header = Buffer.from("502a4d1800000000", "hex");
  header.writeUInt32LE(bytes.length, 4);
  return Buffer.concat([header, bytes]);
}

/** One frame of raw blocks of a given size. */
export function zstdRaw(bytes: Uint8Array, blockBytes = 100_000): Buffer {
  const blocks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length || blocks.length === 0; at += blockBytes) {
    blocks.push(bytes.subarray(at, at + blockBytes));
  }
  return zstdFrame(blocks);
}
