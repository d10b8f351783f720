/** A packet to write, or as it was read back. */
export interface TestPacket {
  /** Epoch time in nanoseconds; null where the file gives none. */
  time: bigint | null;
  data: Uint8Array;
  /** Length on the wire; data's where left out. */
  wire?: number;
}

export interface PcapOptions {
  magic?: number;
  littleEndian?: boolean;
  version?: readonly [number, number];
  snapLength?: number;
  network?: number;
  /** Nanoseconds in one unit of the fraction: 1000, or 1. */
  fraction?: bigint;
  /** Bytes of a record header, 16 or more; what is added is zero. */
  recordBytes?: number;
  /** Writes the wire length before the captured one. */
  wireFirst?: boolean;
  /** Bytes between file header and first record. */
  extraHeader?: number;
}

/** A classic pcap file, byte by byte as pcap-savefile(5) has it. */
export function pcapBytes(packets: readonly TestPacket[], options: PcapOptions = {}): Buffer {
  const le = options.littleEndian ?? true;
  const fraction = options.fraction ?? 1000n;
  const header = new DataView(new ArrayBuffer(24 + (options.extraHeader ?? 0)));
  header.setUint32(0, options.magic ?? (fraction === 1n ? 0xa1b23c4d : 0xa1b2c3d4), le);
  header.setUint16(4, options.version?.[0] ?? 2, le);
  header.setUint16(6, options.version?.[1] ?? 4, le);
  header.setUint32(16, options.snapLength ?? 262_144, le);
  header.setUint32(20, options.network ?? 1, le);
  const parts: Uint8Array[] = [new Uint8Array(header.buffer)];
  for (const packet of packets) {
    const record = new DataView(new ArrayBuffer(options.recordBytes ?? 16));
    const time = packet.time ?? 0n;
    const captured = packet.data.length;
    const wire = packet.wire ?? captured;
    record.setUint32(0, Number(time / 1_000_000_000n), le);
    record.setUint32(4, Number((time % 1_000_000_000n) / fraction), le);
    record.setUint32(8, options.wireFirst ? wire : captured, le);
    record.setUint32(12, options.wireFirst ? captured : wire, le);
    parts.push(new Uint8Array(record.buffer), packet.data);
  }
  return Buffer.concat(parts);
}
