import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { ipvsMh } from "../../src/balance/selection/ipvs-mh.ts";
import { ipvsSh } from "../../src/balance/selection/ipvs-sh.ts";
import type { FlowKey, HashBackend } from "../../src/balance/selection/selection.ts";
import { projectDir } from "../support/requirement.ts";
import { backendsOf, flow } from "./selection-backends.ts";

const truthSchema = z.object({
  kernel: z.string(),
  vip: z.string(),
  connections: z.array(z.object({ client: z.string(), backend: z.string() })),
});

/** What an IPVS of the lab's virtual machine, Linux 6.1, did with each connection of a scenario. */
function chosenByKernel(scenario: string): { key: FlowKey; node: string }[] {
  const text = readFileSync(join(projectDir, "fixtures/scenarios", scenario, "truth.json"), "utf8");
  const { vip, connections } = truthSchema.parse(JSON.parse(text));
  const [vipAddress = "", vipPort] = vip.split(":");
  return connections.map(({ client, backend }) => {
    const [address = "", port] = client.split(":");
    return { key: flow(address, Number(port), vipAddress, Number(vipPort)), node: backend };
  });
}

describe("against the kernel's own choices", () => {
  const nodeOf = (backends: readonly HashBackend[], index: number): string =>
    `rs${Number(backends[index]?.address[3]) - 10}`;

  it("mh with mh-port chooses as in ipvs-nat-mh", () => {
    const backends = backendsOf(["10.3.0.11:8443", "10.3.0.12:8443", "10.3.0.13:8443"]);
    const selection = ipvsMh.build(backends, { port: true });
    const chosen = chosenByKernel("ipvs-nat-mh");
    expect(chosen.length).toBeGreaterThan(50);
    const wrong = chosen.filter(({ key, node }) => nodeOf(backends, selection.select(key)) !== node);
    expect(wrong).toEqual([]);
  });

  it("sh chooses as in ipvs-dr-sh", () => {
    const backends = backendsOf(["10.2.0.11:443", "10.2.0.12:443", "10.2.0.13:443"]);
    const selection = ipvsSh.build(backends);
    const chosen = chosenByKernel("ipvs-dr-sh");
    expect(chosen.length).toBeGreaterThan(50);
    const wrong = chosen.filter(({ key, node }) => nodeOf(backends, selection.select(key)) !== node);
    expect(wrong).toEqual([]);
  });
});
