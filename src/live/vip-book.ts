import type { Case } from "../diagnose/case.ts";
import type { Connection } from "../path/connection.ts";
import { backendLabel } from "./backend-label.ts";
import type { Look } from "./look.ts";

/** A destination with this many connections is shown, whoever called it. */
const FREQUENT = 3;
const MOST_VIPS = 200;
const MOST_BACKENDS = 200;

/** What a session knows of a VIP, whether or not it has connections now. */
export interface VipEntry {
  vip: string;
  protocol: number;
  mode: string | null;
  scheduler: string;
  /** Connections in memory at the last look. */
  connections: number;
  /** In the order of their names. */
  backends: Map<string, { expectedShare: number; weight: number | null }>;
}

/** The VIPs of a session: what was seen to be one stays one. */
export class VipBook {
  readonly entries = new Map<string, VipEntry>();

  update({ vips, diagnosis: { subject }, topology }: Look): void {
    for (const entry of this.entries.values()) entry.connections = 0;
    for (const { vip, protocol, mode, scheduler, connections, backends } of vips) {
      const entry = this.entry(vip, protocol);
      if (!entry) continue;
      entry.connections += connections.length;
      entry.mode = mode ?? entry.mode;
      if (scheduler.name !== "unknown" || entry.scheduler === "") entry.scheduler = scheduler.name;
      for (const { backend, expectedShare } of backends) {
        if (!entry.backends.has(backend) && entry.backends.size >= MOST_BACKENDS) continue;
        entry.backends.set(backend, { expectedShare, weight: null });
      }
    }
    for (const { vip, backends } of topology.vips) {
      const entry = this.entries.get(subject.text(vip));
      for (const { backend, weight } of backends) {
        const known = entry?.backends.get(subject.text(backend));
        if (known) known.weight = weight;
      }
    }
    for (const group of subject.vips) {
      if (group.connections.length < FREQUENT) continue;
      const text = subject.text(group.vip);
      const isKnown = this.entries.has(text);
      const entry = this.entry(text, group.protocol);
      if (!entry || (isKnown && entry.connections > 0)) continue;
      entry.connections = group.connections.length;
      for (const connection of group.byBackend.values()) {
        const backend = backendLabel(subject, connection[0]!);
        if (entry.backends.size < MOST_BACKENDS && !entry.backends.has(backend)) {
          entry.backends.set(backend, { expectedShare: Number.NaN, weight: null });
        }
      }
    }
  }

  isVip(subject: Case, { vip }: Connection): boolean {
    return this.entries.has(subject.text(vip));
  }

  private entry(vip: string, protocol: number): VipEntry | null {
    const known = this.entries.get(vip);
    if (known) return known;
    if (this.entries.size >= MOST_VIPS) return null;
    const entry: VipEntry = { vip, protocol, mode: null, scheduler: "", connections: 0, backends: new Map() };
    this.entries.set(vip, entry);
    return entry;
  }
}
