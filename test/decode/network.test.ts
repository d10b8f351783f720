import { describe, expect, test } from "vitest";
import { concat, zeros } from "../../fixtures/packets/bytes.ts";
import { packet } from "../../fixtures/packets/packet.ts";
import { IS_TCP, IS_UDP, NOTHING } from "../../src/decode/packet.ts";
import { decode, destinationOf, flowOf, sourceOf } from "./decoded.ts";
import { CLIENT4, CLIENT6, FLOW4, FLOW6, TCP4, TCP6 } from "./packets.ts";

const ports = { src: 40001, dst: 443 };
const ethernet = packet().ethernet();

describe("IPv4", () => {
  test("every field", () => {
    const p = decode(
      ethernet
        .ipv4({ ...CLIENT4, ttl: 57, id: 0xfedc, df: true })
        .tcp(ports)
        .payload("hello"),
    );
    expect(p).toMatchObject({ kind: IS_TCP, ipVersion: 4, ttl: 57, ipId: 0xfedc, protocol: 6, dontFragment: true });
    expect(p).toMatchObject({ fragmentOffset: 0, moreFragments: false, payloadLength: 5, payloadCaptured: 5 });
    expect([p.src0, p.src1, p.src2, p.src3]).toEqual([0, 0, 0xffff, 0x0a010001]);
    expect(decode(ethernet.ipv4({ ...CLIENT4, df: false }).tcp(ports)).dontFragment).toBe(false);
  });

  test("addresses are signed words", () => {
    expect(decode(ethernet.ipv4({ src: "192.0.2.10", dst: "255.255.255.255" }).udp(ports))).toMatchObject({
      src3: 0xc000020a | 0,
      dst3: -1,
    });
  });

  test("options are stepped over", () => {
    const routerAlert = Uint8Array.of(0x94, 4, 0, 0);
    const p = decode(
      ethernet
        .ipv4({ ...CLIENT4, options: routerAlert })
        .tcp(ports)
        .payload("hello"),
    );
    expect([flowOf(p), p.payloadLength, p.viaKind]).toEqual([FLOW4, 5, 0]);
    const longest = decode(
      ethernet
        .ipv4({ ...CLIENT4, options: zeros(40) })
        .tcp(ports)
        .payload("hello"),
    );
    expect([flowOf(longest), longest.payloadLength]).toEqual([FLOW4, 5]);
  });

  test("total length 0 of segmentation offload: the frame ends the datagram", () => {
    const p = decode(
      ethernet
        .ipv4({ ...CLIENT4, totalLength: 0 })
        .tcp(ports)
        .payload(zeros(9000)),
    );
    expect(p).toMatchObject({ kind: IS_TCP, payloadLength: 9000, payloadCaptured: 9000 });
    const cut = decode(
      ethernet
        .ipv4({ ...CLIENT4, totalLength: 0 })
        .tcp(ports)
        .payload(zeros(9000)),
      { captured: 96 },
    );
    expect(cut).toMatchObject({ kind: IS_TCP, payloadLength: 9000, payloadCaptured: 96 - 54, cut: false });
  });

  test("total length 0 in a tunnel: the outer datagram ends the inner one", () => {
    const inner = packet()
      .ipv4({ ...CLIENT4, totalLength: 0 })
      .tcp(ports)
      .payload(zeros(500));
    const p = decode(
      packet()
        .ethernet({ fcs: zeros(4) })
        .ipv4({ src: "10.2.0.2", dst: "10.2.0.11" })
        .carrying(inner),
    );
    expect([flowOf(p), p.payloadLength, p.payloadCaptured]).toEqual([FLOW4, 500, 500]);
  });

  test("the header's length counts, where the frame has less or more", () => {
    const longer = decode(
      ethernet
        .ipv4({ ...CLIENT4, totalLength: 840 })
        .tcp(ports)
        .payload("hello"),
    );
    expect(longer).toMatchObject({ kind: IS_TCP, payloadLength: 800, payloadCaptured: 5 });
    const shorter = decode(
      ethernet
        .ipv4({ ...CLIENT4, totalLength: 42 })
        .tcp(ports)
        .payload("hello"),
    );
    expect(shorter).toMatchObject({ kind: IS_TCP, payloadLength: 2, payloadCaptured: 2 });
  });

  test.each([
    ["version 5", { version: 5 }, false],
    ["a header of 16 bytes", { headerWords: 4 }, false],
    ["a total length within the header", { totalLength: 19 }, false],
    ["a header beyond the packet", { headerWords: 15, totalLength: 60 }, true],
    ["no room for TCP", { totalLength: 39 }, true],
  ])("%s is nothing", (_, damage, cut) => {
    expect(decode(ethernet.ipv4({ ...CLIENT4, ...damage }).tcp(ports))).toMatchObject({ kind: NOTHING, cut });
  });

  test("other protocols leave the addresses", () => {
    const p = decode(ethernet.ipv4({ ...CLIENT4, protocol: 132 }).payload("sctp"));
    expect([p.kind, p.ipVersion, p.protocol, sourceOf(p)]).toEqual([NOTHING, 4, 132, "10.1.0.1"]);
  });
});

