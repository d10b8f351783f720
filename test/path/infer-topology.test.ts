import { describe, expect, it } from "vitest";
import type { TimedPacket } from "../../fixtures/packets/capture-file.ts";
import { tcpConversation } from "../../fixtures/packets/conversation.ts";
import { packet } from "../../fixtures/packets/packet.ts";
import { type InferredTopology, inferTopology } from "../../src/path/infer-topology.ts";
import { emptyTopology } from "../../src/topology/merge.ts";
import type { Topology, TopologyVip } from "../../src/topology/topology.ts";
import { connectPoints, type Points } from "./join.ts";

const VIP = "192.0.2.10:443";
const MAC = (name: string) => `02:00:00:00:00:${name}`;
const ROUTER = MAC("f0");

/** What the inference says, with endpoints as texts. */
function infer(points: Points, given: Topology | null = null) {
  const connected = connectPoints(points, given);
  const topology: InferredTopology = inferTopology(connected, given);
  return {
    ...topology,
    vips: topology.vips.map(({ vip, backends, balancers, routers, ...more }) => ({
      ...more,
      vip: connected.endpoints.text(vip),
      backends: backends.map(({ backend, connections, share, expectedShare }) => ({
        backend: connected.endpoints.text(backend),
        connections,
        share,
        expectedShare,
      })),
      balancers: balancers.map(({ node, connections }) => `${node.name} ${connections}`),
      routers: routers.map((tier) => tier.map(({ name }) => name)),
    })),
    role: (name: string) => topology.nodes.find((node) => node.name === name)?.role,
    node: (name: string) => topology.nodes.find((node) => node.name === name),
  };
}

/** The nth of many connections to the VIP. */
function nth(n: number, server = VIP, options: { serverTtl?: number; clientTtl?: number } = {}) {
  return tcpConversation({
    client: `10.1.${n >> 6}.${1 + (n % 64)}:${40_000 + n}`,
    server,
    start: n * 0.01,
    clientTtl: 63,
    ...options,
  })
    .handshake()
    .send("up", 100)
    .send("down", 100)
    .fin("up");
}

/** Frames between the router and a balancer, as they are in front of it. */
const between = (balancer: string, answeredBy = balancer) => ({
  up: { src: ROUTER, dst: balancer },
  down: { src: answeredBy, dst: ROUTER },
  ttl: 0,
  delay: 0,
});

/** Connections on the clients' side only, dealt to balancers by turns. */
function frontOnly(
  count: number,
  balancers: readonly string[],
  serverTtls: readonly number[],
  answeredBy?: (n: number) => string,
): TimedPacket[] {
  return Array.from({ length: count }, (_, n) => {
    const balancer = balancers[n % balancers.length]!;
    const serverTtl = serverTtls[Math.floor(n / balancers.length) % serverTtls.length]!;
    return nth(n, VIP, { serverTtl })
      .viaMacs(between(balancer, answeredBy?.(n) ?? balancer))
      .packets();
  }).flat();
}

function given(vip: Partial<TopologyVip>): Topology {
  const entry: TopologyVip = {
    vip: VIP,
    protocol: "tcp",
    mode: null,
    scheduler: null,
    proxyHeader: null,
    idleTimeoutSeconds: null,
    backends: [],
    ...vip,
  };
  return { ...emptyTopology(), vips: [entry] };
}

const backendOf = (backend: string, weight = 1) => ({ backend, weight, isBackup: false, maxConnections: null });

describe("a VIP whose balancer was captured on both sides", () => {
  const count = 30;
  const seen = (n: number) => `10.3.0.${11 + (n % 3)}:8443`;
  const points: Points = {
    "lb1:eth0": Array.from({ length: count }, (_, n) =>
      nth(n)
        .viaMacs(between(MAC("a0")))
        .packets(),
    ).flat(),
    "lb1:eth1": Array.from({ length: count }, (_, n) =>
      nth(n, VIP, { serverTtl: 63 })
        .viaNat({
          server: seen(n),
          delay: 50e-6,
          ttl: -1,
          up: { src: MAC("a1"), dst: MAC(`b${n % 3}`) },
          down: { src: MAC(`b${n % 3}`), dst: MAC("a1") },
        })
        .packets(),
    ).flat(),
  };

  it("has its mode, backends, shares and clients", () => {
    const { vips } = infer(points);
    expect(vips).toMatchObject([
      {
        vip: VIP,
        mode: "dnat",
        modeSource: "packets",
        connections: count,
        bytes: count * 200,
        unknownBackend: 0,
        clients: [{ name: "10.1.0.0/24", clients: count, connections: count }],
        balancers: [`lb1 ${count}`],
      },
    ]);
    expect(vips[0]?.backends).toEqual(
      [0, 1, 2].map((n) => ({ backend: seen(n), connections: 10, share: 1 / 3, expectedShare: 1 / 3 })),
    );
  });

  it("shows who is balancer, router and backend, with their MACs and addresses", () => {
    const { nodes, node } = infer(points);
    expect(node("lb1")).toMatchObject({
      role: "lb",
      macs: [MAC("a0"), MAC("a1")],
      observationPoints: ["lb1:eth0", "lb1:eth1"],
    });
    expect(node(ROUTER)).toMatchObject({ role: "router" });
    expect(node("10.1.0.0/24")).toMatchObject({ role: "client" });
    expect(nodes.filter(({ role }) => role === "backend").map(({ macs }) => macs)).toEqual([
      [MAC("b0")],
      [MAC("b1")],
      [MAC("b2")],
    ]);
  });

  it("is completed by what is given: weights, names, backends without a connection", () => {
    const topology = given({
      scheduler: "wrr",
      backends: [backendOf(seen(0), 2), backendOf(seen(1)), backendOf("10.3.0.99:8443")],
    });
    topology.nodes.push({ name: "edge", role: "router", addresses: [], macs: [ROUTER], observationPoints: [] });
    const { vips, role, contradictions } = infer(points, topology);
    expect(vips[0]).toMatchObject({ scheduler: "wrr", routers: [["edge"]] });
    expect(
      vips[0]?.backends.map(({ backend, connections, expectedShare }) => [backend, connections, expectedShare]),
    ).toEqual([
      [seen(0), 10, 0.4],
      [seen(1), 10, 0.2],
      [seen(2), 10, 0.2],
      ["10.3.0.99:8443", 0, 0.2],
    ]);
    expect(role("edge")).toBe("router");
    expect(contradictions).toEqual([]);
  });

  it("keeps the mode that packets show where another is given, and says so", () => {
    const { vips, contradictions } = infer(points, given({ mode: "proxy" }));
    expect(vips).toMatchObject([{ mode: "dnat", modeSource: "packets" }]);
    expect(contradictions).toEqual([`${VIP} is given as proxy, but its packets show dnat`]);
  });
});

