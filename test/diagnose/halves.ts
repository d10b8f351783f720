import { readFileSync } from "node:fs";
import { join } from "node:path";
import { TimeBase } from "../../src/capture/time-base.ts";
import { balance } from "../../src/diagnose/balance.ts";
import { Case } from "../../src/diagnose/case.ts";
import { ecmpRehash } from "../../src/diagnose/ecmp-rehash.ts";
import { ecmpShares } from "../../src/diagnose/ecmp-shares.ts";
import type { Finding } from "../../src/diagnose/finding.ts";
import { judge } from "../../src/diagnose/judge.ts";
import { lbRehash } from "../../src/diagnose/lb-rehash.ts";
import { schedulerMismatch } from "../../src/diagnose/scheduler-mismatch.ts";
import { trackCaptures } from "../../src/offline/track-captures.ts";
import { type Connected, connect } from "../../src/path/connect.ts";
import { readTopologyFile } from "../../src/topology/read-file.ts";
import type { Topology } from "../../src/topology/topology.ts";

/** A captured scenario, joined, of which halves can be taken. */
export interface Recorded {
  connected: Connected;
  topology: Topology | null;
}

const DETECTORS = [balance, ecmpShares, ecmpRehash, lbRehash, schedulerMismatch];

/** Joins a folder's captures; the topology file that stands beside them is what the operator gave. */
export async function record(folder: string, files: readonly string[], hasTopology: boolean): Promise<Recorded> {
  const connected = connect(
    await trackCaptures(
      files.map((file) => join(folder, file)),
      { timeBase: new TimeBase() },
    ),
  );
  const path = join(folder, "topology.yaml");
  return { connected, topology: hasTopology ? readTopologyFile(readFileSync(path, "utf8"), path) : null };
}

/** What the detectors of shares and members say of a half of the connections, each kept by a throw of a coin. */
export function findingsOfHalf({ connected, topology }: Recorded, random: () => number): Finding[] {
  const connections = connected.connections
    .filter(() => random() < 0.5)
    .map((connection, id) => ({ ...connection, id, healthCheck: false }));
  const subject = new Case({ ...connected, connections }, topology);
  return judge(DETECTORS.flatMap((detector) => detector.find(subject))).findings.filter(
    ({ severity }) => severity !== "info",
  );
}
