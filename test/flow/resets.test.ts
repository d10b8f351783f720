import { describe, expect, it } from "vitest";
import type { TimedPacket } from "../../fixtures/packets/capture-file.ts";
import { tcpConversation } from "../../fixtures/packets/conversation.ts";
import { AFTER_RESET, type LegEvent, RESET } from "../../src/flow/event-log.ts";
import * as L from "../../src/flow/leg-layout.ts";
import { type FollowOptions, onlyLeg } from "./follow.ts";

const start = (options = {}) =>
  tcpConversation({ client: "10.1.0.1:40001", server: "192.0.2.10:443", clientIsn: 1000, serverIsn: 5000, ...options });

function events(packets: readonly TimedPacket[], kind: number, options?: FollowOptions): LegEvent[] {
  const leg = onlyLeg(packets, options);
  return [...leg.tracker.events.of(leg.tracker.legs, leg.leg)].filter((event) => event.kind === kind);
}

function onlyReset(packets: readonly TimedPacket[]): LegEvent {
  const [event, ...more] = events(packets, RESET);
  if (event === undefined || more.length > 0) throw new Error("one reset was expected");
  return event;
}

describe("a reset", () => {
  it("comes with all that tells who sent it", () => {
    const script = start({ clientTtl: 61, serverTtl: 57 })
      .handshake()
      .send("up", 200, { ipId: 0x1111 })
      .send("down", 300, { ipId: 0x2222, window: 510 })
      .send("up", 50, { ack: false, ipId: 0x1112 })
      .rst("down", "injected", { ttl: 250, ipId: 0x9999 });
    const segments = script.leg().segments;
    const event = onlyReset(script.packets());
    expect(event).toMatchObject({ side: 1, seq: 5301, ack: 0, flags: 0x04, length: 0, ttl: 250, ipId: 0x9999 });
    expect(event.frame).toBe(segments.length);
    expect(event.time).toBe(Math.round((segments.at(-1)?.timeSeconds ?? 0) * 1e9));
    expect(event.otherTime).toBe(Math.round((segments.at(-2)?.timeSeconds ?? 0) * 1e9));
    const [own, seq, length, flags, otherAck, ownAck, state, ttl, ipId, traits, other, window] = event.extra;
    expect({ own, seq, length, flags, otherAck, ownAck, other, window }).toEqual({
      own: 5301, // in sequence
      seq: 1201, // what the client had sent last
      length: 50,
      flags: 0x18,
      otherAck: 5301,
      ownAck: 1201,
      other: 1251,
      window: 510,
    });
    expect((state ?? 0) & (L.LEG_ESTABLISHED | L.LEG_RST_UP | L.LEG_RST_DOWN)).toBe(L.LEG_ESTABLISHED);
    expect([(ttl ?? 0) & 0xff, ((ttl ?? 0) >>> 8) & 0xff]).toEqual([57, 57]);
    expect((ipId ?? 0) & 0xffff).toBe(0x2222);
    expect((traits ?? 0) & (L.SIDE_SEEN | L.SIDE_TIMESTAMPS | L.SIDE_NO_TIMESTAMPS)).toBe(
      L.SIDE_SEEN | L.SIDE_TIMESTAMPS,
    );
  });

  it("does not touch the fingerprint of the side that it pretends to come from", () => {
    const script = start({ serverTtl: 57 })
      .handshake()
      .send("down", 100, { ipId: 0x2222 })
      .rst("down", "injected", { ttl: 250, ipId: 0x9999 })
      .send("down", 100, { ipId: 0x2223 });
    const { down } = onlyLeg(script.packets());
    expect(down.ttl).toEqual({ lowest: 57, highest: 57, first: 57, last: 57 });
    expect([down.resets, down.has(L.SIDE_NO_TIMESTAMPS), down.macChanges]).toEqual([1, false, 0]);
  });

  it("that is all its side ever sent says so, and the first other packet makes the fingerprint", () => {
    const script = start({ serverTtl: 57 }).syn().rst("down", "refused", { ttl: 250 });
    const event = onlyReset(script.packets());
    expect((event.extra[9] ?? 0) & L.SIDE_SEEN).toBe(0);
    expect(onlyLeg(script.packets()).down.ttl.first).toBe(250);
    const { down } = onlyLeg(script.raw({ direction: "down", flags: "SA", seq: 5000, ack: 1001 }).packets());
    expect(down.ttl).toEqual({ lowest: 57, highest: 57, first: 57, last: 57 });
    expect(down.firstTime).toBeLessThan(down.synTime);
  });

  it("keeps its shape: in sequence with timestamps, bare from the answered ACK, or zero with an ACK", () => {
    const shapes = [
      start().handshake().send("up", 100).rst("down", "abort"),
      start().handshake().send("up", 100, { ack: false }).rst("down", "no-socket"),
      start().syn().rst("down", "refused"),
    ].map((script) => {
      const { flags, seq, ack, extra } = onlyReset(script.packets());
      return { flags, seq, ack, inSequence: seq === extra[0], answersAck: seq === extra[4] };
    });
    expect(shapes).toEqual([
      { flags: 0x14, seq: 5001, ack: 1101, inSequence: true, answersAck: true },
      { flags: 0x04, seq: 5001, ack: 0, inSequence: true, answersAck: true },
      { flags: 0x14, seq: 0, ack: 1001, inSequence: true, answersAck: true },
    ]);
  });

  it("finds room among any number of other events", () => {
    const script = start().handshake().send("up", 100, { ack: false });
    for (let i = 0; i < 200; i++) script.retransmit("up", { after: 0.1 });
    for (let i = 0; i < 100; i++) script.silence(1 + i / 100).send("down", 1);
    expect(events(script.rst("down").packets(), RESET)).toHaveLength(1);
    const leg = onlyLeg(script.packets());
    expect(leg.eventCount).toBeGreaterThan(200);
    expect([...leg.tracker.events.of(leg.tracker.legs, leg.leg)].length).toBeLessThanOrEqual(48);
    expect(leg.tracker.events.dropped).toBe(leg.eventCount - leg.tracker.events.count);
  });
});

