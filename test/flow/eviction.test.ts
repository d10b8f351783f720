import { describe, expect, it } from "vitest";
import { at, type TimedPacket } from "../../fixtures/packets/capture-file.ts";
import { tcpConversation } from "../../fixtures/packets/conversation.ts";
import { packet } from "../../fixtures/packets/packet.ts";
import { follow, legsOf } from "./follow.ts";

const syn = (index: number, seconds: number, seq = 1): TimedPacket =>
  at(
    seconds,
    packet()
      .ethernet()
      .ipv4({ src: `10.${(index >>> 16) & 255}.${(index >>> 8) & 255}.${index & 255}`, dst: "192.0.2.10" })
      .tcp({ src: 40_000, dst: 443, flags: "S", seq }),
  );

describe("a table that is full", () => {
  it("holds no more legs than it may, and counts those it gave up", () => {
    const tracker = follow(
      Array.from({ length: 5000 }, (_, i) => syn(i, i / 1000)),
      { maxLegs: 100 },
    );
    expect([tracker.legs.live, legsOf(tracker).length, tracker.totals.evictedLegs]).toEqual([100, 100, 4900]);
    expect(tracker.legs.count).toBe(100);
  });

  it("gives up idle legs before busy ones", () => {
    const busy = tcpConversation({ client: "10.99.0.1:5000", server: "192.0.2.10:443" }).handshake();
    const flood = Array.from({ length: 3000 }, (_, i) => syn(i, 1 + i / 100));
    const packets = flood.flatMap((one, i) => {
      if (i % 10 !== 0) return [one];
      return [one, ...busy.raw({ direction: "up", flags: "A", timeSeconds: one.timeSeconds }).packets().slice(-1)];
    });
    const legs = legsOf(follow([...busy.packets().slice(0, 3), ...packets], { maxLegs: 200 }));
    const kept = legs.find((leg) => leg.srcPort === 5000);
    expect(kept?.up.packets).toBe(302);
  });

  it("works on: what was given up begins anew, what stayed goes on", () => {
    const first = Array.from({ length: 64 }, (_, i) => syn(i, i / 1000));
    const second = Array.from({ length: 32 }, (_, i) => syn(1000 + i, 1 + i / 1000));
    const again = Array.from({ length: 64 }, (_, i) => syn(i, 2 + i / 1000));
    const tracker = follow([...first, ...second, ...again], { maxLegs: 64 });
    expect(tracker.legs.live).toBe(64);
    const sizes = new Set(legsOf(tracker).map((leg) => leg.up.packets));
    expect([...sizes].every((packets) => packets === 1 || packets === 2)).toBe(true);
    expect(legsOf(tracker).every((leg) => leg.up.synCount === leg.up.packets)).toBe(true);
  });

  it("may give up the very leg that a reused 4-tuple replaces", () => {
    const packets = Array.from({ length: 2000 }, (_, i) => syn(i % 40, i / 1000, i));
    const tracker = follow(packets, { maxLegs: 40 });
    expect([tracker.legs.live, tracker.totals.evictedLegs]).toEqual([40, 1960]);
    expect(legsOf(tracker).every((leg) => leg.up.packets === 1)).toBe(true);
  });

  it("hands no event of a leg it gave up to the next", () => {
    const script = tcpConversation({ client: "10.99.0.1:5000", server: "192.0.2.10:443" }).syn().rst("down", "refused");
    const tracker = follow([...script.packets(), ...Array.from({ length: 500 }, (_, i) => syn(i, 1 + i / 1000))], {
      maxLegs: 32,
    });
    for (const leg of legsOf(tracker)) expect([...tracker.events.of(tracker.legs, leg.leg)]).toEqual([]);
  });
});
