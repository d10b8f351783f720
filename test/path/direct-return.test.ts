import { describe, expect, it } from "vitest";
import { type TcpConversation, tcpConversation } from "../../fixtures/packets/conversation.ts";
import type { Leg, MacPair } from "../../fixtures/packets/leg.ts";
import { type PacketBuilder, packet } from "../../fixtures/packets/packet.ts";
import { join, joinOne } from "./join.ts";

const vip = "192.0.2.10:443";
const lbAddress = "10.2.0.2";
const backends = ["10.2.0.11", "10.2.0.12", "10.2.0.13"] as const;

const MAC = {
  client: "02:00:00:00:01:01",
  router: "02:00:00:00:02:fe",
  otherRouter: "02:00:00:00:02:fd",
  lb: "02:00:00:00:02:01",
  rs: ["02:00:00:00:02:11", "02:00:00:00:02:12", "02:00:00:00:02:13"],
} as const;
const link = (src: string, dst: string): { up: MacPair; down: MacPair } => ({
  up: { src, dst },
  down: { src: dst, dst: src },
});

/** A client's connection as the router's wire to the servers has it; servers answer with a host's own TTL there. */
function script(index: number, options: Partial<Parameters<typeof tcpConversation>[0]> = {}): TcpConversation {
  return tcpConversation({
    client: `10.1.0.${index + 1}:${40_000 + index}`,
    server: vip,
    start: index * 0.1,
    clientTtl: 63,
    serverTtl: 64,
    ...options,
  });
}
const exchange = (conversation: TcpConversation) =>
  conversation.handshake().send("up", 300).send("down", 5000).fin("up");
const three = [0, 1, 2].map((index) => ({ index, conversation: exchange(script(index)), rs: MAC.rs[index] ?? "" }));

/** Requests from the router to the balancer, and from there to the backend; replies from the backend to the router. */
function dsrL2(conversation: TcpConversation, rs: string, { ttl = 0 }: { ttl?: number } = {}) {
  const asked = conversation.viaMacs({ ...link(MAC.router, MAC.lb), delay: 0, ttl: 0, only: "up" });
  const handedOn = conversation.viaMacs({ ...link(MAC.lb, rs), delay: 30e-6, ttl, only: "up" });
  const replies = conversation.viaMacs({ ...link(MAC.router, rs), delay: 0, ttl: 0, only: "down" });
  return { asked, handedOn, replies };
}