describe("what comes after a reset", () => {
  it("from the side that seems to have sent it is logged: the race that an injector loses", () => {
    const script = start().handshake().rst("down", "injected").send("down", 500).send("up", 10, { ack: false });
    const after = events(script.packets(), AFTER_RESET);
    expect(after.map(({ side, length }) => [side, length])).toEqual([[1, 500]]);
  });

  it("is a new attempt where it is the same SYN: refused and tried again, or answered out of TIME-WAIT", () => {
    const refused = start()
      .syn()
      .rst("down", "refused")
      .raw({ direction: "up", flags: "S", seq: 1000, after: 0.5 })
      .raw({ direction: "down", flags: "SA", seq: 5000, ack: 1001 });
    const tried = onlyLeg(refused.packets());
    expect([tried.up.synCount, tried.down.resets, tried.has(L.LEG_RST_DOWN)]).toEqual([2, 1, false]);

    const timeWait = start()
      .syn()
      .raw({ direction: "down", flags: "A", seq: 777_000, ack: 444_000 })
      .raw({ direction: "up", flags: "R", seq: 444_000 })
      .raw({ direction: "up", flags: "S", seq: 1000, after: 1 })
      .raw({ direction: "down", flags: "SA", seq: 5000, ack: 1001 })
      .raw({ direction: "up", flags: "A", seq: 1001, ack: 5001 })
      .raw({ direction: "down", flags: "PA", seq: 5001, ack: 1001, payload: new Uint8Array(9) })
      .raw({ direction: "up", flags: "A", seq: 1001, ack: 5010 });
    const leg = onlyLeg(timeWait.packets());
    expect([leg.up.synCount, leg.down.baseSeq, leg.down.nextSeq, leg.up.highestAck]).toEqual([2, 5000, 5010, 5010]);
    expect([leg.has(L.LEG_RST_UP), leg.up.resets, leg.has(L.LEG_ESTABLISHED)]).toEqual([false, 1, true]);
    expect(events(timeWait.packets(), AFTER_RESET)).toEqual([]);
  });
});
