import { describe, expect, it } from "vitest";
import { at } from "../../fixtures/packets/capture-file.ts";
import { tcpConversation } from "../../fixtures/packets/conversation.ts";
import type { Segment } from "../../fixtures/packets/leg.ts";
import { packet } from "../../fixtures/packets/packet.ts";
import { tcpState } from "../../src/flow/conn-state.ts";
import * as L from "../../src/flow/leg-layout.ts";
import { onlyLeg } from "./follow.ts";
import { endpoint } from "./tshark-agreement.ts";

const client = "10.1.0.1:40001";
const server = "192.0.2.10:443";
const start = (options = {}) =>
  tcpConversation({ client, server, clientIsn: 1000, serverIsn: 5000, rtt: 0.01, ...options });
const ends = (leg: ReturnType<typeof onlyLeg>) => [endpoint(leg.src, leg.srcPort), endpoint(leg.dst, leg.dstPort)];
/** Nanoseconds of microseconds. */
const us = (microseconds: number) => microseconds * 1000;

describe("a TCP conversation", () => {
  const whole = start().handshake().send("up", 120).send("down", 3000).fin("up");

  it("goes through the states of RFC 9293", () => {
    const script = start();
    const states: string[] = [];
    const look = () => states.push(tcpState(onlyLeg(script.packets())));
    script.syn();
    look();
    script.synAck();
    look();
    script.ack("up");
    look();
    script.fin("up", { half: true });
    look();
    script.send("down", 100);
    look();
    script.raw({ direction: "down", flags: "FA", seq: 5101, ack: 1002 });
    look();
    script.raw({ direction: "up", flags: "A", seq: 1002, ack: 5102 });
    look();
    expect(states).toEqual([
      "SYN-SENT",
      "SYN-RECEIVED",
      "ESTABLISHED",
      "FIN-WAIT-2",
      "FIN-WAIT-2",
      "LAST-ACK",
      "CLOSED",
    ]);
    expect(tcpState(onlyLeg(start().handshake().raw({ direction: "down", flags: "FA" }).packets()))).toBe("FIN-WAIT-1");
    expect(tcpState(onlyLeg(start().syn().rst("down", "refused").packets()))).toBe("CLOSED");
    expect(tcpState(onlyLeg(start().handshake().packets().slice(2)))).toBe("ESTABLISHED");
  });

  it("is opened by who sends the SYN, whatever the ports", () => {
    expect(ends(onlyLeg(whole.packets()))).toEqual(["10.1.0.1 40001", "192.0.2.10 443"]);
    const low = { client: "10.2.0.2:1025", server: "10.2.0.11:8080" };
    expect(ends(onlyLeg(start(low).handshake().packets()))).toEqual(["10.2.0.2 1025", "10.2.0.11 8080"]);
    expect(ends(onlyLeg(start(low).handshake().packets().slice(1)))).toEqual(["10.2.0.2 1025", "10.2.0.11 8080"]);
  });

  it("is told from its middle on by the port that looks like a server's, and says that this is a guess", () => {
    for (const from of [3, 4, 5]) {
      const leg = onlyLeg(whole.packets().slice(from));
      expect(ends(leg)).toEqual(["10.1.0.1 40001", "192.0.2.10 443"]);
      expect(leg.has(L.LEG_MIDSTREAM)).toBe(true);
      expect(leg.handshakeAckTime).toBeNaN();
    }
    expect(onlyLeg(whole.packets()).has(L.LEG_MIDSTREAM)).toBe(false);
  });

  it("counts packets and bytes by direction", () => {
    const { up, down } = onlyLeg(whole.packets());
    const sum = (direction: string, of: (segment: Segment) => number) =>
      whole
        .leg()
        .segments.filter((segment) => segment.direction === direction)
        .reduce((total, segment) => total + of(segment), 0);
    expect([up.packets, down.packets]).toEqual([sum("up", () => 1), sum("down", () => 1)]);
    expect([up.payloadBytes, down.payloadBytes]).toEqual([120, 3000]);
    const frames = whole.leg();
    const wire = (segment: Segment) => frames.frame(segment).build().length;
    expect([up.wireBytes, down.wireBytes]).toEqual([sum("up", wire), sum("down", wire)]);
    expect([up.retransmits, down.retransmits, up.outOfOrder, down.outOfOrder]).toEqual([0, 0, 0, 0]);
  });

  it("knows when the handshake, the first data and the close were", () => {
    const leg = onlyLeg(start({ start: 2 }).handshake().send("up", 50, { after: 0.25 }).fin("down").packets());
    expect(leg.start).toBe(us(2_000_000));
    expect([leg.up.synTime, leg.down.synTime, leg.handshakeAckTime]).toEqual([
      us(2_000_000),
      us(2_005_000),
      us(2_010_000),
    ]);
    expect([leg.up.dataTime, leg.down.dataTime]).toEqual([us(2_260_000), Number.NaN]);
    expect([leg.down.finTime, leg.up.finTime]).toEqual([us(2_265_020), us(2_270_020)]);
    expect([leg.up.synFrame, leg.down.synFrame, leg.up.dataFrame, leg.down.finFrame]).toEqual([1, 2, 4, 6]);
    expect([leg.firstFrame, leg.lastFrame, leg.end]).toEqual([1, 8, leg.down.lastTime]);
  });

  it("keeps what the SYNs offered", () => {
    const { up, down } = onlyLeg(start({ mss: 1410 }).handshake().packets());
    expect([up.mss, up.windowScale, up.has(L.SIDE_SACK_PERMITTED)]).toEqual([1410, 7, true]);
    expect(down.has(L.SIDE_TIMESTAMPS) && !down.has(L.SIDE_NO_TIMESTAMPS)).toBe(true);
    const bare = packet()
      .ethernet()
      .ipv4({ src: "10.1.0.1", dst: "192.0.2.10" })
      .tcp({ src: 40001, dst: 443, flags: "S" });
    const { up: without } = onlyLeg([at(0, bare)]);
    expect([without.mss, without.windowScale, without.has(L.SIDE_NO_TIMESTAMPS)]).toEqual([0, null, true]);
  });

  it("survives the sequence numbers' return to zero", () => {
    const wrapping = start({ clientIsn: 0xffff_ff00, serverIsn: 0xffff_fa00 });
    const { up, down } = onlyLeg(wrapping.handshake().send("up", 600).send("down", 6000).fin("up").packets());
    expect([up.payloadBytes, down.payloadBytes]).toEqual([600, 6000]);
    expect([up.retransmits, down.retransmits, up.outOfOrder, down.outOfOrder]).toEqual([0, 0, 0, 0]);
    expect([up.has(L.SIDE_HOLE), down.has(L.SIDE_HOLE), up.acksOfUnseen, down.acksOfUnseen]).toEqual([
      false,
      false,
      0,
      0,
    ]);
    expect(up.nextSeq >>> 0).toBe((0xffff_ff00 + 602) >>> 0);
    expect(down.nextSeq >>> 0).toBe((0xffff_fa00 + 6002) >>> 0);
  });
});

