import { describe, expect, it } from "vitest";
import { isIpv6, parseEndpoint } from "../../fixtures/packets/address.ts";
import { at, type TimedPacket } from "../../fixtures/packets/capture-file.ts";
import { type PacketBuilder, packet } from "../../fixtures/packets/packet.ts";
import { repeatableBytes } from "../../fixtures/packets/tls.ts";
import { join, joinOne } from "./join.ts";

const vip = "192.0.2.10:53";
const backend = "10.2.0.11:5353";

interface Exchange {
  client: string;
  server: string;
  start?: number;
  query: Uint8Array;
  reply?: Uint8Array | null;
  ttl?: number;
  /** Seconds until the reply. */
  wait?: number;
  from?: string;
  to?: string;
}

/** A query and its reply as one link has them. */
function exchange(options: Exchange): TimedPacket[] {
  const {
    client,
    server,
    start = 0,
    query,
    reply = repeatableBytes(query[1] ?? 0, 90),
    ttl = 64,
    wait = 0.001,
  } = options;
  const { from = "02:00:00:00:00:01", to = "02:00:00:00:00:02" } = options;
  const seen = [at(start, datagram(client, server, query, ttl, from, to))];
  if (reply) seen.push(at(start + wait, datagram(server, client, reply, 64, to, from)));
  return seen;
}

function datagram(src: string, dst: string, payload: Uint8Array, ttl: number, from: string, to: string): PacketBuilder {
  const [a, b] = [parseEndpoint(src), parseEndpoint(dst)];
  const ends = { src: a.address, dst: b.address };
  const link = packet().ethernet({ src: from, dst: to });
  const ip = isIpv6(a.address) ? link.ipv6({ ...ends, hopLimit: ttl }) : link.ipv4({ ...ends, ttl });
  return ip.udp({ src: a.port, dst: b.port }).payload(payload);
}

const query = (id: number, count = 40) => Uint8Array.of(id >> 8, id & 255, ...repeatableBytes(7, count - 2));
const beyond = (options: Exchange, change: Partial<Exchange>): Exchange => ({
  ...options,
  start: (options.start ?? 0) + 50e-6,
  ttl: 63,
  wait: 0.0009,
  from: "02:00:00:00:00:02",
  to: "02:00:00:00:00:03",
  ...change,
});