describe("a VIP whose backends' side nobody captured", () => {
  it("is full NAT where several boxes each get forwarded replies of their own connections", () => {
    const { vips } = infer({ "r:eth1": frontOnly(30, [MAC("a0"), MAC("a1"), MAC("a2")], [63, 127]) });
    expect(vips).toMatchObject([
      { vip: VIP, mode: "fullnat", modeSource: "replies", isForwarded: true, unknownBackend: 30, backends: [] },
    ]);
    expect(vips[0]?.balancers).toEqual([`${MAC("a0")} 10`, `${MAC("a1")} 10`, `${MAC("a2")} 10`]);
  });

  it("is no VIP where those boxes make the replies themselves: they may be the servers", () => {
    expect(infer({ "r:eth1": frontOnly(30, [MAC("a0"), MAC("a1")], [64]) }).vips).toEqual([]);
  });

  it("is no VIP where replies come back by any of the boxes: they are routers", () => {
    const boxes = [MAC("a0"), MAC("a1")];
    const any = frontOnly(40, boxes, [63], (n) => boxes[(n >> 1) % 2]!);
    expect(infer({ "r:eth1": any }).vips).toEqual([]);
  });

  it("is no VIP where the replies come from farther away", () => {
    expect(infer({ "r:eth1": frontOnly(30, [MAC("a0"), MAC("a1")], [62]) }).vips).toEqual([]);
  });

  it("is some NAT behind one box where servers of two kinds answer for one address", () => {
    const { vips } = infer({ "r:eth1": frontOnly(30, [MAC("a0")], [63, 127]) });
    expect(vips).toMatchObject([{ vip: VIP, mode: null, modeSource: null, isForwarded: true }]);
    expect(infer({ "r:eth1": frontOnly(30, [MAC("a0")], [63]) }).vips).toEqual([]);
  });

  it("is some NAT behind the box that ARP shows to hold it", () => {
    const reply = packet()
      .ethernet({ src: MAC("a0"), dst: ROUTER })
      .arp({
        operation: "reply",
        senderMac: MAC("a0"),
        senderIp: "192.0.2.10",
        targetMac: ROUTER,
        targetIp: "10.2.0.254",
      })
      .build();
    const packets = [{ timeSeconds: 0, bytes: reply }, ...frontOnly(30, [MAC("a0")], [63])];
    const topology = given({});
    expect(infer({ "r:eth1": packets }, topology).vips).toMatchObject([{ isForwarded: true, mode: null }]);
    expect(infer({ "r:eth1": frontOnly(30, [MAC("a0")], [63]) }, topology).vips).toMatchObject([
      { isForwarded: false },
    ]);
  });

  it("has the mode that is given", () => {
    const { vips } = infer({ "r:eth1": frontOnly(5, [MAC("a0")], [63]) }, given({ mode: "fullnat" }));
    expect(vips).toMatchObject([{ mode: "fullnat", modeSource: "given", connections: 5 }]);
  });

  it("may be given for any address or port, but that makes no VIP of other destinations", () => {
    const anyAddress = given({ vip: "0.0.0.0:443", mode: "proxy" });
    expect(infer({ "r:eth1": frontOnly(5, [MAC("a0")], [64]) }, anyAddress).vips).toEqual([]);
    const tier = frontOnly(30, [MAC("a0"), MAC("a1")], [63]);
    const { vips } = infer({ "r:eth1": tier }, given({ vip: "192.0.2.10:0", mode: "dnat", scheduler: "lc" }));
    expect(vips).toMatchObject([{ mode: "fullnat", modeSource: "replies", scheduler: "lc" }]);
  });
});

describe("other traffic", () => {
  it("is of no VIP", () => {
    const packets = Array.from({ length: 40 }, (_, n) => nth(n, `198.51.100.${n % 8}:443`).packets()).flat();
    expect(infer({ "h:eth0": packets })).toMatchObject({ vips: [], contradictions: [] });
  });

  it("may be none at all", () => {
    expect(infer({})).toMatchObject({ vips: [], nodes: [] });
  });
});
