import { describe, expect, it } from "vitest";
import { inOrder, type TimedPacket } from "../../fixtures/packets/capture-file.ts";
import { tcpConversation } from "../../fixtures/packets/conversation.ts";
import type { Leg, MacPair } from "../../fixtures/packets/leg.ts";
import { LINKTYPE } from "../../fixtures/packets/link.ts";
import { packet } from "../../fixtures/packets/packet.ts";
import { MOVE } from "../../src/flow/event-log.ts";
import * as L from "../../src/flow/leg-layout.ts";
import type { LegView } from "../../src/flow/leg-view.ts";
import { onlyLeg } from "./follow.ts";

const ROUTER = "02:00:00:00:00:0a";
const BALANCER = "02:00:00:00:00:0b";
const BACKENDS = ["02:00:00:00:00:c1", "02:00:00:00:00:c2"] as const;
const toBackend = (index: 0 | 1): MacPair => ({ src: BALANCER, dst: BACKENDS[index] });

const start = (options = {}) =>
  tcpConversation({ client: "10.1.0.1:40001", server: "192.0.2.10:443", clientIsn: 1000, serverIsn: 5000, ...options });
const busy = () => start().handshake().send("up", 120).send("down", 6000).send("up", 5000).fin("up");

/** A conversation as a one-armed balancer sees it: requests come from the router and go on to a backend. */
const arriving = (script: ReturnType<typeof start>): Leg =>
  script.viaMacs({ delay: 0, ttl: 0, only: "up", up: { src: ROUTER, dst: BALANCER } });
const leaving = (script: ReturnType<typeof start>, index: 0 | 1, delay = 15e-6, ttl = 0): Leg =>
  script.viaMacs({ delay, ttl, only: "up", up: toBackend(index) });
const moves = (leg: LegView) =>
  [...leg.tracker.events.of(leg.tracker.legs, leg.leg)].filter((event) => event.kind === MOVE);
const repeated = ({ up, down }: LegView) => [
  up.retransmits + down.retransmits,
  up.outOfOrder + down.outOfOrder,
  up.duplicateAcks + down.duplicateAcks,
];
const mac = (words: readonly [number, number, number]) => {
  const hex = words.map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  return hex.replace(/(..)(?=.)/g, "$1:");
};

describe("a packet that passes one point twice", () => {
  it("is counted once where layer-2 DSR only rewrites its MACs", () => {
    const script = busy();
    const leg = onlyLeg(inOrder(arriving(script).packets(), leaving(script, 0).packets()));
    const sent = arriving(script).segments.length;
    expect([leg.up.packets, leg.up.copies, leg.up.payloadBytes]).toEqual([2 * sent, sent, 5120]);
    expect(repeated(leg)).toEqual([0, 0, 0]);
    expect([mac(leg.up.mac), mac(leg.up.copyMac)]).toEqual([`${BALANCER}:${ROUTER}`, `${BACKENDS[0]}:${BALANCER}`]);
    expect([leg.up.macChanges, moves(leg)]).toEqual([0, []]);
  });

  it("is counted once where a router on a stick takes one from its TTL, in both directions", () => {
    const script = busy();
    const routed = script.viaMacs({ delay: 12e-6, up: { src: ROUTER, dst: BALANCER }, down: toBackend(0) });
    const leg = onlyLeg(inOrder(script.packets(), routed.packets()));
    expect([leg.up.copies * 2, leg.down.copies * 2]).toEqual([leg.up.packets, leg.down.packets]);
    expect(repeated(leg)).toEqual([0, 0, 0]);
    expect(leg.up.ttl).toEqual({ lowest: 64, highest: 64, first: 64, last: 64 });
  });

  it("is counted once in a cooked capture, where only the TTL tells", () => {
    const script = busy();
    const cooked = { link: () => packet().sll({ address: "" }) };
    const routed = script.viaMacs({ delay: 12e-6 });
    const leg = onlyLeg(inOrder(script.packets(cooked), routed.packets(cooked)), { linkType: LINKTYPE.sll });
    expect([leg.up.copies * 2, leg.down.copies * 2]).toEqual([leg.up.packets, leg.down.packets]);
    expect(repeated(leg)).toEqual([0, 0, 0]);
  });

  it("is counted once where several come in before the first goes out", () => {
    const script = start().handshake().send("up", 14_000).send("up", 9000).fin("up");
    for (const delay of [50e-6, 200e-6, 900e-6]) {
      const leg = onlyLeg(inOrder(arriving(script).packets(), leaving(script, 0, delay).packets()));
      expect([leg.up.copies * 2, moves(leg)]).toEqual([leg.up.packets, []]);
      expect(repeated(leg)).toEqual([0, 0, 0]);
    }
  });

  it("is counted once over IPv6, which has no identification", () => {
    const script = tcpConversation({ client: "[2001:db8::1]:40001", server: "[2001:db8:9::10]:443" });
    script.handshake().send("up", 9000).fin("up");
    const leg = onlyLeg(inOrder(arriving(script).packets(), leaving(script, 0).packets()));
    expect([leg.up.copies * 2, repeated(leg)]).toEqual([leg.up.packets, [0, 0, 0]]);
  });

  it("is counted once where it is a reset", () => {
    const script = start().handshake().send("up", 10).rst("up");
    const leg = onlyLeg(inOrder(arriving(script).packets(), leaving(script, 0).packets()));
    expect([leg.up.resets, leg.up.copies * 2]).toEqual([1, leg.up.packets]);
    const refused = start().syn().rst("down", "refused");
    const both = inOrder(
      refused.packets(),
      refused.viaMacs({ delay: 9e-6, down: toBackend(0), up: toBackend(1) }).packets(),
    );
    expect(onlyLeg(both).down).toMatchObject({ resets: 1, copies: 1 });
  });

  it("is counted once where it passes three stretches", () => {
    const script = busy();
    const third = script.viaMacs({ delay: 30e-6, ttl: -2, only: "up", up: { src: BACKENDS[0], dst: BACKENDS[1] } });
    const leg = onlyLeg(inOrder(arriving(script).packets(), leaving(script, 0, 10e-6).packets(), third.packets()));
    expect([leg.up.copies, leg.up.macChanges, repeated(leg)]).toEqual([(leg.up.packets / 3) * 2, 0, [0, 0, 0]]);
  });

  it("is data where the first passing was not captured", () => {
    const script = start().handshake().send("up", 100).send("up", 100).send("up", 100);
    const lost = arriving(script).filter((segment) => segment.seq !== 1101);
    const leg = onlyLeg(inOrder(lost.packets(), leaving(script, 0).packets()));
    expect([leg.up.payloadBytes, leg.up.has(L.SIDE_HOLE), repeated(leg)]).toEqual([300, false, [0, 0, 0]]);
  });

  it("is still told from one that was sent again, which passes twice too", () => {
    const script = start().handshake().send("up", 100, { ack: false }).retransmit("up").retransmit("up").ack("down");
    const leg = onlyLeg(inOrder(arriving(script).packets(), leaving(script, 0).packets()));
    expect([leg.up.retransmits, leg.up.copies * 2]).toEqual([2, leg.up.packets]);
  });
});

