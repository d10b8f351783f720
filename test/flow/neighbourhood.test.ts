import { describe, expect, it } from "vitest";
import { at, inOrder } from "../../fixtures/packets/capture-file.ts";
import { tcpConversation } from "../../fixtures/packets/conversation.ts";
import { packet } from "../../fixtures/packets/packet.ts";
import { Packet } from "../../src/decode/packet.ts";
import { ICMP_ERROR } from "../../src/flow/event-log.ts";
import { NeighbourhoodLog } from "../../src/flow/neighbours.ts";
import { follow, legsOf } from "./follow.ts";

const client = "10.1.0.1:40001";
const vip = "192.0.2.10:443";
const start = (options = {}) => tcpConversation({ client, server: vip, clientIsn: 1000, serverIsn: 5000, ...options });

/** "Fragmentation needed" for a segment of a conversation, sent by a router towards its sender. */
function tooBig(script: ReturnType<typeof start>, index: number, seconds: number) {
  const segment = script.leg().segments[index];
  if (segment === undefined) throw new Error("no such segment");
  const quoting = script.leg().ipPacket(segment).build();
  const to = segment.direction === "up" ? "10.1.0.1" : "192.0.2.10";
  return at(
    seconds,
    packet()
      .ethernet()
      .ipv4({ src: "10.9.9.9", dst: to })
      .icmp({ type: 3, code: 4, mtu: 1400, quoting, quoteBytes: 28 }),
  );
}

describe("an ICMP error", () => {
  const script = start().handshake().send("down", 1400, { ack: false });

  it("belongs to the leg that it quotes, and to the side whose packet it quotes", () => {
    const other = start({ client: "10.1.0.1:40002" }).handshake();
    const tracker = follow(inOrder(other.packets(), script.packets(), [tooBig(script, 3, 1), tooBig(script, 2, 1.1)]));
    const legs = legsOf(tracker);
    const hit = legs.find((leg) => leg.srcPort === 40_001);
    expect(legs.map((leg) => leg.icmpErrors).sort()).toEqual([0, 2]);
    const events = [...tracker.events.of(tracker.legs, hit?.leg ?? -1)].filter((event) => event.kind === ICMP_ERROR);
    expect(events.map(({ side, extra }) => [side, ...extra.slice(0, 4)])).toEqual([
      [1, 3, 4, 1400, 5001],
      [0, 3, 4, 1400, 1001],
    ]);
    // nothing is left of the segment that the decoder read before
    expect(events.map(({ seq, ack, flags, window, length }) => [seq, ack, flags, window, length])).toEqual([
      [0, 0, 0, 0, 0],
      [0, 0, 0, 0, 0],
    ]);
    expect(tracker.neighbourhood.icmpErrors).toMatchObject([
      { type: 3, code: 4, mtu: 1400, quotedProtocol: 6, quotedSourcePort: 443, leg: hit?.leg, quotedSeq: 5001 },
      { quotedSourcePort: 40_001, quotedDestinationPort: 443 },
    ]);
  });

  it("tells the sides apart where only the network part of their IPv6 addresses differs", () => {
    const mirror = tcpConversation({ client: "[2001:db8:1::1]:500", server: "[2001:db8:2::1]:500" }).handshake();
    const [, synAck] = mirror.leg().segments;
    if (synAck === undefined) throw new Error("no SYN-ACK");
    const error = packet()
      .ethernet()
      .ipv6({ src: "2001:db8:9::9", dst: "2001:db8:2::1" })
      .icmpv6({ type: 2, mtu: 1280, quoting: mirror.leg().ipPacket(synAck).build() });
    const tracker = follow([...mirror.packets(), at(1, error)]);
    expect([...tracker.events.of(tracker.legs, 0)].map(({ side, extra }) => [side, extra[2]])).toEqual([[1, 1280]]);
  });

  it("for a flow that was not seen is kept for itself", () => {
    const tracker = follow([tooBig(script, 0, 0)]);
    expect([legsOf(tracker).length, tracker.neighbourhood.icmpErrors[0]?.leg]).toEqual([0, -1]);
  });
});

