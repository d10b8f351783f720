import { describe, expect, it } from "vitest";
import { type SendOptions, type TcpConversation, tcpConversation } from "../../fixtures/packets/conversation.ts";
import { proxyV1, proxyV2, proxyV2Local } from "../../fixtures/packets/proxy-header.ts";
import { clientHello } from "../../fixtures/packets/tls.ts";
import { join, joinOne, type Points } from "./join.ts";

const vip = "192.0.2.10:443";
const proxyAddress = "10.2.0.2";
const backendOf = (index: number) => `10.2.0.${11 + (index % 3)}:8443`;

interface Exchange {
  index: number;
  start?: number;
  client?: string;
  vip?: string;
  backend?: string;
  /** What the client sends, and the server answers. */
  request?: string | Uint8Array;
  response?: string | Uint8Array | number;
  header?: Uint8Array;
  /** Seconds for which the proxy keeps the request before it opens its side. */
  wait?: number;
  isServerFirst?: boolean;
}

/** A client's connection to the proxy, and the one that the proxy opens for it as soon as it has accepted. */
function relayed(options: Exchange): { front: TcpConversation; back: TcpConversation; backend: string } {
  const { index, start = index * 0.05, wait = 0.0004, isServerFirst = false } = options;
  const { request = clientHello({ random: index + 1 }), response = 3000 + index } = options;
  const backend = options.backend ?? backendOf(index);
  const client = options.client ?? `10.1.0.${1 + (index % 200)}:${40_000 + index}`;
  const front = tcpConversation({
    client,
    server: options.vip ?? vip,
    start,
    rtt: 0.02,
    position: 0.98,
    serverTtl: 64,
  });
  const back = tcpConversation({
    client: `${proxyAddress}:${30_000 + index}`,
    server: backend,
    start: start + 0.02 + wait,
    rtt: 0.0006,
    position: 0.02,
    clientTtl: 64,
  });
  front.handshake();
  if (options.header) back.handshake().send("up", options.header);
  else back.handshake();
  const at = (conversation: TcpConversation, time: number): SendOptions => ({
    after: Math.max(2e-5, time - conversation.end),
  });
  const relay = (
    from: TcpConversation,
    to: TcpConversation,
    direction: "up" | "down",
    data: string | Uint8Array | number,
  ) => {
    from.send(direction, data, at(from, Math.max(from.end, to.end)));
    to.send(direction, data, at(to, from.end + 1e-4));
  };
  const answer = typeof response === "number" ? pattern(index, response) : response;
  if (isServerFirst) relay(back, front, "down", answer);
  relay(front, back, "up", request);
  if (!isServerFirst) relay(back, front, "down", answer);
  front.fin("up", { after: 0.001 });
  back.fin("up", at(back, front.end));
  return { front, back, backend };
}

function pattern(seed: number, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, i) => (i * 7 + seed * 13) & 255);
}

const packetsOf = (list: readonly TcpConversation[], clockOffset = 0) =>
  list.flatMap((conversation) => conversation.packets({ clockOffset }));

/** As a balancer with a client's and a server's interface captures it. */
function atProxy(list: readonly { front: TcpConversation; back: TcpConversation }[], snapLength?: number): Points {
  const seen = (packets: ReturnType<typeof packetsOf>) =>
    snapLength === undefined ? packets : { packets, snapLength };
  return {
    "lb1:eth0": seen(packetsOf(list.map(({ front }) => front))),
    "lb1:eth1": seen(packetsOf(list.map(({ back }) => back))),
  };
}
const several = (count: number, options: (index: number) => Partial<Exchange> = () => ({})) =>
  Array.from({ length: count }, (_, index) => relayed({ index, ...options(index) }));
const backendsOf = (list: readonly { backend: string }[]) => list.map(({ backend }) => backend);
const clientsOnly = (points: Points) => join(points).filter(({ vip: called }) => called === vip);