describe("direct return by the destination MAC", () => {
  it("is seen at a one-armed balancer, which gets requests only", () => {
    const connections = join({
      "lb1:eth0": three.flatMap(({ conversation, rs }) => {
        const { asked, handedOn } = dsrL2(conversation, rs);
        return [...asked.packets(), ...handedOn.packets()];
      }),
    });
    expect(connections.map(({ backend, mode }) => ({ backend, mode }))).toEqual(
      three.map(({ rs }) => ({ backend: rs, mode: "dsr-l2" })),
    );
  });

  it("is proven by one connection alone where the frames' TTL stays: no router did it", () => {
    const { asked, handedOn } = dsrL2(exchange(script(0)), MAC.rs[0]);
    expect(joinOne({ "lb1:eth0": [...asked.packets(), ...handedOn.packets()] })).toMatchObject({
      backend: MAC.rs[0],
      mode: "dsr-l2",
      keys: ["mac"],
      hops: ["dsr-l2"],
    });
  });

  it("is proven where the balancer takes one from the TTL, as IPVS does, and the backend's answer is seen", () => {
    const { asked, handedOn, replies } = dsrL2(exchange(script(0)), MAC.rs[0], { ttl: -1 });
    expect(
      joinOne({
        "lb1:eth0": [...asked.packets(), ...handedOn.packets()],
        "rs1:eth0": [...handedOn.packets({ clockOffset: 20e-6 }), ...replies.packets({ clockOffset: -50e-6 })],
      }),
    ).toMatchObject({ backend: MAC.rs[0], mode: "dsr-l2" });
  });

  it("is told by several backends of one VIP, where no answer is seen and the TTL tells of routing", () => {
    const at = (chosen: typeof three) => ({
      "lb1:eth0": chosen.flatMap(({ conversation, rs }) => {
        const { asked, handedOn } = dsrL2(conversation, rs, { ttl: -1 });
        return [...asked.packets(), ...handedOn.packets()];
      }),
    });
    expect(join(at(three)).map(({ backend }) => backend)).toEqual(MAC.rs);
    expect(join(at(three.slice(0, 1)))[0]).toMatchObject({ backend: null, mode: null });
  });

  it("is seen at a two-armed balancer", () => {
    const { asked, handedOn } = dsrL2(exchange(script(0)), MAC.rs[0]);
    const connection = joinOne({ "lb1:eth0": asked.packets(), "lb1:eth1": handedOn.packets() });
    expect(connection).toMatchObject({ backend: MAC.rs[0], mode: "dsr-l2", points: ["lb1:eth0", "lb1:eth1"] });
    expect(connection.hops).toEqual(["forward", "dsr-l2"]);
  });

  it("is seen at a two-armed balancer on a trunk, by its VLANs", () => {
    const { asked, handedOn } = dsrL2(exchange(script(0)), MAC.rs[0]);
    const tagged = (leg: Leg, id: number, macs: MacPair) =>
      leg.packets({ link: () => packet().ethernet(macs).vlan(id) });
    expect(
      joinOne({
        "lb1:eth0": [
          ...tagged(asked, 10, link(MAC.router, MAC.lb).up),
          ...tagged(handedOn, 20, link(MAC.lb, MAC.rs[0]).up),
        ],
      }),
    ).toMatchObject({ backend: MAC.rs[0], mode: "dsr-l2" });
  });

  it("is told at the router by answers from others than were asked", () => {
    const connections = join({
      "r1:eth1": three.flatMap(({ conversation, rs }) => {
        const { asked, replies } = dsrL2(conversation, rs);
        return [...asked.packets(), ...replies.packets()];
      }),
    });
    expect(connections.map(({ backend, mode }) => ({ backend, mode }))).toEqual(
      three.map(({ rs }) => ({ backend: rs, mode: "dsr-l2" })),
    );
    expect(Math.max(...connections.map(({ confidence }) => confidence))).toBeLessThan(0.9);
  });

  it("names a backend by the address that ARP shows for its MAC", () => {
    const { asked, handedOn } = dsrL2(exchange(script(0)), MAC.rs[0]);
    const arp = packet()
      .ethernet({ src: MAC.rs[0], dst: "ff:ff:ff:ff:ff:ff" })
      .arp({ operation: "request", senderMac: MAC.rs[0], senderIp: backends[0], targetIp: "10.2.0.254" });
    expect(
      joinOne({ "lb1:eth0": [{ timeSeconds: 0, bytes: arp.build() }, ...asked.packets(), ...handedOn.packets()] }),
    ).toMatchObject({ backend: `${backends[0]}:443` });
  });

  it("is seen of what began before the capture", () => {
    const { asked, handedOn } = dsrL2(exchange(script(0)), MAC.rs[0]);
    expect(joinOne({ "lb1:eth0": [...asked.packets().slice(3), ...handedOn.packets().slice(3)] })).toMatchObject({
      backend: MAC.rs[0],
      mode: "dsr-l2",
    });
  });

  it("is not claimed for the backend to which a flow moved, which resets it", () => {
    const conversation = script(0)
      .handshake()
      .send("up", 300)
      .send("down", 300)
      .silence(2)
      .send("up", 300, { ack: false });
    const last = conversation.leg().segments.at(-1);
    const moved = dsrL2(conversation, MAC.rs[1]).handedOn.filter(
      (segment) => segment === last || segment.seq === last?.seq,
    );
    const reset = script(0).handshake().send("up", 600).rst("down", "no-socket");
    const back = reset.viaMacs({ ...link(MAC.router, MAC.rs[1]), delay: 0, ttl: 0, only: "down" });
    const resets = back.filter((segment) => segment.flags === "R");
    const [connection] = join({
      "rs2:eth0": [...moved.packets().slice(-1), ...resets.packets({ clockOffset: 3 })],
    });
    expect(connection).toMatchObject({ backend: null });
  });
});