describe("a handshake in another order", () => {
  it("may show its SYN-ACK first: the receiver is the opener", () => {
    const packets = start().handshake().send("up", 10).packets();
    const [syn, synAck, ...rest] = packets as [(typeof packets)[0], (typeof packets)[0], ...typeof packets];
    const leg = onlyLeg([synAck, syn, ...rest]);
    expect(ends(leg)).toEqual(["10.1.0.1 40001", "192.0.2.10 443"]);
    expect([leg.up.synCount, leg.down.synCount, leg.up.retransmits, leg.down.retransmits]).toEqual([1, 1, 0, 0]);
    expect(leg.has(L.LEG_SYN) && leg.has(L.LEG_SYN_ACK) && leg.has(L.LEG_ESTABLISHED)).toBe(true);
  });

  it("may show the client's ACK before the SYN-ACK", () => {
    const [syn, synAck, ack, ...rest] = start().handshake().send("down", 10).packets();
    const leg = onlyLeg([syn, ack, synAck, ...rest].filter((one) => one !== undefined));
    expect([leg.down.synCount, leg.down.retransmits, leg.down.payloadBytes]).toEqual([1, 0, 10]);
    expect(leg.down.baseSeq).toBe(5000);
  });

  it("may be simultaneous (RFC 9293 3.5, figure 7)", () => {
    const leg = onlyLeg(
      start()
        .raw({ direction: "up", flags: "S", seq: 1000, timeSeconds: 0 })
        .raw({ direction: "down", flags: "S", seq: 5000, timeSeconds: 0.001 })
        .raw({ direction: "up", flags: "SA", seq: 1000, ack: 5001, timeSeconds: 0.002 })
        .raw({ direction: "down", flags: "SA", seq: 5000, ack: 1001, timeSeconds: 0.003 })
        .raw({ direction: "up", flags: "A", seq: 1001, ack: 5001, timeSeconds: 0.004 })
        .packets(),
    );
    expect([leg.up.retransmits, leg.down.retransmits]).toEqual([0, 0]);
    expect(leg.history).toBe("SsHhA");
    expect(tcpState(leg)).toBe("ESTABLISHED");
  });

  it("may be seen in one direction only: the server's initial number is what the client acknowledges", () => {
    const leg = onlyLeg(
      start()
        .handshake()
        .send("up", 30)
        .send("down", 500)
        .leg()
        .filter((segment) => segment.direction === "up")
        .packets(),
    );
    expect([leg.down.packets, leg.down.baseSeq, leg.up.acksOfUnseen]).toEqual([0, 5000, 1]);
    expect([leg.down.synTime, leg.down.dataTime, leg.down.finTime]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
  });

  it("may be answered by two servers: the second answer counts, and nothing was repeated", () => {
    const leg = onlyLeg(
      start()
        .syn()
        .synAck()
        .raw({ direction: "up", flags: "S", seq: 1000, after: 1 })
        .raw({ direction: "down", flags: "SA", seq: 90_000, ack: 1001 })
        .raw({ direction: "up", flags: "A", seq: 1001, ack: 90_001 })
        .raw({ direction: "down", flags: "PA", seq: 90_001, ack: 1001, payload: new Uint8Array(10) })
        .raw({ direction: "up", flags: "A", seq: 1001, ack: 90_011 })
        .packets(),
    );
    expect([leg.down.baseSeq, leg.down.nextSeq, leg.down.has(L.SIDE_HOLE)]).toEqual([90_000, 90_011, false]);
    expect([leg.up.synCount, leg.down.synCount, leg.up.highestAck]).toEqual([2, 2, 90_011]);
    expect([leg.up.retransmits, leg.down.retransmits]).toEqual([1, 0]);
  });

  it("may carry data in its SYN (RFC 7413)", () => {
    const leg = onlyLeg(
      start()
        .raw({ direction: "up", flags: "S", seq: 1000, payload: new Uint8Array(20) })
        .raw({ direction: "down", flags: "SA", seq: 5000, ack: 1021 })
        .raw({ direction: "up", flags: "A", seq: 1021, ack: 5001 })
        .packets(),
    );
    expect([leg.up.payloadBytes, leg.up.nextSeq, leg.up.dataFrame, leg.up.retransmits]).toEqual([20, 1021, 1, 0]);
  });
});

it("a conversation of an address with itself is one leg", () => {
  const self = (flags: string, seconds: number) =>
    at(seconds, packet().ethernet().ipv4({ src: "10.0.0.1", dst: "10.0.0.1" }).tcp({ src: 7, dst: 7, flags, seq: 5 }));
  expect(onlyLeg([self("S", 0), self("A", 1)]).up.packets).toBe(2);
});
