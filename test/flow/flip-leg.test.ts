import { describe, expect, it } from "vitest";
import { inOrder, type TimedPacket } from "../../fixtures/packets/capture-file.ts";
import { tcpConversation } from "../../fixtures/packets/conversation.ts";
import { packet } from "../../fixtures/packets/packet.ts";
import { flipLeg } from "../../src/flow/flip-leg.ts";
import { HASH } from "../../src/flow/leg-layout.ts";
import type { FlowTracker } from "../../src/flow/tracker.ts";
import { follow, legsOf } from "./follow.ts";
import { endpoint } from "./tshark-agreement.ts";

/** Ports by which the client is guessed right, and wrong. */
const RIGHT = { client: "10.2.0.2:40001", server: "10.2.0.11:8080" };
const WRONG = { client: "10.2.0.2:1030", server: "10.2.0.11:8080" };

/** A conversation with something of everything, from its middle on, that passes the point twice on its way up. */
function midstream(ends: typeof RIGHT, tunnel: boolean): TimedPacket[] {
  const script = tcpConversation({ ...ends, clientIsn: 1000, serverIsn: 5000, clientTtl: 60, serverTtl: 50 })
    .handshake()
    .send("up", "a first request that is long enough")
    .send("down", 3000)
    .retransmit("down")
    .silence(30)
    .send("up", 200, { ack: false, ttl: 58 })
    .zeroWindow("down")
    .fin("down", { half: true })
    .rst("up");
  const later = (packets: TimedPacket[]) => packets.filter((one) => one.timeSeconds > 0.0015);
  const outer = { src: "10.9.0.1", dst: "10.9.0.2" };
  const link = tunnel ? { link: () => packet().ethernet().ipv4(outer) } : {};
  const again = script.viaMacs({
    delay: 10e-6,
    only: "up",
    up: { src: "02:00:00:00:00:0b", dst: "02:00:00:00:00:c1" },
  });
  return inOrder(later(script.packets(link)), tunnel ? [] : later(again.packets(link)));
}

/** What the only leg says, without what depends on its ports. */
function look(tracker: FlowTracker) {
  const [leg] = legsOf(tracker);
  if (!leg) throw new Error("a leg was expected");
  const side = (its: typeof leg.up) => {
    const { packets, copies, wireBytes, payloadBytes, retransmits, zeroWindows, resets, ttl, baseSeq, nextSeq, mac } =
      its;
    const { highestAck, firstLength, firstTime, lastTime, finTime, dataTime, copyMac } = its;
    return {
      packets,
      copies,
      wireBytes,
      payloadBytes,
      retransmits,
      zeroWindows,
      resets,
      ttl,
      baseSeq,
      nextSeq,
      mac,
      highestAck,
      firstLength,
      firstTime,
      lastTime,
      finTime,
      dataTime,
      copyMac,
    };
  };
  return {
    up: side(leg.up),
    down: side(leg.down),
    history: leg.history,
    state: leg.state,
    payloads: [leg.payloadWhole(0), leg.payloadWhole(1)],
    silence: [leg.longestSilenceSurvived, leg.openSilence],
    events: [...tracker.events.of(tracker.legs, leg.leg)].map(({ kind, side: by, frame, seq, extra }) => [
      kind,
      by,
      frame,
      seq,
      extra[6],
    ]),
  };
}

describe("a leg from mid-stream that is turned round", () => {
  for (const tunnel of [false, true]) {
    it(`is as if the guess had been right${tunnel ? ", in a tunnel too" : ""}`, () => {
      const right = follow(midstream(RIGHT, tunnel));
      const wrong = follow(midstream(WRONG, tunnel));
      expect(legsOf(wrong).map((leg) => endpoint(leg.src, leg.srcPort))).toEqual(["10.2.0.11 8080"]);
      expect(look(wrong)).not.toEqual(look(right));
      flipLeg(wrong, 0);
      expect(legsOf(wrong).map((leg) => endpoint(leg.src, leg.srcPort))).toEqual(["10.2.0.2 1030"]);
      expect(look(wrong)).toEqual(look(right));
    });
  }

  it("twice is as it was", () => {
    const tracker = follow(midstream(WRONG, true));
    const before = [...tracker.legs.words(0).subarray(0, 400)];
    flipLeg(tracker, 0);
    flipLeg(tracker, 0);
    expect([...tracker.legs.words(0).subarray(0, 400)]).toEqual(before);
  });

  it("is still found by its packets", () => {
    const tracker = follow(midstream(WRONG, false));
    const words = tracker.legs.words(0);
    flipLeg(tracker, 0);
    const [leg] = legsOf(tracker);
    if (!leg) throw new Error("a leg was expected");
    const [s0, s1, s2, s3] = leg.src;
    const [d0, d1, d2, d3] = leg.dst;
    const hash = words[HASH] ?? 0;
    expect(tracker.legs.find(hash, 0, 0, 6, (1030 << 16) | 8080, s0, s1, s2, s3, d0, d1, d2, d3)).toBe(0);
  });
});