describe("what only looks like direct return", () => {
  it("is left alone: routers that both directions pass", () => {
    const conversation = exchange(script(0));
    const far = conversation.viaMacs({ ...link(MAC.router, MAC.rs[0]) });
    const near = conversation.viaMacs({ ...link(MAC.client, MAC.router), delay: 0, ttl: 0 });
    expect(joinOne({ "r1:eth0": near.packets(), "r1:eth1": far.packets() })).toMatchObject({
      backend: null,
      mode: null,
    });
    // one-armed
    expect(joinOne({ "r1:eth0": [...near.packets(), ...far.packets()] })).toMatchObject({ backend: null, mode: null });
  });

  it("is left alone: a virtual router's address that another MAC answers for", () => {
    const connections = join({
      "c1:eth0": three.flatMap(({ conversation, rs }) => [
        ...conversation.viaMacs({ ...link(MAC.client, "00:00:5e:00:01:0a"), delay: 0, ttl: 0, only: "up" }).packets(),
        ...conversation.viaMacs({ ...link(MAC.client, rs), delay: 0, ttl: 0, only: "down" }).packets(),
      ]),
    });
    for (const connection of connections) expect(connection).toMatchObject({ backend: null, mode: null });
  });

  it("is left alone: a router that the replies of a single server do not pass", () => {
    const conversation = exchange(script(0));
    const into = conversation.viaMacs({ ...link(MAC.client, MAC.router), delay: 0, ttl: 0, only: "up" });
    const out = conversation.viaMacs({ ...link(MAC.router, MAC.rs[0]), only: "up" });
    expect(joinOne({ "r1:eth0": into.packets(), "r1:eth1": out.packets() })).toMatchObject({ backend: null });
    expect(joinOne({ "r1:eth0": [...into.packets(), ...out.packets()] })).toMatchObject({ backend: null });
  });

  it("is left alone: a single server that answers by another router", () => {
    const connections = join({
      "r1:eth1": three.flatMap(({ conversation }) => [
        ...conversation.viaMacs({ ...link(MAC.router, MAC.rs[0]), delay: 0, ttl: 0, only: "up" }).packets(),
        ...conversation.viaMacs({ ...link(MAC.otherRouter, MAC.rs[1]), delay: 0, ttl: 0, only: "down" }).packets(),
      ]),
    });
    for (const connection of connections) expect(connection).toMatchObject({ backend: null });
  });

  it("is left alone: a host that answers from each of its network cards", () => {
    const answering = [MAC.lb, ...MAC.rs];
    const connections = join({
      "c1:eth0": answering.flatMap((mac, index) => {
        const conversation = exchange(script(index));
        return [
          ...conversation.viaMacs({ ...link(MAC.client, MAC.lb), delay: 0, ttl: 0, only: "up" }).packets(),
          ...conversation.viaMacs({ ...link(MAC.client, mac), delay: 0, ttl: 0, only: "down" }).packets(),
        ];
      }),
    });
    expect(connections).toHaveLength(4);
    for (const connection of connections) expect(connection).toMatchObject({ backend: null });
  });
});

