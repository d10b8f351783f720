import type { EvidenceToStore, FindingToStore, MinuteSample } from "./store-input.ts";
import type { ConnectionToStore } from "./stored-connection.ts";

/** Something that waits to be committed. */
export type Item =
  | { kind: "connection"; one: ConnectionToStore }
  | { kind: "sample"; one: MinuteSample }
  | { kind: "finding"; one: FindingToStore }
  | { kind: "evidence"; one: EvidenceToStore };

export interface WaitingLimits {
  rows: number;
  /** Of packets. */
  bytes: number;
}

/** What waits to be committed, oldest first. */
export class WaitingItems {
  private items: Item[] = [];
  private packetBytes = 0;
  private since = 0;

  get length(): number {
    return this.items.length;
  }

  /** How long the oldest has waited, ms; 0 where nothing does. */
  get waitedMs(): number {
    return this.items.length === 0 ? 0 : performance.now() - this.since;
  }

  push(item: Item): void {
    if (this.items.length === 0) this.since = performance.now();
    this.items.push(item);
    this.packetBytes += bytesOf(item);
  }

  first(count: number): Item[] {
    return this.items.slice(0, count);
  }

  /** Takes the first ones off, once they are committed. */
  remove(count: number): void {
    for (const item of this.items.splice(0, count)) this.packetBytes -= bytesOf(item);
    this.since = performance.now();
  }

  /** Drops the oldest beyond the limits; findings stay, they are few and say most. @returns how many were dropped */
  dropBeyond({ rows, bytes }: WaitingLimits): number {
    const before = this.items.length;
    let excess = before - rows;
    if (excess <= 0 && this.packetBytes <= bytes) return 0;
    this.items = this.items.filter((item) => {
      const isOver = excess > 0 || (this.packetBytes > bytes && bytesOf(item) > 0);
      if (!isOver || item.kind === "finding") return true;
      excess--;
      this.packetBytes -= bytesOf(item);
      return false;
    });
    return before - this.items.length;
  }
}

function bytesOf(item: Item): number {
  if (item.kind === "evidence") return item.one.pcapng.length;
  return item.kind === "connection" ? (item.one.pcapng?.length ?? 0) : 0;
}
