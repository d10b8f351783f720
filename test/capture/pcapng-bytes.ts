/** Options of a block: code and value. */
export type Options = readonly (readonly [code: number, value: Uint8Array])[];

/** Writes pcapng blocks in one byte order, as draft-ietf-opsawg-pcapng has them. */
export class PcapngWriter {
  readonly littleEndian: boolean;

  constructor(littleEndian = true) {
    this.littleEndian = littleEndian;
  }

  u16(value: number): Uint8Array {
    const view = new DataView(new ArrayBuffer(2));
    view.setUint16(0, value, this.littleEndian);
    return new Uint8Array(view.buffer);
  }

  u32(value: number): Uint8Array {
    const view = new DataView(new ArrayBuffer(4));
    view.setUint32(0, value, this.littleEndian);
    return new Uint8Array(view.buffer);
  }

  i64(value: bigint): Uint8Array {
    const view = new DataView(new ArrayBuffer(8));
    view.setBigInt64(0, value, this.littleEndian);
    return new Uint8Array(view.buffer);
  }

  block(type: number, ...body: readonly Uint8Array[]): Buffer {
    const content = pad(Buffer.concat(body));
    const length = this.u32(content.length + 12);
    return Buffer.concat([this.u32(type), length, content, length]);
  }

  options(options: Options): Buffer {
    if (options.length === 0) return Buffer.alloc(0);
    const parts = options.map(([code, value]) => Buffer.concat([this.u16(code), this.u16(value.length), pad(value)]));
    return Buffer.concat([...parts, Buffer.alloc(4)]);
  }

  section(options: Options = [], version: readonly [number, number] = [1, 0]): Buffer {
    return this.block(
      0x0a0d0d0a,
      this.u32(0x1a2b3c4d),
      this.u16(version[0]),
      this.u16(version[1]),
      this.i64(-1n),
      this.options(options),
    );
  }

  interface(
    description: {
      linkType?: number;
      snapLength?: number;
      name?: string;
      resolution?: number;
      offset?: bigint;
      fcs?: number;
    } = {},
  ): Buffer {
    const options: [number, Uint8Array][] = [];
    if (description.name !== undefined) options.push([2, Buffer.from(description.name)]);
    if (description.resolution !== undefined) options.push([9, Uint8Array.of(description.resolution)]);
    if (description.fcs !== undefined) options.push([13, Uint8Array.of(description.fcs)]);
    if (description.offset !== undefined) options.push([14, this.i64(description.offset)]);
    return this.block(
      1,
      this.u16(description.linkType ?? 1),
      this.u16(0),
      this.u32(description.snapLength ?? 0),
      this.options(options),
    );
  }

  /** @param units the timestamp in the interface's own units. */
  enhanced(
    units: bigint,
    data: Uint8Array,
    packet: { interface?: number; wire?: number; captured?: number; options?: Options } = {},
  ): Buffer {
    return this.block(
      6,
      this.u32(packet.interface ?? 0),
      this.u32(Number(units >> 32n)),
      this.u32(Number(units & 0xffffffffn)),
      this.u32(packet.captured ?? data.length),
      this.u32(packet.wire ?? data.length),
      pad(data),
      this.options(packet.options ?? []),
    );
  }

  obsolete(units: bigint, data: Uint8Array, packet: { interface?: number; wire?: number } = {}): Buffer {
    return this.block(
      2,
      this.u16(packet.interface ?? 0),
      this.u16(0xffff),
      this.u32(Number(units >> 32n)),
      this.u32(Number(units & 0xffffffffn)),
      this.u32(data.length),
      this.u32(packet.wire ?? data.length),
      pad(data),
    );
  }

  simple(wire: number, data: Uint8Array): Buffer {
    return this.block(3, this.u32(wire), pad(data));
  }

  statistics(id: number, options: Options): Buffer {
    return this.block(5, this.u32(id), this.u32(0), this.u32(0), this.options(options));
  }
}

function pad(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}