describe("direct return by a tunnel", () => {
  const outer = (to: string) => packet().ipv4({ src: lbAddress, dst: to });
  const tunnels: Record<string, (to: string) => PacketBuilder> = {
    IPIP: outer,
    GRE: (to) => outer(to).gre(),
    "GUE as GLB sends it": (to) =>
      outer(to)
        .udp({ src: 33_000, dst: 6080 })
        .gue({ hops: [backends[2]] }),
    FOU: (to) => outer(to).udp({ src: 33_000, dst: 5555 }),
    VXLAN: (to) => outer(to).udp({ src: 33_000, dst: 4789 }).vxlan(7).ethernet(link(MAC.lb, MAC.rs[0]).up),
    Geneve: (to) => outer(to).udp({ src: 33_000, dst: 6081 }).geneve(7).ethernet(link(MAC.lb, MAC.rs[0]).up),
  };

  describe.each(Object.entries(tunnels))("%s", (_, tunnel) => {
    const legs = (index: number) => {
      const conversation = exchange(script(index));
      const rs = MAC.rs[index] ?? "";
      const asked = conversation.viaMacs({ ...link(MAC.router, MAC.lb), delay: 0, ttl: 0, only: "up" });
      const tunnelled = conversation.viaTunnel({
        outer: tunnel(backends[index] ?? ""),
        ...link(MAC.lb, rs),
        delay: 50e-6,
        ttl: 0,
      });
      const replies = conversation.viaMacs({ ...link(MAC.router, rs), delay: 0, ttl: 0, only: "down" });
      return { asked, tunnelled, replies };
    };
    const expected = (index: number) => ({
      vip,
      backend: `${backends[index]}:443`,
      mode: "dsr-tunnel",
      keys: ["tunnel"],
    });

    it("is seen at the balancer", () => {
      const { asked, tunnelled } = legs(0);
      const connection = joinOne({ "lb1:eth0": [...asked.packets(), ...tunnelled.packets()] });
      expect(connection).toMatchObject({ ...expected(0), hops: ["forward", "dsr-tunnel"] });
    });

    it("is seen at the backend, whose host answers itself", () => {
      const { tunnelled, replies } = legs(1);
      const seen = [...tunnelled.packets({ clockOffset: 40e-6 }), ...replies.packets({ clockOffset: -90e-6 })];
      expect(joinOne({ "rs2:eth0": seen })).toMatchObject(expected(1));
    });

    it("is told by several backends where nothing but the tunnel is seen", () => {
      const packets = [0, 1, 2].flatMap((index) => legs(index).tunnelled.packets());
      const connections = join({ "sw1:eth0": packets });
      expect(connections.map(({ backend }) => backend)).toEqual(backends.map((address) => `${address}:443`));
      expect(joinOne({ "sw1:eth0": legs(0).tunnelled.packets() })).toMatchObject({ backend: null });
    });

    it("is seen of what began before the capture", () => {
      const { asked, tunnelled } = legs(0);
      const seen = [...asked.packets().slice(3), ...tunnelled.packets().slice(3)];
      expect(joinOne({ "lb1:eth0": seen })).toMatchObject(expected(0));
    });
  });

  it("leads to the second hop that GLB's first one hands a connection on to", () => {
    const conversation = exchange(script(0));
    const asked = conversation.viaMacs({ ...link(MAC.router, MAC.lb), delay: 0, ttl: 0, only: "up" });
    const gue = (from: string, to: string, nextHop: number) =>
      packet()
        .ipv4({ src: from, dst: to })
        .udp({ src: 33_000, dst: 6080 })
        .gue({ hops: [backends[1]], nextHop });
    const first = conversation.viaTunnel({
      outer: gue(lbAddress, backends[0], 0),
      ...link(MAC.lb, MAC.rs[0]),
      delay: 40e-6,
    });
    const second = conversation.viaTunnel({
      outer: gue(backends[0], backends[1], 1),
      ...link(MAC.rs[0], MAC.rs[1]),
      delay: 90e-6,
    });
    expect(
      joinOne({
        "lb1:eth0": [...asked.packets(), ...first.packets()],
        "rs1:eth0": [...first.packets({ clockOffset: 10e-6 }), ...second.packets()],
      }),
    ).toMatchObject({ backend: `${backends[1]}:443`, mode: "dsr-tunnel" });
  });

  it("is not claimed for an overlay that both directions pass, nor for a mirror's tunnel", () => {
    const conversation = exchange(script(0));
    const overlay = conversation.viaTunnel({
      outer: ({ direction }) =>
        (direction === "up"
          ? packet().ipv4({ src: "10.9.0.1", dst: "10.9.0.2" })
          : packet().ipv4({ src: "10.9.0.2", dst: "10.9.0.1" })
        )
          .udp({ src: 33_000, dst: 4789 })
          .vxlan(9)
          .ethernet(),
      only: undefined as never,
    });
    expect(joinOne({ "n1:eth0": overlay.packets(), "n1:veth1": conversation.packets() })).toMatchObject({
      backend: null,
    });
    const mirror = conversation.viaTunnel({
      outer: packet()
        .ipv4({ src: "10.9.0.1", dst: "10.9.0.9" })
        .gre({ sequence: 1 })
        .erspan2({ session: 1 })
        .ethernet(),
    });
    expect(joinOne({ "r1:eth0": conversation.packets(), "probe:eth0": mirror.packets() })).toMatchObject({
      backend: null,
    });
  });
});
