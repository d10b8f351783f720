import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { toolsFor } from "../../fixtures/lab/run-scenario.ts";
import { type ScenarioInput, scenarioSchema } from "../../fixtures/lab/scenario.ts";
import { allScenarios } from "../../fixtures/lab/scenarios/registry.ts";
import { planConnections } from "../../fixtures/lab/traffic/plan.ts";
import { projectDir } from "../support/requirement.ts";

const scenarios = [...allScenarios().values()];

describe("the lab's scenarios", () => {
  it("refuse a key that nobody reads", () => {
    const { name, title, expect: expected } = scenarios[0] as unknown as ScenarioInput;
    expect(scenarioSchema.safeParse({ name, title, expect: expected, exepct: {} }).success).toBe(false);
  });

  it.each(scenarios.map((scenario) => [scenario.name, scenario] as const))("%s hangs together", (_name, scenario) => {
    const nodes = new Map(scenario.nodes.map((node) => [node.name, node]));
    const named = [
      ...scenario.services.map((service) => service.node),
      ...scenario.balancers.map((balancer) => balancer.node),
      ...scenario.traffic.map((traffic) => traffic.node),
      ...scenario.captures.map((capture) => capture.node),
      ...scenario.daemons.map((daemon) => daemon.node),
      ...scenario.programs.map((program) => program.node),
    ];
    for (const name of named) expect(nodes.has(name), `${name} is a node`).toBe(true);
    for (const capture of scenario.captures) {
      const interfaces = nodes.get(capture.node)?.interfaces.map((iface) => iface.name) ?? [];
      for (const name of [capture.interface, ...capture.further]) expect([...interfaces, "any"]).toContain(name);
    }
    for (const event of scenario.events) expect(event.atSeconds).toBeLessThan(scenario.durationSeconds);
    for (const kind of Object.keys({ ...scenario.expect.resets, ...scenario.expect.outcomes })) {
      expect(["*", ...scenario.traffic.map((traffic) => traffic.kind)]).toContain(kind);
    }
    expect(toolsFor(scenario)).toContain("tcpdump");
  });

  it("say either what goes wrong or that nothing does, in words of the contract", () => {
    const ids = /^(client|lb|backend|path|ecmp|balance|proxy|attack)\.[a-z-]+$/;
    for (const { expect: expected, name } of scenarios) {
      for (const id of [...expected.top, ...expected.also]) expect(id, name).toMatch(ids);
      if (expected.where !== undefined) expect(expected.top, name).not.toEqual([]);
    }
    expect(scenarios.some((scenario) => scenario.expect.top.length === 0)).toBe(true);
  });

  it("plan the same connections each time, none of them from a tuple that another has", () => {
    for (const scenario of scenarios) {
      const plan = planConnections(scenario);
      expect(plan).toEqual(planConnections(scenario));
      const returning = new Set(scenario.traffic.flatMap(({ kind, endpoints }) => (endpoints ? [kind] : [])));
      const once = [...plan.values()].flat().filter(({ kind }) => !returning.has(kind));
      const tuples = once.map((one) => `${one.protocol} ${one.localAddress}:${one.localPort}`);
      expect(new Set(tuples).size, scenario.name).toBe(tuples.length);
    }
  });
});

describe("the published runs", () => {
  const dir = join(projectDir, "fixtures/scenarios");

  it.each(readdirSync(dir))("%s is of a scenario that the lab still has, with its captures", (name) => {
    const expected = JSON.parse(readFileSync(join(dir, name, "expect.json"), "utf8")) as {
      scenario: string;
      files: string[];
      top: string[];
      connections: { client: string; vip: string; start: number }[];
    };
    const scenario = scenarios.find((candidate) => candidate.name === expected.scenario);
    expect(scenario?.expect.top).toEqual(expected.top);
    const topology = scenario?.topology === undefined ? [] : ["topology.yaml"];
    expect(readdirSync(join(dir, name)).toSorted()).toEqual(
      [...expected.files, ...topology, "expect.json", "truth.json"].toSorted(),
    );
    expect(expected.connections.length).toBeGreaterThan(0);
    for (const connection of expected.connections) {
      expect(connection.client).toMatch(/^([\d.]+|\[[\da-f:]+\]):\d+$/);
      expect(connection.start).toBeGreaterThan(1e9);
    }
  });
});