describe("a terminating proxy's two sides", () => {
  it("are joined by a TLS ClientHello, whose random no two have", () => {
    const list = several(30);
    const connections = join(atProxy(list));
    expect(connections.map(({ backend }) => backend)).toEqual(backendsOf(list));
    for (const connection of connections) {
      expect(connection).toMatchObject({ vip, mode: "proxy", role: "client", keys: ["payload"], outcome: "ok" });
      expect(connection.hops).toEqual(["forward", "proxy"]);
    }
  });

  it("are joined by what a short snap length leaves of it", () => {
    const list = several(30);
    expect(join(atProxy(list, 96)).map(({ backend }) => backend)).toEqual(backendsOf(list));
  });

  it("are joined where only one of the captures was cut", () => {
    const list = several(30);
    const whole = atProxy(list);
    const cut = atProxy(list, 120);
    const connections = join({ "lb1:eth0": whole["lb1:eth0"] ?? [], "lb1:eth1": cut["lb1:eth1"] ?? [] });
    expect(connections.map(({ backend }) => backend)).toEqual(backendsOf(list));
  });

  it("are joined by sizes and order where no payload was captured, with less confidence", () => {
    const list = several(10, (index) => ({ response: 4000 + index * 100 }));
    const connections = join(atProxy(list, 66));
    expect(connections.map(({ backend }) => backend)).toEqual(backendsOf(list));
    for (const { confidence, keys } of connections) {
      expect(confidence).toBeLessThanOrEqual(0.8);
      expect(keys).toEqual(["order-and-sizes"]);
    }
  });

  it.each(["v1", "v2"])("are joined by a PROXY %s header", (version) => {
    const list = several(20, (index) => {
      const source = `10.1.0.${1 + index}:${40_000 + index}`;
      const header = version === "v1" ? proxyV1(source, vip) : proxyV2({ source, destination: vip });
      return {
        header,
        request: "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n",
        response: "HTTP/1.1 200 OK\r\n\r\nhello",
      };
    });
    const connections = join(atProxy(list));
    expect(connections.map(({ backend }) => backend)).toEqual(backendsOf(list));
    for (const { keys, mode } of connections) expect({ keys, mode }).toEqual({ keys: ["proxy-header"], mode: "proxy" });
  });

  it("are named by the header alone where the client's side was not captured", () => {
    const source = "10.1.0.9:40009";
    const { back, backend } = relayed({ index: 9, header: proxyV2({ source, destination: vip }) });
    expect(joinOne({ "rs1:eth0": back.packets() })).toMatchObject({ client: source, vip, backend, mode: "proxy" });
  });

  it("are joined to the life of a client's port that the header was sent in", () => {
    const client = "10.1.0.9:40009";
    const lives = [0, 1].map((index) =>
      relayed({ index, client, start: index * 3, header: proxyV1(client, vip), request: "hello", response: "world" }),
    );
    expect(join(atProxy(lives)).map(({ backend }) => backend)).toEqual(backendsOf(lives));
  });

  it("are not joined by a header that speaks for the proxy itself", () => {
    const check = relayed({ index: 5, header: proxyV2Local(), request: "PING", response: "PONG" });
    const list = several(5);
    const connections = join({
      "lb1:eth0": packetsOf(list.map(({ front }) => front)),
      "lb1:eth1": packetsOf([...list, check].map(({ back }) => back)),
    });
    expect(connections.filter(({ role }) => role === "balancer")).toHaveLength(1);
    expect(connections.filter(({ role }) => role === "client").map(({ backend }) => backend)).toEqual(backendsOf(list));
  });

  it("are joined where the server speaks first", () => {
    const list = several(20, (index) => ({
      isServerFirst: true,
      request: `EHLO client${index}.example\r\n`,
      response: `220 mail${index}.example ESMTP ${index * 7919}\r\n`,
    }));
    const connections = join(atProxy(list));
    expect(connections.map(({ backend }) => backend)).toEqual(backendsOf(list));
  });

  it("are joined between an IPv6 VIP and IPv4 backends", () => {
    const list = several(5, (index) => ({ client: `[2001:db8:1::${index + 1}]:40001`, vip: "[2001:db8::10]:443" }));
    const connections = join(atProxy(list));
    expect(connections.map(({ backend }) => backend)).toEqual(backendsOf(list));
  });

  it("are joined where the proxy kept the client waiting for a server", () => {
    const list = several(10, () => ({ wait: 5 }));
    expect(join(atProxy(list)).map(({ backend }) => backend)).toEqual(backendsOf(list));
  });

  it("are joined from the client's and the server's host alone, whose clocks nothing ties", () => {
    const list = several(30);
    for (const clockOffset of [0, -700, 55]) {
      const connections = join({
        "c1:eth0": packetsOf(list.map(({ front }) => front)),
        "rs1:eth0": packetsOf(
          list.map(({ back }) => back),
          clockOffset,
        ),
      });
      expect(connections.map(({ vip: called }) => called)).toEqual(list.map(() => vip));
      expect(connections.map(({ backend }) => backend)).toEqual(backendsOf(list));
    }
  });

  it("are joined through two proxies to the server behind both", () => {
    const list = several(10).map(({ front, back: middle, backend }, index) => {
      // The second proxy is what the first one calls; its own session lies within the first one's.
      const address = backend.split(":")[0] ?? "";
      const back = tcpConversation({
        client: `${address}:${31_000 + index}`,
        server: "10.4.0.5:9000",
        start: middle.leg().segments[2]?.timeSeconds ?? 0,
        rtt: 0.0001,
      });
      const { segments } = middle.leg();
      const [request, response] = segments.filter(({ payload }) => payload.length > 0);
      back.handshake();
      back.send("up", request?.payload ?? "", { after: (request?.timeSeconds ?? 0) + 2e-5 - back.end });
      const whole = segments.filter(({ direction }) => direction === "down").map(({ payload }) => [...payload]);
      back.send("down", Uint8Array.from(whole.flat()), { after: (response?.timeSeconds ?? 0) - 2e-5 - back.end });
      back.fin("up", { after: middle.end - back.end });
      return { front, middle, back };
    });
    const connections = join({
      "lb1:eth0": packetsOf(list.map(({ front }) => front)),
      "lb1:eth1": packetsOf(list.map(({ middle }) => middle)),
      "lb2:eth1": packetsOf(list.map(({ back }) => back)),
    });
    expect(connections).toHaveLength(10);
    for (const connection of connections) {
      expect(connection).toMatchObject({ vip, backend: "10.4.0.5:9000", mode: "proxy" });
      expect(connection.hops).toEqual(["forward", "proxy", "proxy"]);
    }
  });
});

