/** Writes BTF by hand, as Documentation/bpf/btf.rst lays it out: what the reader is tested with. */
export class BtfBuilder {
  private readonly types: number[] = [];
  private strings = "\0";
  private count = 0;

  /** @returns the type's id */
  add(kind: number, { name = "", size = 0, flag = false, members = [] as number[], length = 0 }): number {
    this.word(this.string(name));
    this.word((((flag ? 1 : 0) << 31) | (kind << 24) | length) >>> 0);
    this.word(size);
    for (const member of members) this.word(member);
    this.count++;
    return this.count;
  }

  /** The offset of a string, written on first use. */
  string(text: string): number {
    if (text === "") return 0;
    const at = this.strings.indexOf(`\0${text}\0`);
    if (at !== -1) return at + 1;
    const offset = this.strings.length;
    this.strings += `${text}\0`;
    return offset;
  }

  build(): Uint8Array {
    const header = Buffer.alloc(24);
    header.writeUInt16LE(0xeb9f, 0);
    header.writeUInt8(1, 2);
    header.writeUInt32LE(24, 4);
    header.writeUInt32LE(0, 8);
    header.writeUInt32LE(this.types.length, 12);
    header.writeUInt32LE(this.types.length, 16);
    header.writeUInt32LE(this.strings.length, 20);
    return Buffer.concat([header, Buffer.from(this.types), Buffer.from(this.strings, "latin1")]);
  }

  private word(value: number): void {
    this.types.push(value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24);
  }
}
