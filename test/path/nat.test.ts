import { describe, expect, it } from "vitest";
import type { TimedPacket } from "../../fixtures/packets/capture-file.ts";
import { type TcpConversation, tcpConversation } from "../../fixtures/packets/conversation.ts";
import type { Direction, Leg } from "../../fixtures/packets/leg.ts";
import { packet } from "../../fixtures/packets/packet.ts";
import { connectPoints, join, joinOne } from "./join.ts";

const client = "10.1.0.1:40001";
const vip = "192.0.2.10:443";
const backend = "10.2.0.11:8443";
const snat = "10.2.0.2:1025";

const start = (options: Partial<Parameters<typeof tcpConversation>[0]> = {}) =>
  tcpConversation({ client, server: vip, ...options });
const exchange = (conversation: TcpConversation) =>
  conversation.handshake().send("up", 300).send("down", 5000).fin("up");
/** Frames from the given one on, as a capture that began late has them. */
const from = (packets: readonly TimedPacket[], first: number) => packets.slice(first);

describe("destination NAT", () => {
  it("is joined from a leg on each side of the balancer", () => {
    const script = exchange(start());
    const connection = joinOne({
      "lb1:eth0": script.packets(),
      "lb1:eth1": script.viaNat({ server: backend }).packets(),
    });
    expect(connection).toMatchObject({ client, vip, backend, mode: "dnat", outcome: "ok", keys: ["both-isn"] });
    expect(connection.points).toEqual(["lb1:eth0", "lb1:eth1"]);
    expect(connection.hops).toEqual(["forward", "dnat"]);
  });

  it("is joined where both legs pass one interface", () => {
    const script = exchange(start());
    const seen = [...script.packets(), ...script.viaNat({ server: backend }).packets()];
    expect(joinOne({ "lb1:eth0": seen })).toMatchObject({ client, vip, backend, mode: "dnat" });
  });

  it("puts all points of the way in the order in which the client's packets meet them", () => {
    const script = exchange(start());
    const behind = script.viaNat({ server: backend, delay: 300e-6 });
    const connection = joinOne({
      "rs1:eth0": behind.viaMacs({ delay: 200e-6 }).packets(),
      "lb1:eth1": behind.packets(),
      "r1:eth1": script.viaMacs({ delay: 100e-6 }).packets(),
      "lb1:eth0": script.viaMacs({ delay: 200e-6 }).packets(),
      "c1:eth0": script.packets(),
    });
    expect(connection.points).toEqual(["c1:eth0", "r1:eth1", "lb1:eth0", "lb1:eth1", "rs1:eth0"]);
    expect(connection).toMatchObject({ backend, hops: ["forward", "forward", "forward", "dnat", "forward"] });
  });

  it("goes to the backend that answered, where the SYN was tried at another before", () => {
    const script = start()
      .syn({ retries: [1, 3] })
      .synAck()
      .ack("up")
      .send("up", 100)
      .send("down", 100)
      .fin("up");
    const isRetry = (index: number) => index === 2;
    let syns = 0;
    const tried = script.viaNat({ server: "10.2.0.12:8443" }).filter(({ flags }) => flags === "S" && !isRetry(syns++));
    syns = 0;
    const answered = script.viaNat({ server: backend }).filter(({ flags }) => flags !== "S" || isRetry(syns++));
    const connection = joinOne({
      "lb1:eth0": script.packets(),
      "lb1:eth1": [...tried.packets(), ...answered.packets()],
    });
    expect(connection).toMatchObject({ client, vip, backend, mode: "dnat" });
    expect(connection.points).toHaveLength(3);
  });

  it("names the backend that refused", () => {
    const script = start().syn().rst("down", "refused");
    expect(
      joinOne({ "lb1:eth0": script.packets(), "lb1:eth1": script.viaNat({ server: backend }).packets() }),
    ).toMatchObject({ backend, mode: "dnat", outcome: "refused" });
  });

  it("names the backend that was silent", () => {
    const script = start().syn({ retries: [1, 3, 7] });
    expect(
      joinOne({ "lb1:eth0": script.packets(), "lb1:eth1": script.viaNat({ server: backend }).packets() }),
    ).toMatchObject({ backend, mode: "dnat", outcome: "timeout" });
  });

  it("leaves the backend open where only the client's side was captured", () => {
    expect(joinOne({ "lb1:eth0": exchange(start()).packets() })).toMatchObject({
      client,
      vip,
      backend: null,
      mode: null,
    });
  });

  it("keeps two lives of one 4-tuple apart", () => {
    const first = exchange(start({ timestamps: false }));
    const second = exchange(start({ start: 5, timestamps: false }));
    const connections = join({
      "lb1:eth0": [...first.packets(), ...second.packets()],
      "lb1:eth1": [
        ...first.viaNat({ server: backend }).packets(),
        ...second.viaNat({ server: "10.2.0.12:8443" }).packets(),
      ],
    });
    expect(connections.map((one) => one.backend)).toEqual([backend, "10.2.0.12:8443"]);
  });

  it("keeps two lives apart whose client chose the same initial sequence number again", () => {
    const first = start({ clientIsn: 7, serverIsn: 100 }).syn().rst("down", "refused");
    const second = exchange(start({ start: 200, clientIsn: 7, serverIsn: 200 }));
    const connections = join({
      "lb1:eth0": [...first.packets(), ...second.packets()],
      "lb1:eth1": [
        ...first.viaNat({ server: "10.2.0.12:8443" }).packets(),
        ...second.viaNat({ server: backend }).packets(),
      ],
    });
    expect(connections.map((one) => one.backend)).toEqual(["10.2.0.12:8443", backend]);
  });

  it("joins offloaded segments at one point with single ones at another", () => {
    const whole = exchange(start({ mss: 65_000 }));
    const cut = tcpConversation({ client, server: vip, mss: 1460 })
      .handshake()
      .send("up", 300)
      .send("down", 5000)
      .fin("up");
    expect(
      joinOne({ "lb1:eth0": whole.packets(), "lb1:eth1": cut.viaNat({ server: backend }).packets() }),
    ).toMatchObject({ client, vip, backend });
  });

  it("joins points that saw one direction only", () => {
    const script = exchange(start());
    const behind = script.viaNat({ server: backend });
    for (const direction of ["up", "down"] as const) {
      const connection = joinOne({
        "lb1:eth0": script
          .leg()
          .filter((segment) => segment.direction === direction)
          .packets(),
        "lb1:eth1": behind.filter((segment) => segment.direction === direction).packets(),
      });
      expect(connection).toMatchObject({ client, vip, backend });
    }
  });

  it("asks other connections which of two points is nearer to the client, where each saw another direction", () => {
    const script = exchange(start());
    const behind = script.viaNat({ server: backend });
    const only = (leg: Leg, direction: Direction) => leg.filter((segment) => segment.direction === direction).packets();
    const other = exchange(start({ client: "10.1.0.2:40002", start: 1 }));
    const otherBehind = other.viaNat({ server: "10.2.0.12:8443" });
    for (const [front, back] of [
      ["up", "down"],
      ["down", "up"],
    ] as const) {
      const alone = { "lb1:eth0": only(script.leg(), front), "lb1:eth1": only(behind, back) };
      expect(joinOne(alone)).toMatchObject({ client, backend: null });
      const [connection] = join({
        "lb1:eth0": [...alone["lb1:eth0"], ...other.packets()],
        "lb1:eth1": [...alone["lb1:eth1"], ...otherBehind.packets()],
      });
      expect(connection).toMatchObject({ client, vip, backend, points: ["lb1:eth0", "lb1:eth1"] });
    }
  });

  it("joins what began before the capture", () => {
    const script = exchange(start());
    const behind = script.viaNat({ server: backend });
    const connection = joinOne({ "lb1:eth0": from(script.packets(), 4), "lb1:eth1": from(behind.packets(), 4) });
    expect(connection).toMatchObject({ client, vip, backend, mode: "dnat", keys: ["sequence-overlap"] });
  });

  it("joins what began before one capture only", () => {
    const script = exchange(start());
    const behind = script.viaNat({ server: backend });
    expect(joinOne({ "lb1:eth0": script.packets(), "lb1:eth1": from(behind.packets(), 5) })).toMatchObject({
      client,
      vip,
      backend,
    });
    expect(joinOne({ "lb1:eth0": from(script.packets(), 5), "lb1:eth1": behind.packets() })).toMatchObject({
      client,
      vip,
      backend,
    });
  });

  it("joins a long upload that two captures saw at different times", () => {
    const script = start({ timestamps: true }).handshake();
    for (let i = 0; i < 40; i++) script.send("up", 60_000);
    script.send("down", 100);
    const behind = script.viaNat({ server: backend });
    const front = script.packets();
    const other = exchange(start({ client: "10.1.0.2:40002", start: 9 }));
    const [connection] = join({
      "lb1:eth0": [...front.slice(20, front.length - 1000), ...other.packets()],
      "lb1:eth1": [...from(behind.packets(), 60), ...other.viaNat({ server: "10.2.0.12:8443" }).packets()],
    });
    expect(connection).toMatchObject({ client, vip, backend, keys: ["sequence-overlap"] });
  });

  it("keeps the client that a source NAT before the VIP hid", () => {
    const script = exchange(start());
    const carrier = script.viaNat({ client: "203.0.113.9:60001" });
    const behind = carrier.viaNat({ server: backend });
    expect(
      joinOne({ "cgn:eth0": script.packets(), "lb1:eth0": carrier.packets(), "lb1:eth1": behind.packets() }),
    ).toMatchObject({ client, vip, backend, mode: "dnat", hops: ["forward", "forward", "dnat"] });
  });

  it("knows a backend from other connections where a leg behind the balancer is all there is", () => {
    const script = exchange(start());
    const other = exchange(start({ client: "10.1.0.2:40002", start: 1 })).viaNat({ server: backend });
    const [, alone] = join({
      "lb1:eth0": script.packets(),
      "lb1:eth1": [...script.viaNat({ server: backend }).packets(), ...other.packets()],
    });
    expect(alone).toMatchObject({
      client: "10.1.0.2:40002",
      vip: backend,
      backend,
      mode: "forward",
      keys: ["known-backend"],
    });
  });
});

