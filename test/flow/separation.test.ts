import { describe, expect, it } from "vitest";
import { inOrder } from "../../fixtures/packets/capture-file.ts";
import { tcpConversation } from "../../fixtures/packets/conversation.ts";
import { LINKTYPE } from "../../fixtures/packets/link.ts";
import { type PacketBuilder, packet } from "../../fixtures/packets/packet.ts";
import { GRE, GUE, IP_IN_IP, VLAN, VXLAN } from "../../src/decode/encapsulation.ts";
import { follow, legsOf } from "./follow.ts";

const script = () =>
  tcpConversation({ client: "10.1.0.1:40001", server: "192.0.2.10:443" }).handshake().send("up", 90).fin("up");
const packetsIn = (...links: PacketBuilder[]) =>
  inOrder(...links.map((link) => script().packets({ link: () => link })));
const sizes = (tracker: ReturnType<typeof follow>) => legsOf(tracker).map(({ up, down }) => up.packets + down.packets);
const whole = script().leg().segments.length;
const balancer = { src: "10.2.0.2", dst: "10.2.0.11" };
const other = { src: "10.2.0.2", dst: "10.2.0.12" };

describe("the same 5-tuple", () => {
  it("in another VLAN is another leg", () => {
    const tracker = follow(
      packetsIn(
        packet().ethernet(),
        packet().ethernet().vlan(10),
        packet().ethernet().vlan(20),
        packet().ethernet().qinq(7, 10),
      ),
    );
    expect(sizes(tracker)).toEqual([whole, whole, whole, whole]);
    expect(legsOf(tracker).map((leg) => tracker.contexts.list[leg.context]?.map(({ kind, id }) => [kind, id]))).toEqual(
      [
        [],
        [[VLAN, 10]],
        [[VLAN, 20]],
        [
          [VLAN, 7],
          [VLAN, 10],
        ],
      ],
    );
  });

  it("with a priority tag is in no VLAN", () => {
    const tracker = follow(packetsIn(packet().ethernet(), packet().ethernet().vlan(0, { priority: 5 })));
    expect(legsOf(tracker)).toHaveLength(1);
  });

  it("in another tunnel, or with another VNI or key, is another leg", () => {
    const outer = packet().ethernet().ipv4(balancer);
    const tracker = follow(
      packetsIn(
        packet().ethernet(),
        outer,
        packet().ethernet().ipv4(other),
        outer.gre({ key: 1 }),
        outer.gre({ key: 2 }),
        outer.udp({ src: 5555 }).vxlan(100).ethernet(),
        outer.udp({ src: 5555 }).vxlan(200).ethernet(),
        outer.udp({ src: 5555 }).gue(),
      ),
    );
    expect(sizes(tracker)).toEqual(Array(8).fill(whole));
    expect(
      legsOf(tracker).map((leg) => tracker.contexts.list[leg.context]?.flatMap(({ kind, id }) => [kind, id])),
    ).toEqual([[], [IP_IN_IP, -1], [IP_IN_IP, -1], [GRE, 1], [GRE, 2], [VXLAN, 100], [VXLAN, 200], [GUE, -1]]);
  });

  it("in a tunnel is one leg in both directions, whatever the outer UDP source ports and MPLS labels", () => {
    const seen = script()
      .leg()
      .segments.map((segment, index) => {
        const up = segment.direction === "up";
        const outer = up ? balancer : { src: balancer.dst, dst: balancer.src };
        const link = packet()
          .ethernet()
          .mpls(up ? 300 : 400)
          .ipv4(outer)
          .udp({ src: 50_000 + index })
          .vxlan(9)
          .ethernet();
        return script()
          .leg()
          .filter((one) => one.timeSeconds === segment.timeSeconds)
          .packets({ link: () => link });
      });
    expect(sizes(follow(inOrder(...seen)))).toEqual([whole]);
  });

  it("at another interface, of a file or in the packets themselves, is another leg", () => {
    const perFile = follow(inOrder(script().packets({ interface: 0 }), script().packets({ interface: 1 })));
    expect(legsOf(perFile).map((leg) => leg.point)).toEqual([0, 1]);
    const cooked = follow(packetsIn(packet().sll2({ interfaceIndex: 2 }), packet().sll2({ interfaceIndex: 3 })), {
      linkType: LINKTYPE.sll2,
    });
    expect(sizes(cooked)).toEqual([whole, whole]);
    expect(
      cooked.points.list.map(({ interface: file, interfaceIndex, packets }) => [file, interfaceIndex, packets]),
    ).toEqual([
      [0, 2, whole],
      [0, 3, whole],
    ]);
  });

  it("of another protocol is another leg", () => {
    const ip = packet().ethernet().ipv4({ src: "10.1.0.1", dst: "192.0.2.10" });
    const tracker = follow([
      { timeSeconds: 0, bytes: ip.tcp({ src: 9000, dst: 53, flags: "S" }).build() },
      { timeSeconds: 1, bytes: ip.udp({ src: 9000, dst: 53 }).payload("?").build() },
    ]);
    expect(legsOf(tracker).map((leg) => leg.protocol)).toEqual([6, 17]);
  });
});

describe("contexts and points", () => {
  it("are bounded: what does not fit is one more", () => {
    const tracker = follow([]);
    const build = (vni: number) => packet().ethernet().ipv4(balancer).udp({ src: 1 }).vxlan(vni).ethernet();
    const stacks = Array.from({ length: 300 }, (_, vni) => script().packets({ link: () => build(vni) })[0]).filter(
      (one) => one !== undefined,
    );
    expect(follow(stacks).contexts.list).toHaveLength(301);
    const stack = {
      depth: 1,
      words: new Int32Array(96),
      pushTag: () => false,
      pushTunnel: () => false,
      hasTunnel: false,
    };
    for (let vlan = 1; vlan <= 70_000; vlan++) {
      stack.words[0] = VLAN;
      stack.words[1] = vlan;
      tracker.contexts.of(stack);
    }
    expect(tracker.contexts.list.length).toBe(65_537);
    expect(tracker.contexts.list[65_536]).toEqual([]);
    stack.words[1] = 1;
    expect(tracker.contexts.of(stack)).toBe(1);
    for (let index = 0; index < 10_000; index++) tracker.points.of(0, index);
    expect(tracker.points.list).toHaveLength(4096);
    expect([tracker.points.of(0, 5), tracker.points.of(0, 9_999)]).toEqual([5, 4095]);
  });

  it("of a point with packets out of order count the step back, and the first and last time", () => {
    const [a, b, c] = script().packets();
    if (!a || !b || !c) throw new Error("three packets were expected");
    const at = (seconds: number, one: typeof a) => ({ ...one, timeSeconds: seconds });
    const [point] = follow([at(Number.NaN, a), at(5, a), at(3, b), at(6, c)]).points.list;
    expect(point).toMatchObject({ packets: 4, firstTime: 5e9, lastTime: 6e9, stepBack: 2e9 });
  });
});