describe("requests that many clients send alike", () => {
  const request = "GET /index.html HTTP/1.1\r\nHost: www.example.org\r\nAccept: */*\r\n\r\n";
  const response = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
  const alike = { request, response };

  it("are joined by their times where one ends before the next begins", () => {
    const list = several(40, () => alike);
    const connections = clientsOnly(atProxy(list));
    expect(connections.map(({ backend }) => backend)).toEqual(backendsOf(list));
    for (const { confidence } of connections) expect(confidence).toBeLessThan(0.9);
  });

  it("are never joined wrong where they overlap", () => {
    const list = several(60, (index) => ({ ...alike, start: ((index * 7919) % 60) * 0.003 }));
    expectNoFalseJoin(atProxy(list), list);
  });

  it("are never joined wrong where a server's side was not captured", () => {
    for (const spacing of [0.003, 0.02, 0.2]) {
      const list = several(60, (index) => ({ ...alike, start: index * spacing }));
      const seen = {
        "lb1:eth0": packetsOf(list.map(({ front }) => front)),
        "lb1:eth1": packetsOf(list.filter((_, index) => index % 3 === 0).map(({ back }) => back)),
      };
      expectNoFalseJoin(seen, list);
    }
  });

  it("are never joined wrong where most clients' sides were not captured", () => {
    for (const spacing of [0.003, 0.02, 0.2]) {
      const list = several(60, (index) => ({ ...alike, start: index * spacing }));
      const seen = {
        "c1:eth0": packetsOf(list.filter((_, index) => index % 5 === 0).map(({ front }) => front)),
        "lb1:eth1": packetsOf(list.map(({ back }) => back)),
      };
      expectNoFalseJoin(seen, list);
    }
  });

  it("are never joined wrong between hosts whose clocks nothing ties", () => {
    const list = several(60, () => alike);
    const seen = {
      "c1:eth0": packetsOf(list.filter((_, index) => index % 2 === 0).map(({ front }) => front)),
      "rs1:eth0": packetsOf(
        list.filter((_, index) => index % 3 === 0).map(({ back }) => back),
        4,
      ),
    };
    expectNoFalseJoin(seen, list);
  });

  it("are never joined wrong where each host saw a single one", () => {
    const one = relayed({ index: 0, ...alike });
    const other = relayed({ index: 1, ...alike });
    const seen = { "c1:eth0": one.front.packets(), "rs2:eth0": other.back.packets({ clockOffset: -3 }) };
    expectNoFalseJoin(seen, [one, other]);
    expect(join(seen)).toHaveLength(2);
  });

  it("are never joined across two VIPs of one proxy", () => {
    const list = several(60, (index) => ({
      ...alike,
      start: index * 0.004,
      vip: index % 2 === 0 ? vip : "192.0.2.20:443",
      backend: index % 2 === 0 ? "10.2.0.11:8443" : "10.2.0.21:8443",
    }));
    expectNoFalseJoin(atProxy(list), list);
  });

  /** A connection of a client has its own server, or none; and no server's session has a client's role. */
  function expectNoFalseJoin(points: Points, list: readonly { front: TcpConversation; backend: string }[]): void {
    const truth = new Map(list.map(({ front, backend }) => [clientOf(front), backend]));
    for (const { client, backend } of join(points)) {
      if (truth.has(client) && backend !== null) expect(`${client} ${backend}`).toBe(`${client} ${truth.get(client)}`);
    }
  }

  function clientOf(conversation: TcpConversation): string {
    const [connection] = join({ "x:eth0": conversation.packets() });
    return connection?.client ?? "";
  }
});