describe("full NAT", () => {
  it("is joined by both initial sequence numbers", () => {
    const script = exchange(start());
    const connection = joinOne({
      "lb1:eth0": script.packets(),
      "lb1:eth1": script.viaNat({ client: snat, server: backend }).packets(),
    });
    expect(connection).toMatchObject({ client, vip, backend, mode: "fullnat", hops: ["forward", "fullnat"] });
  });

  it("is joined without timestamps where nobody answers, only if the client's port was kept", () => {
    const script = start({ timestamps: false }).syn({ retries: [1, 3] });
    const kept = script.viaNat({ client: "10.2.0.2:40001", server: backend });
    expect(joinOne({ "lb1:eth0": script.packets(), "lb1:eth1": kept.packets() })).toMatchObject({ client, backend });
  });

  it("is joined by the client's timestamps where nobody answers", () => {
    const script = start().syn({ retries: [1, 3] });
    const behind = script.viaNat({ client: snat, server: backend });
    expect(joinOne({ "lb1:eth0": script.packets(), "lb1:eth1": behind.packets() })).toMatchObject({ client, backend });
  });

  it("is joined between an IPv6 VIP and IPv4 backends", () => {
    const six = { client: "[2001:db8:1::5]:40001", server: "[2001:db8::10]:443" };
    const script = exchange(tcpConversation(six));
    expect(
      joinOne({ "lb1:eth0": script.packets(), "lb1:eth1": script.viaNat({ client: snat, server: backend }).packets() }),
    ).toMatchObject({ client: six.client, vip: six.server, backend, mode: "fullnat" });
  });

  it("is joined where it began before the capture, with and without timestamps", () => {
    for (const timestamps of [true, false]) {
      const script = exchange(start({ timestamps }));
      const behind = script.viaNat({ client: snat, server: backend });
      expect(joinOne({ "lb1:eth0": from(script.packets(), 4), "lb1:eth1": from(behind.packets(), 4) })).toMatchObject({
        client,
        vip,
        backend,
        mode: "fullnat",
      });
    }
  });

  it("is joined behind a SYN proxy that made up the server's number", () => {
    const script = exchange(start());
    for (const behind of [
      script.viaNat({ server: backend, serverSeqShift: 123_456_789 }),
      script.viaNat({ client: snat, server: backend, serverSeqShift: 123_456_789 }),
    ]) {
      expect(joinOne({ "lb1:eth0": script.packets(), "lb1:eth1": behind.packets() })).toMatchObject({
        client,
        vip,
        backend,
      });
    }
  });

  it("takes the client from the TCP option address where its own leg was not captured", () => {
    for (const toa of ["syn", "first-ack"] as const) {
      const behind = exchange(start({ timestamps: false })).viaNat({ client: snat, server: backend, toa });
      expect(joinOne({ "rs1:eth0": behind.packets() })).toMatchObject({
        client,
        backend,
        mode: "fullnat",
        keys: ["toa"],
      });
    }
  });

  it("is joined where the option address stands beside the client's own leg", () => {
    const script = exchange(start());
    const behind = script.viaNat({ client: snat, server: backend, toa: "first-ack" });
    const connection = joinOne({ "lb1:eth0": script.packets(), "lb1:eth1": behind.packets() });
    expect(connection).toMatchObject({ client, vip, backend, mode: "fullnat" });
  });
});