describe("IPv6", () => {
  test("every field", () => {
    const p = decode(ethernet.ipv6({ ...CLIENT6, hopLimit: 57, flowLabel: 0xabcde, trafficClass: 0xff }).udp(ports));
    expect(p).toMatchObject({ kind: IS_UDP, ipVersion: 6, ttl: 57, ipId: -1, protocol: 17, flowLabel: 0xabcde });
    expect(p).toMatchObject({ dontFragment: true, fragmentOffset: 0, moreFragments: false, payloadLength: 0 });
    expect([sourceOf(p), destinationOf(p)]).toEqual(["2001:db8::1", "2001:db8:2::10"]);
  });

  test("padding is no payload; payload length 0 means up to the frame's end", () => {
    const padded = decode(packet().ethernet({ padTo: 90 }).carrying(TCP6));
    expect([flowOf(padded), padded.payloadLength]).toEqual([FLOW6, 5]);
    const offload = decode(
      ethernet
        .ipv6({ ...CLIENT6, payloadLength: 0 })
        .tcp(ports)
        .payload(zeros(70_000)),
    );
    expect([flowOf(offload), offload.payloadLength]).toEqual([FLOW6, 70_000]);
  });

  test("extension headers are stepped over", () => {
    const p = decode(
      ethernet
        .ipv6(CLIENT6)
        .ipv6Extension("hopByHop")
        .ipv6Extension("destination", zeros(20))
        .ipv6Extension("routing", zeros(22))
        .authentication()
        .ipv6Extension("destination")
        .tcp(ports)
        .payload("hello"),
    );
    expect([p.kind, flowOf(p), p.protocol, p.payloadLength]).toEqual([IS_TCP, FLOW6, 6, 5]);
  });

  test.each([135, 139, 140])("extension header %i", (nextHeader) => {
    const header = Uint8Array.of(6, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    const tcp = TCP6.build().subarray(40);
    const p = decode(ethernet.ipv6({ ...CLIENT6, nextHeader }).payload(concat(header, tcp)));
    expect([p.kind, flowOf(p)]).toEqual([IS_TCP, FLOW6]);
  });

  test("an atomic fragment is a whole datagram", () => {
    const p = decode(ethernet.ipv6(CLIENT6).ipv6Fragment({ id: 7 }).tcp(ports).payload("hello"));
    expect([p.kind, flowOf(p), p.moreFragments]).toEqual([IS_TCP, FLOW6, false]);
  });

  test("a chain of extension headers without end is given up", () => {
    let chain = ethernet.ipv6(CLIENT6);
    for (let i = 0; i < 11; i++) chain = chain.ipv6Extension("destination");
    expect(decode(chain.tcp(ports)).kind).toBe(IS_TCP);
    for (let i = 0; i < 100; i++) chain = chain.ipv6Extension("destination");
    expect(decode(chain.tcp(ports))).toMatchObject({ kind: NOTHING, cut: false });
  });

  test("an extension header that ends beyond the packet is cut", () => {
    const header = Uint8Array.of(6, 255, 0, 0, 0, 0, 0, 0);
    const p = decode(
      ethernet
        .ipv6({ ...CLIENT6, nextHeader: 60 })
        .payload(header)
        .payload(zeros(100)),
    );
    expect(p).toMatchObject({ kind: NOTHING, cut: true });
  });

  test.each([
    ["version 4", { version: 4 }, 0],
    ["no next header", { nextHeader: 59 }, 6],
    ["encrypted", { nextHeader: 50 }, 6],
  ])("%s is nothing", (_, damage, ipVersion) => {
    const p = decode(ethernet.ipv6({ ...CLIENT6, ...damage }).tcp(ports));
    expect(p).toMatchObject({ kind: NOTHING, ipVersion });
  });
});

describe("IP in IP", () => {
  test.each([
    ["IPIP", packet().ipv4({ src: "10.2.0.2", dst: "10.2.0.11" }).carrying(TCP4), FLOW4, 4],
    ["6in4", packet().ipv4({ src: "10.2.0.2", dst: "10.2.0.11" }).carrying(TCP6), FLOW6, 4],
    ["4in6", packet().ipv6({ src: "fd00::2", dst: "fd00::11" }).carrying(TCP4), FLOW4, 6],
    ["6in6", packet().ipv6({ src: "fd00::2", dst: "fd00::11" }).ipv6Extension("destination").carrying(TCP6), FLOW6, 6],
  ])("%s", (_, tunnelled, flow, outerVersion) => {
    const p = decode(ethernet.carrying(tunnelled));
    expect([p.kind, flowOf(p), p.payloadLength]).toEqual([IS_TCP, flow, 5]);
    expect(p.encapsulation.words[2]).toBe(outerVersion);
  });

  test("what the record says of IP is the inner header's, also where that is damaged", () => {
    const broken = packet()
      .ipv4({ ...CLIENT4, version: 7 })
      .tcp(ports);
    const p = decode(ethernet.ipv4({ src: "10.2.0.2", dst: "10.2.0.11", protocol: 4 }).carrying(broken));
    expect([p.kind, p.ipVersion, p.encapsulation.depth]).toEqual([NOTHING, 0, 1]);
  });
});