describe("a packet that was captured twice", () => {
  const twice = (packets: TimedPacket[]) =>
    packets.flatMap((one) => [one, { ...one, timeSeconds: one.timeSeconds + 3e-6 }]);

  it("is counted once by its identification", () => {
    const script = start().handshake().send("up", 900).send("down", 900).fin("up");
    // The SYN-ACK of Linux has none.
    const leg = onlyLeg(twice(script.packets()));
    expect([leg.up.copies * 2, leg.down.copies * 2]).toEqual([leg.up.packets, leg.down.packets]);
    expect(repeated(leg)).toEqual([0, 0, 0]);
  });

  it("is counted once where several went out at once and their copies follow them", () => {
    const script = start().handshake().send("up", 900).send("up", 900).send("up", 900).fin("up");
    const later = script.packets().map((one) => ({ ...one, timeSeconds: one.timeSeconds + 4e-3 }));
    const leg = onlyLeg(inOrder(script.packets(), later));
    expect([leg.up.retransmits, leg.up.outOfOrder, leg.up.payloadBytes]).toEqual([0, 0, 2700]);
  });

  it("without an identification is counted once where it follows at once, and later is taken for sent again", () => {
    const script = start().handshake().send("up", 900, { ipId: 0 });
    const leg = onlyLeg(twice(script.packets()));
    expect([leg.up.retransmits, leg.up.payloadBytes]).toEqual([0, 900]);
    const packets = start({ timestamps: false }).handshake().send("up", 900, { ipId: 0, ack: false }).packets();
    const again = packets.slice(-1).map((one) => ({ ...one, timeSeconds: one.timeSeconds + 8e-3 }));
    expect(onlyLeg([...packets, ...again]).up.retransmits).toBe(1);
  });

  it("and acknowledges is not a copy where nothing numbers it: receivers repeat themselves", () => {
    const script = start().handshake().send("up", 900).ack("down", { ipId: 0 });
    const packets = script.packets();
    const again = packets.slice(-1).map((one) => ({ ...one, timeSeconds: one.timeSeconds + 10e-6 }));
    expect(onlyLeg([...packets, ...again]).down.copies).toBe(0);
  });
});

