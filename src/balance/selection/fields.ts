import type { FlowKey } from "./selection.ts";

/** A part of a packet that can be hashed. */
export type FieldName = "src" | "dst" | "src-port" | "dst-port" | "protocol";

export const FIELD_NAMES: readonly FieldName[] = ["src", "dst", "src-port", "dst-port", "protocol"];
export const FIVE_TUPLE: readonly FieldName[] = ["src", "dst", "protocol", "src-port", "dst-port"];

/** @throws RangeError where one is no field */
export function readFields(names: readonly string[]): FieldName[] {
  if (names.length === 0) throw new RangeError(`no field to hash: name some of ${FIELD_NAMES.join(", ")}`);
  return names.map((name) => {
    const field = FIELD_NAMES.find((one) => one === name);
    if (field === undefined) throw new RangeError(`no field ${name} to hash: there are ${FIELD_NAMES.join(", ")}`);
    return field;
  });
}

/** Puts fields one after another in network order, in a buffer used again and again. */
export class FieldBytes {
  /** Room for five of 16 bytes each, padding included. */
  readonly bytes: Uint8Array = new Uint8Array(80);
  private readonly fields: readonly FieldName[];
  private readonly alignBytes: number;

  /** @param alignBytes each field is followed by zeros up to a multiple of this */
  constructor(fields: readonly FieldName[], alignBytes = 1) {
    this.fields = fields;
    this.alignBytes = alignBytes;
  }

  /** @returns how many bytes of `bytes` they fill */
  write(key: FlowKey): number {
    const { bytes, alignBytes } = this;
    let at = 0;
    for (let i = 0; i < this.fields.length; i++) {
      const field = this.fields[i]!;
      if (field === "src") at = putBytes(bytes, at, key.src);
      else if (field === "dst") at = putBytes(bytes, at, key.dst);
      else if (field === "src-port") at = putPort(bytes, at, key.srcPort);
      else if (field === "dst-port") at = putPort(bytes, at, key.dstPort);
      else bytes[at++] = key.protocol;
      while (at % alignBytes !== 0) bytes[at++] = 0;
    }
    return at;
  }
}

function putBytes(into: Uint8Array, at: number, from: Uint8Array): number {
  for (let i = 0; i < from.length; i++) into[at + i] = from[i]!;
  return at + from.length;
}

function putPort(into: Uint8Array, at: number, port: number): number {
  into[at] = port >>> 8;
  into[at + 1] = port;
  return at + 2;
}
