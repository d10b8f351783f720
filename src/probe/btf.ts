import { ProbeError } from "./probe-error.ts";

/** Kinds of struct btf_type (Documentation/bpf/btf.rst). */
const KIND = {
  ptr: 2,
  enum: 6,
  typedef: 8,
  volatile: 9,
  const: 10,
  func: 12,
  funcProto: 13,
  variable: 14,
  dataSection: 15,
  enum64: 19,
} as const;

/** Bytes behind a btf_type: fixed, and for each of its `vlen` members. By kind; a kind not listed is not known. */
const TAILS: readonly (readonly [fixed: number, perMember: number])[] = [
  [0, 0], // the void type, which is never written
  [4, 0], // INT
  [0, 0], // PTR
  [12, 0], // ARRAY
  [0, 12], // STRUCT
  [0, 12], // UNION
  [0, 8], // ENUM
  [0, 0], // FWD
  [0, 0], // TYPEDEF
  [0, 0], // VOLATILE
  [0, 0], // CONST
  [0, 0], // RESTRICT
  [0, 0], // FUNC
  [0, 8], // FUNC_PROTO
  [4, 0], // VAR
  [0, 12], // DATASEC
  [0, 0], // FLOAT
  [4, 0], // DECL_TAG
  [0, 0], // TYPE_TAG
  [0, 12], // ENUM64
];

const MAGIC = 0xeb9f;
const HEADER_BYTES = 24;
const TYPE_BYTES = 12;

/** A variable in a section of an object. */
export interface SectionVariable {
  name: string;
  offsetBytes: number;
  sizeBytes: number;
}

/**
 * Type information as the kernel and BPF objects carry it: names of enumerators, parameters of tracepoints, variables of
 * a section. Nothing is read before it is asked for.
 */
export class Btf {
  private readonly view: DataView;
  private readonly bytes: Buffer;
  private readonly typesAt: number;
  private readonly typesEnd: number;
  private readonly stringsAt: number;
  private readonly stringsEnd: number;
  private offsets: Uint32Array | null = null;

  /** @throws ProbeError where the bytes are no BTF, or are cut short */
  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length < HEADER_BYTES || this.view.getUint16(0, true) !== MAGIC) throw new ProbeError("not BTF");
    const headerBytes = this.view.getUint32(4, true);
    this.typesAt = headerBytes + this.view.getUint32(8, true);
    this.typesEnd = this.typesAt + this.view.getUint32(12, true);
    this.stringsAt = headerBytes + this.view.getUint32(16, true);
    this.stringsEnd = this.stringsAt + this.view.getUint32(20, true);
    if (Math.max(this.typesEnd, this.stringsEnd) > bytes.length) throw new ProbeError("BTF is cut short");
  }

  /** Names of an enum's values, by value; null where there is no such enum. */
  enumNames(name: string): Map<number, string> | null {
    const at = this.find(name, [KIND.enum, KIND.enum64]);
    if (at === null) return null;
    const stride = this.kindAt(at) === KIND.enum ? 8 : 12;
    const names = new Map<number, string>();
    for (let i = 0; i < this.lengthAt(at); i++) {
      const member = at + TYPE_BYTES + i * stride;
      // of 64 bits, the lower 32: no enum that probes print has more
      names.set(this.view.getInt32(member + 4, true), this.stringAt(this.view.getUint32(member, true)));
    }
    return names;
  }

  hasFunction(name: string): boolean {
    return this.find(name, [KIND.func]) !== null;
  }

  /**
   * How many arguments a tracepoint hands to a BTF-typed program; null where the kernel has no such tracepoint.
   *
   * @param name without its group: `tcp_send_reset`
   */
  tracepointArguments(name: string): number | null {
    const typedef = this.find(`btf_trace_${name}`, [KIND.typedef]);
    if (typedef === null) return null;
    const pointer = this.typeAt(this.view.getUint32(typedef + 8, true));
    const prototype = this.typeAt(this.view.getUint32(pointer + 8, true));
    if (this.kindAt(pointer) !== KIND.ptr || this.kindAt(prototype) !== KIND.funcProto) return null;
    // the first is the tracepoint's own
    return Math.max(0, this.lengthAt(prototype) - 1);
  }

  /** What lies in a section of an object such as `.rodata`. */
  sectionVariables(name: string): SectionVariable[] {
    const at = this.find(name, [KIND.dataSection]);
    if (at === null) return [];
    const variables: SectionVariable[] = [];
    for (let i = 0; i < this.lengthAt(at); i++) {
      const entry = at + TYPE_BYTES + i * 12;
      const variable = this.typeAt(this.view.getUint32(entry, true));
      variables.push({
        name: this.stringAt(this.view.getUint32(variable, true)),
        offsetBytes: this.view.getUint32(entry + 4, true),
        sizeBytes: this.view.getUint32(entry + 8, true),
      });
    }
    return variables;
  }

  private find(name: string, kinds: readonly number[]): number | null {
    // strings are kept once each, but a string may also be the end of another
    const wanted = this.stringOffsets(name);
    if (wanted.size === 0) return null;
    for (const offset of this.typeOffsets()) {
      if (offset === 0 || !wanted.has(this.view.getUint32(offset, true))) continue;
      if (kinds.includes(this.kindAt(offset))) return offset;
    }
    return null;
  }

  private stringOffsets(name: string): Set<number> {
    const offsets = new Set<number>();
    const pattern = Buffer.from(`${name}\0`, "latin1");
    const strings = this.bytes.subarray(this.stringsAt, this.stringsEnd);
    for (let at = strings.indexOf(pattern); at !== -1; at = strings.indexOf(pattern, at + 1)) offsets.add(at);
    return offsets;
  }

  /** Where each type begins, by its id; types have no other index. Type 0 is void and nowhere. */
  private typeOffsets(): Uint32Array {
    if (this.offsets !== null) return this.offsets;
    // no type is smaller
    const found = new Uint32Array(1 + Math.ceil((this.typesEnd - this.typesAt) / TYPE_BYTES));
    let count = 1;
    for (let at = this.typesAt; at < this.typesEnd; ) {
      found[count++] = at;
      const tail = TAILS[this.kindAt(at)];
      if (tail === undefined) throw new ProbeError(`BTF has a type of kind ${this.kindAt(at)}, which is not known`);
      at += TYPE_BYTES + tail[0] + tail[1] * this.lengthAt(at);
    }
    this.offsets = found.slice(0, count);
    return this.offsets;
  }

  private typeAt(id: number): number {
    const at = this.typeOffsets()[id];
    if (at === undefined || id === 0) throw new ProbeError(`BTF has no type ${id}`);
    return at;
  }

  private kindAt(at: number): number {
    return (this.view.getUint32(at + 4, true) >>> 24) & 0x1f;
  }

  private lengthAt(at: number): number {
    return this.view.getUint32(at + 4, true) & 0xffff;
  }

  private stringAt(offset: number): string {
    const start = this.stringsAt + offset;
    const end = this.bytes.indexOf(0, start);
    return this.bytes.toString("latin1", start, end === -1 ? this.stringsEnd : end);
  }
}