describe("ARP", () => {
  const reply = (seconds: number, senderMac: string, operation: "request" | "reply" = "reply") =>
    at(
      seconds,
      packet()
        .ethernet({ src: senderMac, dst: "ff:ff:ff:ff:ff:ff" })
        .arp({ operation, senderMac, senderIp: "192.0.2.10", targetIp: "192.0.2.10" }),
    );

  it("is counted by who says what, with first and last time and frame", () => {
    const tracker = follow([
      reply(0, "02:00:00:00:00:0a"),
      reply(1, "02:00:00:00:00:0b"),
      reply(2, "02:00:00:00:00:0a"),
    ]);
    expect(tracker.neighbourhood.messages).toMatchObject([
      { operation: 2, senderMac: [0x0200, 0x0a], count: 2, firstTime: 0, lastTime: 2e9, firstFrame: 1, lastFrame: 3 },
      { operation: 2, senderMac: [0x0200, 0x0b], count: 1, firstFrame: 2 },
    ]);
    expect(tracker.neighbourhood.messages[0]?.sender).toEqual([0, 0, 0xffff, 0xc000020a | 0]);
  });

  it("of other operations and points is another entry", () => {
    const tracker = follow([
      reply(0, "02:00:00:00:00:0a"),
      reply(1, "02:00:00:00:00:0a", "request"),
      { ...reply(2, "02:00:00:00:00:0a"), interface: 1 },
    ]);
    expect(tracker.neighbourhood.messages.map(({ operation, point }) => [operation, point])).toEqual([
      [2, 0],
      [1, 0],
      [2, 1],
    ]);
  });

  it("has its like in IPv6", () => {
    const advert = packet()
      .ethernet()
      .ipv6({ src: "2001:db8::1", dst: "ff02::1", hopLimit: 255 })
      .neighborAdvertisement({ target: "2001:db8::10", mac: "02:00:00:00:00:0c" });
    expect(follow([at(0, advert)]).neighbourhood.messages).toMatchObject([{ operation: 2, senderMac: [0x0200, 0x0c] }]);
  });
});

describe("VRRP", () => {
  const advert = (seconds: number, source: string, priority: number) =>
    at(
      seconds,
      packet()
        .ethernet({ src: "00:00:5e:00:01:33" })
        .ipv4({ src: source, dst: "224.0.0.18", ttl: 255 })
        .vrrp({ version: 3, vrid: 51, priority, addresses: ["192.0.2.10"] }),
    );

  it("is kept by router and priority, with its longest pause", () => {
    const tracker = follow([
      advert(0, "10.2.0.2", 150),
      advert(1, "10.2.0.2", 150),
      advert(5, "10.2.0.2", 150),
      advert(6, "10.2.0.2", 150),
      advert(6.5, "10.2.0.2", 0),
      advert(7, "10.2.0.3", 100),
    ]);
    expect(tracker.neighbourhood.advertisers).toMatchObject([
      {
        virtualRouterId: 51,
        priority: 150,
        count: 4,
        longestPause: 4e9,
        longestPauseEnd: 5e9,
        intervalCentiseconds: 100,
        lastTime: 6e9,
        version: 3,
      },
      { priority: 0, count: 1, longestPause: 0 },
      { priority: 100, firstTime: 7e9 },
    ]);
    expect(tracker.neighbourhood.advertisers[0]?.address).toEqual([0, 0, 0xffff, 0xc000020a | 0]);
  });
});

it("the neighbourhood's logs are bounded, and what did not fit is counted", () => {
  const log = new NeighbourhoodLog();
  const p = new Packet();
  for (let i = 0; i < 20_500; i++) {
    p.arpSenderLow = i;
    log.neighbour(p, 0);
    p.src3 = i;
    log.vrrp(p, 0);
    log.icmpError(p, 0, 0, -1);
  }
  expect([log.messages.length, log.advertisers.length, log.icmpErrors.length, log.dropped]).toEqual([
    20_000, 20_000, 20_000, 1500,
  ]);
});
