import type { EvidenceToStore, FindingToStore, MinuteSample } from "./store-input.ts";
import type { ConnectionToStore } from "./stored-connection.ts";

/** Something that waits to be committed. */
export type Item =
  | { kind: "connection"; one: ConnectionToStore }
  /** Name of a connection that holds no longer. */
  | { kind: "withdrawal"; one: string }
  | { kind: "sample"; one: MinuteSample }
  | { kind: "finding"; one: FindingToStore }
  | { kind: "evidence"; one: EvidenceToStore };

export interface WaitingLimits {
  rows: number;
  /** Of packets. */
  bytes: number;
}

/** What waits to be committed, oldest first. What is told again of a connection that waits takes its place. */
export class WaitingItems {
  private items: Item[] = [];
  /** Those of connections, by name. */
  private readonly connections = new Map<string, Extract<Item, { kind: "connection" }>>();
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
    if (item.kind === "connection" && this.renew(item.one)) return;
    if (this.items.length === 0) this.since = performance.now();
    this.items.push(item);
    this.packetBytes += bytesOf(item);
    if (item.kind === "connection") this.connections.set(item.one.connection.id, item);
    // what is told of it later comes behind this
    else if (item.kind === "withdrawal") this.connections.delete(item.one);
  }

  first(count: number): Item[] {
    return this.items.slice(0, count);
  }

  /** Takes the first ones off, once they are committed. */
  remove(count: number): void {
    for (const item of this.items.splice(0, count)) this.forget(item);
    this.since = performance.now();
  }

  /**
   * Drops the oldest beyond the limits. Findings stay, they are few and say most, and so does what has to be taken out.
   *
   * @returns how many were dropped
   */
  dropBeyond({ rows, bytes }: WaitingLimits): number {
    const before = this.items.length;
    let excess = before - rows;
    if (excess <= 0 && this.packetBytes <= bytes) return 0;
    this.items = this.items.filter((item) => {
      const isOver = excess > 0 || (this.packetBytes > bytes && bytesOf(item) > 0);
      if (!isOver || item.kind === "finding" || item.kind === "withdrawal") return true;
      excess--;
      this.forget(item);
      return false;
    });
    return before - this.items.length;
  }

  /** Puts what is told now in the place of what waits; packets told before stay where none are told now. */
  private renew(one: ConnectionToStore): boolean {
    const waiting = this.connections.get(one.connection.id);
    if (waiting === undefined) return false;
    this.packetBytes -= bytesOf(waiting);
    waiting.one = one.pcapng ? one : { ...one, pcapng: waiting.one.pcapng ?? null };
    this.packetBytes += bytesOf(waiting);
    return true;
  }

  private forget(item: Item): void {
    this.packetBytes -= bytesOf(item);
    if (item.kind !== "connection") return;
    const { id } = item.one.connection;
    if (this.connections.get(id) === item) this.connections.delete(id);
  }
}

function bytesOf(item: Item): number {
  if (item.kind === "evidence") return item.one.pcapng.length;
  return item.kind === "connection" ? (item.one.pcapng?.length ?? 0) : 0;
}
