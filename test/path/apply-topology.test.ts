import { describe, expect, it } from "vitest";
import { parseEndpoint as parseAddressPort } from "../../fixtures/packets/address.ts";
import { START_SECONDS } from "../../fixtures/packets/capture-file.ts";
import { tcpConversation } from "../../fixtures/packets/conversation.ts";
import { packet } from "../../fixtures/packets/packet.ts";
import { connect } from "../../src/path/connect.ts";
import { parseEndpoint } from "../../src/topology/address.ts";
import { emptyTopology } from "../../src/topology/merge.ts";
import type { Topology } from "../../src/topology/topology.ts";
import type { ForwardingMode } from "../../src/topology/vocabulary.ts";
import { connectPoints, type Points, read } from "./join.ts";

const client = "10.1.0.1:40001";
const vip = "192.0.2.10:443";
const backend = "10.2.0.11:8443";
const snat = "10.2.0.2:1025";

interface Entry {
  client?: string;
  vip?: string;
  backend?: string;
  source?: string;
  mode?: ForwardingMode | null;
  protocol?: number;
  start?: number;
  end?: number;
}

/** A topology with the lines of a balancer's table. */
function imported(...entries: Entry[]): Topology {
  const topology = emptyTopology();
  topology.connections.sources.push("conntrack.log");
  for (const entry of entries) {
    const endpoint = (text: string) => parseEndpoint(text)!;
    topology.connections.add({
      protocol: entry.protocol ?? 6,
      client: endpoint(entry.client ?? client),
      vip: endpoint(entry.vip ?? vip),
      backend: endpoint(entry.backend ?? backend),
      source: endpoint(entry.source ?? entry.client ?? client),
      mode: entry.mode === undefined ? "dnat" : entry.mode,
      start: entry.start ?? Number.NaN,
      end: entry.end ?? Number.NaN,
      origin: 0,
    });
  }
  return topology;
}

/** A topology with one VIP set up. */
function setUp(mode: ForwardingMode | null, ...backends: string[]): Topology {
  const known = emptyTopology();
  known.vips.push({
    vip,
    protocol: "tcp",
    mode,
    scheduler: null,
    proxyHeader: null,
    idleTimeoutSeconds: null,
    backends: backends.map((one) => ({ backend: one, weight: 1, isBackup: false, maxConnections: null })),
  });
  return known;
}

const exchange = (options: { client?: string; server?: string; start?: number } = {}) =>
  tcpConversation({ client, server: vip, ...options })
    .handshake()
    .send("up", 300)
    .send("down", 2000)
    .fin("up");
const joinWith = (points: Points, topology: Topology) => {
  const connected = connectPoints(points, topology);
  return { connections: read(connected), contradictions: connected.contradictions };
};