describe("UDP", () => {
  const one: Exchange = { client: "10.1.0.1:40001", server: vip, query: query(1) };

  it("is joined across destination NAT by payload and time", () => {
    const connection = joinOne({
      "lb1:eth0": exchange(one),
      "lb1:eth1": exchange(beyond(one, { server: backend })),
    });
    expect(connection).toMatchObject({
      client: one.client,
      vip,
      backend,
      mode: "dnat",
      keys: ["datagram"],
      outcome: "ok",
    });
    expect(connection.points).toEqual(["lb1:eth0", "lb1:eth1"]);
  });

  it("is joined where both legs pass one interface", () => {
    const seen = [...exchange(one), ...exchange(beyond(one, { server: backend }))];
    expect(joinOne({ "lb1:eth0": seen })).toMatchObject({ client: one.client, vip, backend });
  });

  it("is joined across full NAT where each side has one partner", () => {
    const list = Array.from({ length: 40 }, (_, index): Exchange => {
      return {
        client: `10.1.0.${index + 1}:${40_000 + index}`,
        server: vip,
        start: index * 0.001,
        query: query(index),
      };
    });
    const connections = join({
      "lb1:eth0": list.flatMap((each) => exchange(each)),
      "lb1:eth1": list.flatMap((each, index) =>
        exchange(beyond(each, { client: `10.2.0.2:${20_000 + index}`, server: `10.2.0.${11 + (index % 3)}:5353` })),
      ),
    });
    expect(connections.map(({ backend: found }) => found)).toEqual(
      list.map((_, index) => `10.2.0.${11 + (index % 3)}:5353`),
    );
    expect(connections.every(({ mode }) => mode === "fullnat")).toBe(true);
  });

  it("is joined at points whose captures were cut differently", () => {
    const long = { ...one, query: query(1, 400) };
    expect(
      joinOne({
        "lb1:eth0": { packets: exchange(long), snapLength: 96 },
        "lb1:eth1": exchange(beyond(long, { client: "10.2.0.2:20001", server: backend })),
      }),
    ).toMatchObject({ client: one.client, vip, backend, mode: "fullnat" });
  });

  it("is joined at points whose clocks nothing ties, by the payload", () => {
    const shifted = exchange(beyond(one, { server: backend })).map((seen) => ({
      ...seen,
      timeSeconds: seen.timeSeconds + 30,
    }));
    expect(joinOne({ "c1:eth0": exchange(one), "rs1:eth0": shifted })).toMatchObject({
      client: one.client,
      backend,
    });
  });

  it("keeps many identical queries of many clients apart", () => {
    const list = Array.from({ length: 50 }, (_, index): Exchange => {
      return { client: `10.1.0.${index + 1}:${40_000 + index}`, server: vip, start: index * 0.002, query: query(9) };
    });
    const connections = join({
      "lb1:eth0": list.flatMap((each) => exchange(each)),
      "lb1:eth1": list.flatMap((each, index) =>
        exchange(beyond(each, { client: `10.2.0.2:${20_000 + index}`, server: `10.2.0.${11 + (index % 3)}:5353` })),
      ),
    });
    const clients = connections.filter(({ vip: called }) => called === vip);
    expect(clients).toHaveLength(50);
    for (const { client, backend: found } of clients) {
      const index = list.findIndex((each) => each.client === client);
      expect([null, `10.2.0.${11 + (index % 3)}:5353`]).toContain(found);
    }
  });

  it("joins identical queries of many clients where destination NAT left their addresses", () => {
    const list = Array.from({ length: 50 }, (_, index): Exchange => {
      return { client: `10.1.0.${index + 1}:${40_000 + index}`, server: vip, start: index * 0.002, query: query(9) };
    });
    const connections = join({
      "lb1:eth0": list.flatMap((each) => exchange(each)),
      "lb1:eth1": list.flatMap((each, index) => exchange(beyond(each, { server: `10.2.0.${11 + (index % 3)}:5353` }))),
    });
    expect(connections.map(({ backend: found }) => found)).toEqual(
      list.map((_, index) => `10.2.0.${11 + (index % 3)}:5353`),
    );
  });

  it("does not take the second name server that a resolver asks at once for the first one's backend", () => {
    const first = exchange({ ...one, server: "192.0.2.53:53" });
    const second = exchange({ ...one, server: "192.0.2.54:53", start: 20e-6 });
    const connections = join({ "c1:eth0": [...first, ...second] });
    expect(connections).toHaveLength(2);
    for (const connection of connections) expect(connection.backend).toBeNull();
  });

  it("keeps IPv6 clients apart whose addresses end alike", () => {
    const clients = ["[2001:db8:1::5]:123", "[2001:db8:2::5]:123"];
    const six = clients.map(
      (client, index): Exchange => ({
        client,
        server: "[2001:db8::10]:123",
        start: index,
        query: query(index + 5, 48),
      }),
    );
    const connections = join({ "a:eth0": exchange(six[0] as Exchange), "b:eth0": exchange(six[1] as Exchange) });
    expect(connections.map(({ client }) => client)).toEqual(clients);
  });

  it("keeps the lives of a port apart", () => {
    const lives = [0, 600].map((start, index): Exchange => ({ ...one, start, query: query(index) }));
    const connections = join({
      "lb1:eth0": lives.flatMap((life) => exchange(life)),
      "lb1:eth1": lives.flatMap((life, index) => exchange(beyond(life, { server: `10.2.0.${11 + index}:5353` }))),
    });
    expect(connections.map(({ backend: found }) => found)).toEqual(["10.2.0.11:5353", "10.2.0.12:5353"]);
  });

  it("takes no more time where a thousand clients send the same", () => {
    const list = Array.from({ length: 5000 }, (_, index): Exchange => {
      return {
        client: `10.1.${index >> 8}.${index & 255}:40000`,
        server: vip,
        start: index * 1e-4,
        query: query(9),
        reply: null,
      };
    });
    const began = performance.now();
    expect(join({ "lb1:eth0": list.flatMap((each) => exchange(each)) })).toHaveLength(5000);
    expect(performance.now() - began).toBeLessThan(15_000);
  });
});
