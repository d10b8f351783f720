import { readBig } from "../hashing/word32.ts";
import type { FlowKey, HashBackend, SelectionStep } from "./selection.ts";
import { fieldsText, step } from "./step-text.ts";

/** What the hash schedulers of IPVS have in common. */
export interface IpvsOptions {
  /** The flag `mh-port` or `sh-port`: the client's port is hashed too. */
  port: boolean;
  /** The flag `mh-fallback` or `sh-fallback`: where the chosen destination takes none, another is looked for. */
  fallback: boolean;
  /**
   * How the destinations lie in the service's list: `newest-first` where they were added in the order given, since the
   * kernel puts each at the head (ip_vs_ctl.c, __ip_vs_update_dest), or `as-given`.
   */
  order: string;
}

const ORDERS = ["newest-first", "as-given"];

/** Indices of the backends in the order of the service's list. @throws RangeError */
export function destinationList(backends: readonly HashBackend[], order: string): number[] {
  if (!ORDERS.includes(order)) throw new RangeError(`order ${order}: expected ${ORDERS.join(" or ")}`);
  const list = backends.map((_, index) => index);
  return order === "newest-first" ? list.reverse() : list;
}

/** The address as the schedulers fold it: the host's integer of its four bytes, or of the XOR of its four words. */
export function foldAddress(address: Uint8Array): number {
  let folded = 0;
  for (let at = 0; at < address.length; at += 4) folded ^= readBig(address, at);
  return folded;
}

/** @returns only the ports of TCP, UDP and SCTP are hashed, and only with the flag */
export function hashedPort(key: FlowKey, port: boolean): number {
  return port && (key.protocol === 6 || key.protocol === 17 || key.protocol === 132) ? key.srcPort : 0;
}

/**
 * The kernel's second chance (ip_vs_mh_get_fallback, ip_vs_sh_get_fallback): the hash is taken again, with entry after
 * entry of the table as its offset, until it falls on a destination that takes connections.
 * @param hash the entry for an offset
 */
export function fallBack(
  table: Int32Array,
  first: number,
  hash: (offset: number) => number,
  isAvailable: (backend: number) => boolean,
): { entry: number; offset: number } | null {
  for (let i = 0; i < table.length; i++) {
    const offset = (i + first) % table.length;
    const entry = hash(offset);
    if (table[entry]! < 0) return null;
    if (isAvailable(table[entry]!)) return { entry, offset };
  }
  return null;
}

export function hashedStep(key: FlowKey, port: boolean): SelectionStep {
  return step("hashed", fieldsText(key, port ? ["src", "src-port"] : ["src"]));
}
