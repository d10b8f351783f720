import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { connect } from "../../src/path/connect.ts";
import { inferTopology } from "../../src/path/infer-topology.ts";
import { loadTopology } from "../../src/topology/load.ts";
import { projectDir, requires, sharedDir } from "../support/requirement.ts";
import { type TrueJoins, trackEach, trueJoinsOf } from "../support/score-joins.ts";

interface TrueNode {
  role: string;
  interfaces: Record<string, { mac: string }>;
}

const SCENARIOS = join(projectDir, "fixtures/scenarios");

async function topologyOf(name: string, isChosen: (file: string) => boolean = () => true) {
  const folder = join(SCENARIOS, name);
  const truth = trueJoinsOf(folder);
  if (truth === null) throw new Error(`no scenario ${name}`);
  const files = truth.files.filter(isChosen);
  const { captures } = (await trackEach(folder, files))(files);
  const connected = connect(captures);
  const nodes = (JSON.parse(readFileSync(join(folder, "truth.json"), "utf8")) as { topology: Record<string, TrueNode> })
    .topology;
  return { truth, connected, nodes, inferred: inferTopology(connected) };
}

describe("from the captures of the lab", () => {
  it.each([
    ["dnat-rr", ["lb1"]],
    ["dnat-ipv6", ["lb1"]],
    ["fullnat-rr", ["lb1"]],
    ["haproxy-tcp", ["lb1"]],
    ["l2-dsr", ["lb1"]],
    ["vxlan-dsr", ["lb1"]],
    ["ipip-dsr", ["lb1"]],
    ["udp-dns", ["lb1"]],
    ["ecmp-3lb", ["lb1", "lb2", "lb3"]],
    ["ecmp-two-tier", ["lb1", "lb2", "lb3", "lb4"]],
    ["vrrp-failover", ["lb1", "lb2"]],
    ["vrrp-split-brain", ["lb1", "lb2"]],
    ["asymmetric-dsr", ["lb1"]],
    ["capture-any-nanoseconds", ["lb1"]],
  ])("of %s come mode, member set, roles and MACs", async (name, balancers) => {
    const { truth, nodes, inferred } = await topologyOf(name);
    expect(inferred.vips.map(({ mode }) => mode)).toEqual([truth.mode]);
    expect(inferred.vips[0]?.balancers.map(({ node }) => node.name)).toEqual(balancers);
    const members = inferred.vips[0]?.balancers.reduce((sum, { connections }) => sum + connections, 0) ?? 0;
    expect(members).toBeGreaterThan((inferred.vips[0]?.connections ?? 0) * 0.9);
    for (const node of inferred.nodes) {
      const own = nodes[node.name];
      if (!own) continue;
      expect({ name: node.name, role: node.role }).toEqual({ name: node.name, role: own.role });
      const macs = Object.values(own.interfaces).map(({ mac }) => mac);
      for (const mac of node.macs) expect(macs).toContain(mac);
    }
  });

  it("of the router alone, three balancers that each get their own replies are full NAT", async () => {
    const { inferred } = await topologyOf("ecmp-3lb", (file) => file.startsWith("r-"));
    expect(inferred.vips).toMatchObject([{ mode: "fullnat", modeSource: "replies", backends: [] }]);
    expect(inferred.vips[0]?.balancers.map(({ connections }) => connections)).toEqual([38, 41, 33]);
  });

  it("of the router alone, a flow that goes round in circles makes no balancer of a server", async () => {
    for (const name of ["spray", "spread-over-dsr", "ipip-rehash"]) {
      const { inferred } = await topologyOf(name);
      expect(inferred.nodes.filter(({ role }) => role === "lb").map((node) => node.name)).toEqual(
        expect.not.arrayContaining(["rs1", "rs2", "rs3"]),
      );
    }
  });

  it("takes a millisecond or a few for a hundred connections", async () => {
    const { connected } = await topologyOf("ecmp-3lb");
    inferTopology(connected);
    const started = performance.now();
    for (let i = 0; i < 20; i++) inferTopology(connected);
    expect((performance.now() - started) / 20).toBeLessThan(50);
  });
});

const shared = requires({ path: join(projectDir, "../shared/labelled") });
const labelled = join(sharedDir() ?? "", "labelled");
const logsOf = (folder: string) => readdirSync(folder).filter((file) => /^conntrack.*\.log$/.test(file));

describe.skipIf(shared.missing)("with the balancers' own tables", () => {
  const names = shared.missing
    ? []
    : readdirSync(labelled).filter((name) => {
        const folder = join(labelled, name);
        return existsSync(join(folder, "expect.json")) && logsOf(folder).length > 0;
      });

  it.each(names)("of %s every connection seen on one side finds the other", async (name) => {
    const folder = join(labelled, name);
    const truth = trueJoinsOf(folder) as TrueJoins;
    const topology = await loadTopology({ imports: logsOf(folder).map((file) => join(folder, file)) });
    for (const side of [/^(r|c\d)-/, /^rs/]) {
      const files = truth.files.filter((file) => side.test(file));
      const { captures, timeBase } = (await trackEach(folder, files))(files);
      const connected = connect(captures, { topology, baseSeconds: timeBase.seconds });
      const { endpoints } = connected;
      const wrong = connected.connections.flatMap(({ client, vip, backend, start }) => {
        const epochSeconds = Number(timeBase.toEpoch(start));
        const [call] = truth.connections
          .filter((one) => one.client === endpoints.text(client) && one.vip === endpoints.text(vip))
          .sort((a, b) => Math.abs(a.start - epochSeconds) - Math.abs(b.start - epochSeconds));
        // what the lab says nothing of is no connection of a client
        if (!call?.backend) return [];
        const found = backend === null ? "none" : endpoints.text(backend);
        return [call.backend].flat().includes(found) ? [] : [`${call.client}: ${found}`];
      });
      expect({ side, wrong }).toEqual({ side, wrong: [] });
      expect(connected.contradictions).toEqual([]);
    }
  });
});
