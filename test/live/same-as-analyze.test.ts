import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { TimeBase } from "../../src/capture/time-base.ts";
import { analyzeCaptures } from "../../src/offline/analyze-captures.ts";
import { analysisOf } from "../../src/report/analysis.ts";
import type { ConnectionDocument, FindingDocument } from "../../src/report/analysis-contract.ts";
import { analysisDocument } from "../../src/report/document/analysis-document.ts";
import { firstByteTime } from "../../src/report/figures/leg-times.ts";
import { projectDir } from "../support/requirement.ts";
import { type Replayed, replayed } from "./replayed.ts";

const root = join(projectDir, "fixtures/scenarios");
/** Every sixth scenario, and one whose problems are found while it is read; L4SCOPE_ALL_SCENARIOS=1 takes all of them. */
const EVERY = process.env.L4SCOPE_ALL_SCENARIOS === "1" ? 1 : 6;
const scenarios = readdirSync(root)
  .sort()
  .filter((name, index) => index % EVERY === 0 || name === "capture-truncated")
  .map((name) => ({
    name,
    files: readdirSync(join(root, name))
      .filter((file) => /\.pcap(ng)?(\.gz|\.zst)?$/.test(file))
      .sort()
      .map((file) => join(root, name, file)),
  }))
  .filter(({ files }) => files.length > 0);

interface Told {
  connections: ConnectionDocument[];
  /** Of each connection. */
  firstBytes: (number | null)[];
  findings: FindingDocument[];
}

async function analyzed(files: readonly string[]): Promise<Told> {
  const timeBase = new TimeBase();
  const run = await analyzeCaptures(files, { timeBase });
  const document = analysisDocument(analysisOf(run), { connections: true });
  const { subject } = run.diagnosis;
  return {
    connections: (document.connections ?? []).map((one) => one.toJSON()),
    firstBytes: subject.connections.map((one) => {
      const ns = firstByteTime(subject.connected.set, one);
      return ns >= 0 ? ns / 1e9 : null;
    }),
    findings: [...document.findings],
  };
}

function lived({ session, settled }: Replayed): Told {
  return {
    connections: settled.map(({ connection }) => connection),
    firstBytes: settled.map(({ firstByte }) => firstByte),
    findings: session.findings
      .list()
      .filter(({ state }) => state !== "withdrawn")
      .map(({ finding }) => finding),
  };
}

/** A connection's name is the session's own; all else of it must be the same. */
const unnamed = ({ connections }: Told) => connections.map(({ id: _, ...rest }) => JSON.stringify(rest)).sort();

/** Findings in any order, their examples as the connections that they name. */
function comparable({ findings, connections }: Told): string[] {
  const byId = new Map(connections.map((one) => [one.id, `${one.client} ${one.vip} ${one.start}`]));
  return findings
    .map((finding) => {
      const examples = finding.affected.examples.map((id) => byId.get(id) ?? `no ${id}`);
      return JSON.stringify({ ...finding, affected: { ...finding.affected, examples } });
    })
    .sort();
}

describe.each(scenarios)("a replay of $name", { timeout: 120_000 }, ({ files }) => {
  it("tells what analyze tells, looked at once or every half second", async () => {
    const offline = await analyzed(files);
    for (const judgeEverySeconds of [Number.POSITIVE_INFINITY, 0.5]) {
      const live = lived(await replayed(files, { judgeEverySeconds }));
      expect(unnamed(live)).toEqual(unnamed(offline));
      expect(comparable(live)).toEqual(comparable(offline));
      expect([...live.firstBytes].sort()).toEqual([...offline.firstBytes].sort());
    }
  });
});
