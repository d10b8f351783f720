import { tierName, tiersOf } from "../live/tiers.ts";
import type { Analysis } from "../report/analysis.ts";
import { analysisDocument } from "../report/document/analysis-document.ts";
import { findingDocument } from "../report/document/finding-document.ts";
import { joinedConnectionDocument } from "../report/document/joined-connection.ts";
import { firstByteTime } from "../report/figures/leg-times.ts";
import { minuteOf, nsOfEpoch } from "./epoch-ns.ts";
import { StoreError } from "./store-error.ts";
import type { FindingToStore, MinuteSample } from "./store-input.ts";
import { StoreWriter, type WriterStats } from "./store-writer.ts";

const BATCH = 2000;

/**
 * Puts what captures came to into a store, as a run of its own: connections, minutes, findings with all connections
 * that suffer from them.
 *
 * @throws StoreError in a line, where the store cannot be written; what was committed before stays.
 */
export async function storeAnalysis(
  path: string,
  analysis: Analysis,
  { version, host }: { version: string; host: string },
): Promise<WriterStats> {
  const sources = analysis.captures.map((capture) => capture.path);
  const writer = await StoreWriter.open(path, { command: "analyze", version, host, sources });
  try {
    addAll(writer, analysis);
  } finally {
    writer.close();
  }
  const { stats } = writer;
  // nobody waits for the disk of a command that ends
  if (stats.trouble !== null) throw new StoreError(stats.trouble, "run");
  return stats;
}

function addAll(writer: StoreWriter, analysis: Analysis): void {
  const { topology, summary } = analysisDocument(analysis, { connections: false });
  const { connections, connected } = analysis.subject;
  for (let i = 0; i < connections.length; i += BATCH) {
    writer.addConnections(
      connections.slice(i, i + BATCH).map((one) => {
        const firstByte = firstByteTime(connected.set, one) / 1e9;
        const connection = joinedConnectionDocument(analysis, one);
        return { connection, firstByte: Number.isNaN(firstByte) ? null : firstByte };
      }),
    );
  }
  writer.addMinutes(samplesOf(analysis));
  writer.addFindings(findingsOf(analysis));
  writer.flush();
  writer.describe({ topology, summary });
}

/** Captures tell of what was: a finding of theirs is over. */
function findingsOf(analysis: Analysis): FindingToStore[] {
  return analysis.findings.map((finding, place) => {
    const document = findingDocument(analysis, finding);
    const time = (epoch: string | null) => (epoch === null ? Number.NaN : Number(epoch));
    const until = time(document.window.to);
    return {
      key: `${place} ${document.id}`,
      state: "over",
      opened: time(document.window.from),
      lastSeen: until,
      closed: until,
      worst: document.severity,
      finding: document,
      connections: finding.connections,
    };
  });
}

/** Members, and flows that moved between them: what a live session counts as metrics. */
function samplesOf({ subject, timeBase }: Analysis): MinuteSample[] {
  const samples = new Map<string, MinuteSample>();
  const count = (time: number, name: string, labels: Record<string, string>) => {
    const ns = Number.isFinite(time) ? nsOfEpoch(timeBase.toEpoch(time)) : null;
    if (ns === null) return;
    const minute = minuteOf(ns);
    const key = `${minute} ${name} ${JSON.stringify(labels)}`;
    const known = samples.get(key);
    if (known === undefined) samples.set(key, { minute, name, labels, value: 1, how: "add" });
    else known.value++;
  };
  for (const group of subject.vips) {
    const vip = subject.text(group.vip);
    for (const membership of tiersOf(subject, group)) {
      const { memberOf, names, moves } = membership;
      const tier = tierName(membership);
      for (const [{ start }, member] of memberOf) {
        count(start, "member_connections_total", { vip, tier, member: names.get(member) ?? member });
      }
      for (const { to, time } of moves) {
        count(time, "flow_moves_total", { vip, kind: "member" });
        count(time, "midstream_arrivals_total", { vip, member: names.get(to) ?? to });
      }
    }
  }
  return [...samples.values()];
}
