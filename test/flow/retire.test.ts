import { describe, expect, it } from "vitest";
import { tcpConversation } from "../../fixtures/packets/conversation.ts";
import { Decoder } from "../../src/decode/decode.ts";
import { Packet } from "../../src/decode/packet.ts";
import { RESET } from "../../src/flow/event-log.ts";
import { FlowTracker } from "../../src/flow/tracker.ts";

const refused = (index: number) =>
  tcpConversation({ client: `10.0.${index >>> 8}.${index & 255}:40000`, server: "192.0.2.10:443" })
    .syn()
    .rst("down", "refused")
    .packets();

function feed(tracker: FlowTracker, index: number): number {
  const decoder = new Decoder();
  const packet = new Packet();
  let leg = -1;
  for (const { bytes, timeSeconds } of refused(index)) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    packet.time = timeSeconds * 1e9;
    packet.frame++;
    decoder.decode(packet, view, 0, bytes.length, bytes.length, 1);
    leg = tracker.track(packet, view);
  }
  return leg;
}

describe("legs that are given up", () => {
  it("take no more memory however many there were, nor do their events", () => {
    const tracker = new FlowTracker();
    for (let i = 0; i < 6000; i++) tracker.retire([feed(tracker, i)]);
    expect([tracker.legs.live, tracker.legs.count, tracker.events.count, tracker.events.dropped]).toEqual([0, 1, 1, 0]);
    expect(tracker.totals.evictedLegs).toBe(0);
  });

  it("leave the events of the others as they are", () => {
    const tracker = new FlowTracker();
    const legs = [0, 1, 2, 3].map((i) => feed(tracker, i));
    tracker.retire([legs[1]!, legs[2]!]);
    const again = [4, 5, 6].map((i) => feed(tracker, i));
    for (const leg of [legs[0]!, legs[3]!, ...again]) {
      const events = [...tracker.events.of(tracker.legs, leg)];
      expect(events.map(({ kind, leg: of }) => [kind, of])).toEqual([[RESET, leg]]);
    }
    expect([tracker.legs.live, tracker.legs.count]).toEqual([5, 5]);
  });

  it("are forgotten with what the neighbourhood said of them", () => {
    const tracker = new FlowTracker();
    tracker.neighbourhood.icmpErrors.push({ time: 5e9, leg: -1 } as never, { time: 9e9, leg: -1 } as never);
    tracker.neighbourhood.forget(7e9);
    expect(tracker.neighbourhood.icmpErrors.map(({ time }) => time)).toEqual([9e9]);
  });
});
