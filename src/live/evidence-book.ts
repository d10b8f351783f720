import type { Connection } from "../path/connection.ts";
import type { LiveEvidence } from "./live-model.ts";
import type { LiveSession } from "./live-session.ts";
import { remembered } from "./look.ts";
import { packetsOf, pcapngOf } from "./ring-packets.ts";

/** Connections whose packets show a finding. */
const SHOWN = 20;
/** Findings whose packets are kept, and bytes of them all. */
const MOST_KEPT = 64;
const MOST_BYTES = 16 * 1024 * 1024;

interface Kept {
  pcapng: Uint8Array;
  packets: number;
  shown: number;
}

/** Packets that show findings, put aside before the ring lets go of them. */
export class EvidenceBook {
  private readonly kept = new Map<string, Kept>();
  private bytes = 0;

  /** Puts aside what there is now, where it is more than before. */
  keep(session: LiveSession, key: string): void {
    const found = this.find(session, key);
    const known = this.kept.get(key);
    if (found === null || found.packets <= (known?.packets ?? 0)) return;
    this.bytes += found.pcapng.length - (known?.pcapng.length ?? 0);
    this.kept.delete(key);
    this.kept.set(key, found);
    for (const [oldest, { pcapng }] of this.kept) {
      if (this.kept.size <= MOST_KEPT && this.bytes <= MOST_BYTES) break;
      if (oldest === key) continue;
      this.kept.delete(oldest);
      this.bytes -= pcapng.length;
    }
  }

  /** See `LiveHandle.evidence`. */
  answer(session: LiveSession, key: string): LiveEvidence | null {
    const entry = session.findings.get(key);
    if (entry === null) return null;
    this.keep(session, key);
    const found = this.kept.get(key) ?? { pcapng: new Uint8Array(0), packets: 0, shown: 0 };
    return { key, text: entry.text, ...found, connections: entry.finding.affected.connections };
  }

  private find(session: LiveSession, key: string): Kept | null {
    const { look, ring } = session;
    const entry = session.findings.get(key);
    if (look === null || ring === null || entry === null) return null;
    const wanted = new Set(entry.connections.slice(0, SHOWN));
    const connections: Connection[] = [];
    const named: Connection[] = [];
    for (const [connection, { id }] of remembered(look)) {
      if (!wanted.has(id)) continue;
      connections.push(connection);
      named.push({ ...connection, id });
      if (connections.length === wanted.size) break;
    }
    if (connections.length === 0) return null;
    const packets = packetsOf(look.connected, connections, ring);
    const withPackets = new Set(packets.map(({ leg }) => leg));
    const shown = connections.filter(({ legs }) => legs.some((ref) => withPackets.has(ref))).length;
    return { pcapng: pcapngOf(look.connected, named, packets, session.timeBase), packets: packets.length, shown };
  }
}