describe("a balancer's table", () => {
  it("gives the backend and mode of a connection seen on the clients' side only", () => {
    const { connections } = joinWith({ "lb1:eth0": exchange().packets() }, imported({}));
    expect(connections).toMatchObject([{ client, vip, backend, mode: "dnat", keys: ["imported"], confidence: 0.9 }]);
  });

  it("gives the client and VIP of one seen on the backends' side only, by the translated source", () => {
    const behind = exchange().viaNat({ client: snat, server: backend }).packets();
    const { connections } = joinWith({ "rs1:eth0": behind }, imported({ source: snat, mode: "fullnat" }));
    expect(connections).toMatchObject([{ client, vip, backend, mode: "fullnat", keys: ["imported"] }]);
  });

  it("puts both sides together where the packets do not show that they belong together", () => {
    const datagram = (src: string, dst: string, payload: Uint8Array) => {
      const [from, to] = [parseAddressPort(src), parseAddressPort(dst)];
      const layers = packet()
        .ethernet()
        .ipv4({ src: from.address, dst: to.address })
        .udp({ src: from.port, dst: to.port });
      return layers.payload(payload).build();
    };
    const exchangeOf = (from: string, to: string, bytes: number) => [
      { timeSeconds: 1, bytes: datagram(from, to, new Uint8Array(bytes).fill(1)) },
      { timeSeconds: 1.001, bytes: datagram(to, from, new Uint8Array(bytes).fill(2)) },
    ];
    const dns = { client: "10.1.0.1:5000", vip: "192.0.2.10:53", backend: "10.2.0.11:53" };
    // something between rewrites the payload, so that only the table tells
    const points = {
      "lb1:eth0": exchangeOf(dns.client, dns.vip, 40),
      "lb1:eth1": exchangeOf("10.2.0.2:6000", dns.backend, 44),
    };
    expect(read(connectPoints(points))).toHaveLength(2);
    const table = imported({ ...dns, source: "10.2.0.2:6000", mode: "fullnat", protocol: 17 });
    const { connections } = joinWith(points, table);
    expect(connections).toMatchObject([
      { ...dns, mode: "fullnat", points: ["lb1:eth0", "lb1:eth1"], hops: ["forward", "fullnat"], keys: ["imported"] },
    ]);
  });

  it("takes of several lines with the same ports the one of the connection's time", () => {
    const other = "10.2.0.12:8443";
    const points = { "lb1:eth0": [...exchange({ start: 1 }).packets(), ...exchange({ start: 500 }).packets()] };
    const { connections } = joinWith(points, imported({ start: 1.001 }, { start: 500.001, backend: other }));
    expect(connections.map((one) => one.backend)).toEqual([backend, other]);
  });

  it("says nothing of a connection at another time", () => {
    const points = { "lb1:eth0": exchange({ start: 1000 }).packets() };
    expect(joinWith(points, imported({ start: 5, end: 10 })).connections).toMatchObject([{ backend: null, keys: [] }]);
    expect(joinWith(points, imported({ start: 2000 })).connections).toMatchObject([{ backend: null }]);
    // it began before the capture
    expect(joinWith(points, imported({ start: 5 })).connections).toMatchObject([{ backend }]);
    // and this log saw only its end
    expect(joinWith(points, imported({ end: 1120 })).connections).toMatchObject([{ backend }]);
  });

  it("speaks of its own protocol only", () => {
    const { connections } = joinWith({ "lb1:eth0": exchange().packets() }, imported({ protocol: 17 }));
    expect(connections).toMatchObject([{ backend: null }]);
  });

  it("never changes what packets show, and the difference is told", () => {
    const script = exchange();
    const points = { "lb1:eth0": script.packets(), "lb1:eth1": script.viaNat({ server: backend }).packets() };
    const { connections, contradictions } = joinWith(points, imported({ backend: "10.2.0.99:1" }));
    expect(connections).toMatchObject([{ backend, keys: ["both-isn"] }]);
    expect(contradictions).toEqual([
      `conntrack.log: one connection has another backend there than in the packets (${client} to ${vip}: packets show ${backend}, it says 10.2.0.99:1)`,
    ]);
    expect(joinWith(points, imported({})).contradictions).toEqual([]);
  });

  it("names a backend that packets show by its MAC only", () => {
    const script = exchange();
    const up = { src: "02:00:00:00:00:aa", dst: "02:00:00:00:00:bb" };
    const handedOn = { src: "02:00:00:00:00:bb", dst: "02:00:00:00:00:0b" };
    const points = {
      "lb1:eth0": [
        ...script.viaMacs({ up, only: "up", ttl: 0, delay: 0 }).packets(),
        ...script.viaMacs({ up: handedOn, only: "up", delay: 20e-6, ttl: 0 }).packets(),
      ],
    };
    expect(joinWith(points, emptyTopology()).connections).toMatchObject([
      { backend: "02:00:00:00:00:0b", mode: "dsr-l2" },
    ]);
    const { connections } = joinWith(points, imported({ backend: "10.2.0.11:443", mode: null }));
    expect(connections).toMatchObject([{ backend: "10.2.0.11:443", mode: "dsr-l2" }]);
    const nodes = emptyTopology();
    nodes.nodes.push({
      name: "rs1",
      role: "backend",
      addresses: ["10.2.0.11"],
      macs: ["02:00:00:00:00:0b"],
      observationPoints: [],
    });
    expect(joinWith(points, nodes).connections).toMatchObject([{ backend: "10.2.0.11:443", mode: "dsr-l2" }]);
  });

  it("is read by the run's own zero of time", () => {
    const seen = exchange({ start: 1 }).packets();
    const { set } = connectPoints({ "lb1:eth0": seen });
    const given = (baseSeconds: number) => ({ topology: imported({ start: START_SECONDS + 1 }), baseSeconds });
    expect(connect(set.captures, given(START_SECONDS)).connections[0]?.backend).not.toBeNull();
    expect(connect(set.captures, given(0)).connections[0]?.backend).toBeNull();
  });
});

describe("a set-up", () => {
  it("gives the mode of a VIP that packets do not show", () => {
    const { connections } = joinWith({ "lb1:eth0": exchange().packets() }, setUp("proxy"));
    expect(connections).toMatchObject([{ vip, backend: null, mode: "proxy" }]);
  });

  it("says what is a backend where only its side was captured", () => {
    const { connections } = joinWith({ "rs1:eth0": exchange({ server: backend }).packets() }, setUp("dnat", backend));
    expect(connections).toMatchObject([{ vip: backend, backend, mode: "forward", keys: ["known-backend"] }]);
  });

  it("does not change what packets show", () => {
    const script = exchange();
    const points = { "lb1:eth0": script.packets(), "lb1:eth1": script.viaNat({ server: backend }).packets() };
    expect(joinWith(points, setUp("proxy", "10.9.9.9:1")).connections).toMatchObject([{ backend, mode: "dnat" }]);
  });
});
