import { addressText } from "./address-text.ts";
import type { FieldName } from "./fields.ts";
import type { FlowKey, HashBackend, SelectionStep } from "./selection.ts";

/** How the steps of explanations read: the same in every method. */

export function step(name: string, value: string | number): SelectionStep {
  return { name, value: String(value) };
}

/** `0x00c0ffee` */
export function hex32(word: number): string {
  return `0x${(word >>> 0).toString(16).padStart(8, "0")}`;
}

export function hexBytes(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** `source 10.1.0.7, destination port 443` */
export function fieldsText(key: FlowKey, fields: readonly FieldName[]): string {
  const values: Record<FieldName, string> = {
    src: `source ${addressText(key.src)}`,
    dst: `destination ${addressText(key.dst)}`,
    "src-port": `source port ${key.srcPort}`,
    "dst-port": `destination port ${key.dstPort}`,
    protocol: `protocol ${key.protocol}`,
  };
  return fields.map((field) => values[field]).join(", ");
}

export function backendStep(backends: readonly HashBackend[], index: number): SelectionStep {
  return step("backend", index < 0 ? "none" : (backends[index]?.name ?? "none"));
}