describe("clients that look alike", () => {
  /** SYNs of a flood: each from another address, with the same port and the same initial sequence number. */
  const flood = (count: number) =>
    Array.from({ length: count }, (_, i) =>
      tcpConversation({
        client: `10.${1 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}:2048`,
        server: vip,
        clientIsn: 42,
        start: i * 1e-5,
        timestamps: false,
      }).syn(),
    );

  it("stay connections of their own although sequence numbers and ports are equal", () => {
    const scripts = flood(50);
    const connections = join({ "lb1:eth0": scripts.flatMap((script) => script.packets()) });
    expect(new Set(connections.map((one) => one.client)).size).toBe(50);
  });

  it("are joined each to its own backend leg", () => {
    const scripts = flood(50);
    const target = (i: number) => `10.2.0.${11 + (i % 3)}:8443`;
    const connections = join({
      "lb1:eth0": scripts.flatMap((script) => script.packets()),
      "lb1:eth1": scripts.flatMap((script, i) => script.viaNat({ server: target(i) }).packets()),
    });
    expect(connections.map((one) => one.backend)).toEqual(scripts.map((_, i) => target(i)));
  });

  it("take no more time than others", () => {
    const scripts = flood(6000);
    const began = performance.now();
    const { connections } = connectPoints({ "lb1:eth0": scripts.flatMap((script) => script.packets()) });
    expect(connections).toHaveLength(6000);
    expect(performance.now() - began).toBeLessThan(20_000);
  });
});

describe("what belongs to no client", () => {
  it("is left alone: a plain router between two points", () => {
    const script = exchange(start());
    const connection = joinOne({ "r1:eth0": script.packets(), "r1:eth1": script.viaMacs({}).packets() });
    expect(connection).toMatchObject({ client, vip, backend: null, mode: null, points: ["r1:eth0", "r1:eth1"] });
  });

  it("survives packets that are no conversation", () => {
    const arp = packet()
      .ethernet()
      .arp({ operation: "request", senderMac: "02:00:00:00:00:01", senderIp: "10.1.0.1", targetIp: "10.1.0.2" });
    expect(join({ "lb1:eth0": [{ timeSeconds: 0, bytes: arp.build() }] })).toEqual([]);
    expect(join({})).toEqual([]);
  });
});
