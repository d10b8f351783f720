import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { ipvsMh } from "../../src/balance/selection/ipvs-mh.ts";
import { ipvsSh } from "../../src/balance/selection/ipvs-sh.ts";
import type { FlowKey, HashBackend } from "../../src/balance/selection/selection.ts";
import { projectDir } from "../support/requirement.ts";
import { backendsOf, flow, manyFlows } from "./selection-backends.ts";

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

describe("destinations that take no connections", () => {
  const weighing = (weights: readonly number[]) =>
    backendsOf(["10.3.0.11:8443", "10.3.0.12:8443", "10.3.0.13:8443"], weights);
  const flows = manyFlows(600);

  it("mh turns the clients of one that drains away, as long as it keeps its entries", () => {
    const before = ipvsMh.build(weighing([1, 1, 1]));
    const draining = ipvsMh.build(weighing([1, 0, 1]), { before: [1, 1, 1] });
    const fallingBack = ipvsMh.build(weighing([1, 0, 1]), { before: [1, 1, 1], fallback: true });
    for (const key of flows) {
      const own = before.select(key);
      expect(draining.select(key)).toBe(own === 1 ? -1 : own);
      if (own === 1) expect([0, 2]).toContain(fallingBack.select(key));
      else expect(fallingBack.select(key)).toBe(own);
      expect(fallingBack.explain(key).steps.some(({ name }) => name === "fallback")).toBe(own === 1);
    }
  });
  it("mh gives one that never weighed anything no entry", () => {
    const selection = ipvsMh.build(weighing([1, 0, 1]));
    expect(new Set(flows.map((key) => selection.select(key)))).toEqual(new Set([0, 2]));
  });
  it("sh has a bucket even for one that weighs nothing, whose clients it turns away", () => {
    const selection = ipvsSh.build(weighing([2, 0, 1]));
    const choices = flows.map((key) => selection.select(key));
    // newest first: one bucket of the third, one of the second, two of the first, and so on
    expect(choices.filter((choice) => choice === -1).length / flows.length).toBeCloseTo(1 / 4, 1);
    const fallingBack = ipvsSh.build(weighing([2, 0, 1]), { fallback: true });
    expect(flows.map((key) => fallingBack.select(key))).not.toContain(-1);
  });
  it("hashes the port of TCP, UDP and SCTP, and of nothing else", () => {
    const selection = ipvsSh.build(weighing([1, 1, 1]), { port: true });
    const ports = Array.from({ length: 50 }, (_, port) => port + 1024);
    const choices = (protocol: number): number =>
      new Set(ports.map((port) => selection.select(flow("10.1.0.7", port, "192.0.2.10", 443, protocol)))).size;
    expect([6, 17, 132, 1].map(choices)).toEqual([3, 3, 3, 1]);
  });
});