describe("a flow that moves", () => {
  it("to another next hop is logged with the MACs before and after", () => {
    const script = start().handshake().send("up", 100).send("up", 100).send("up", 100);
    const [from, to]: [MacPair, MacPair] = [
      { src: ROUTER, dst: BACKENDS[0] },
      { src: ROUTER, dst: BACKENDS[1] },
    ];
    const first = script.viaMacs({ delay: 0, ttl: 0, up: from });
    const second = script.viaMacs({ delay: 0, ttl: 0, up: to });
    const half = Math.floor(first.segments.length / 2);
    const leg = onlyLeg(
      inOrder(
        first.filter((one) => one.timeSeconds < (first.segments[half]?.timeSeconds ?? 0)).packets(),
        second.filter((one) => one.timeSeconds >= (second.segments[half]?.timeSeconds ?? 0)).packets(),
      ),
    );
    const [move, ...more] = moves(leg);
    expect([more, leg.up.macChanges, leg.down.macChanges]).toEqual([[], 1, 0]);
    expect(mac(move?.mac ?? [0, 0, 0])).toBe(`${BACKENDS[1]}:${ROUTER}`);
    expect(mac(move?.extra.slice(0, 3) as [number, number, number])).toBe(`${BACKENDS[0]}:${ROUTER}`);
    expect([move?.side, move?.extra[3], mac(leg.up.mac)]).toEqual([0, 0, `${BACKENDS[1]}:${ROUTER}`]);
  });

  it("to another backend behind a one-armed balancer is logged too, by where the copies go", () => {
    const script = start().handshake().send("up", 100).send("up", 100).send("up", 100).send("up", 100);
    const times = arriving(script).segments.map((segment) => segment.timeSeconds);
    const middle = times[Math.floor(times.length / 2)] ?? 0;
    const leg = onlyLeg(
      inOrder(
        arriving(script).packets(),
        leaving(script, 0)
          .filter((one) => one.timeSeconds < middle)
          .packets(),
        leaving(script, 1)
          .filter((one) => one.timeSeconds >= middle)
          .packets(),
      ),
    );
    const [move, ...more] = moves(leg);
    expect([more, leg.up.macChanges, move?.extra[3]]).toEqual([[], 1, 1]);
    expect(mac(move?.extra.slice(0, 3) as [number, number, number])).toBe(`${BACKENDS[0]}:${BALANCER}`);
    expect([mac(leg.up.mac), mac(leg.up.copyMac)]).toEqual([`${BALANCER}:${ROUTER}`, `${BACKENDS[1]}:${BALANCER}`]);
    expect(repeated(leg)).toEqual([0, 0, 0]);
  });

  it("and comes back is logged each time", () => {
    const script = start().handshake();
    for (let i = 0; i < 6; i++) script.send("up", 10, { after: 0.03 });
    const sprayed = script.leg().segments.map((segment, i) => {
      const up = { src: ROUTER, dst: BACKENDS[i % 4 < 2 ? 0 : 1] };
      const leg = script.viaMacs({ delay: 0, ttl: 0, up }).filter((one) => one.timeSeconds === segment.timeSeconds);
      return leg.packets();
    });
    const leg = onlyLeg(inOrder(...sprayed));
    expect(leg.up.macChanges).toBe(moves(leg).length);
    expect(leg.up.macChanges).toBeGreaterThan(3);
    expect(repeated(leg)).toEqual([0, 0, 0]);
  });
});

describe("a side's fingerprint", () => {
  it("has the range of its TTLs, and the first and last", () => {
    const script = start({ clientTtl: 60 }).handshake().send("up", 10, { ttl: 58 }).send("up", 10, { ttl: 61 });
    const leg = onlyLeg(script.send("up", 10, { ttl: 59 }).packets());
    expect(leg.up.ttl).toEqual({ lowest: 58, highest: 61, first: 60, last: 59 });
    expect([leg.up.macChanges, leg.up.copies]).toEqual([0, 0]);
  });

  it("says whether identifications count up, are zero, or neither", () => {
    const counting = onlyLeg(start().handshake().send("up", 10).send("up", 10).packets()).up;
    expect(counting.ipId.steps).toBe(counting.packets - 1);
    const zeros = start().handshake().send("up", 10, { ipId: 0 }).send("up", 10, { ipId: 0 });
    expect(onlyLeg(zeros.packets()).up.ipId).toMatchObject({ zeros: 2, last: 0 });
    const random = start().handshake();
    for (const ipId of [9000, 30_000, 61_000, 12_345]) random.send("up", 10, { ipId });
    expect(onlyLeg(random.packets()).up.ipId).toMatchObject({ zeros: 0, last: 12_345 });
  });

  it("says whether fragmentation is forbidden", () => {
    const { up } = onlyLeg(start().handshake().packets());
    expect([up.has(L.SIDE_DF_SET), up.has(L.SIDE_DF_CLEAR)]).toEqual([true, false]);
  });
});
