import { describe, expect, test } from "vitest";
import { zeros } from "../../fixtures/packets/bytes.ts";
import { type PacketBuilder, packet } from "../../fixtures/packets/packet.ts";
import { IS_ARP, IS_ICMP, NOTHING } from "../../src/decode/packet.ts";
import { arpSenderOf, decode, destinationOf, quotedFlowOf, sourceOf } from "./decoded.ts";
import { CLIENT4, CLIENT6, FLOW4, FLOW6, OUTER4, TCP4, UDP4, UDP6 } from "./packets.ts";

const ethernet = packet().ethernet();
const router4 = ethernet.ipv4({ src: "10.9.9.9", dst: "10.1.0.1" });
const router6 = ethernet.ipv6({ src: "2001:db8:9::9", dst: "2001:db8::1" });
const quoted4 = packet().ipv4(CLIENT4).tcp({ src: 40001, dst: 443, seq: 0xfedcba98 }).payload(zeros(100));
const quoted6 = packet().ipv6(CLIENT6).tcp({ src: 40001, dst: 443, seq: 0xfedcba98 }).payload(zeros(100));

const error4 = (type: number, quoting: PacketBuilder, more = {}) =>
  decode(router4.icmp({ type, quoting: quoting.build(), ...more }));
const error6 = (type: number, quoting: PacketBuilder, more = {}) =>
  decode(router6.icmpv6({ type, quoting: quoting.build(), ...more }));

describe("ICMP", () => {
  test("fragmentation needed: the MTU and the flow", () => {
    const p = error4(3, quoted4, { code: 4, mtu: 1400 });
    expect(p).toMatchObject({ kind: IS_ICMP, icmpType: 3, icmpCode: 4, icmpMtu: 1400, quotes: true });
    expect(p).toMatchObject({ quotedProtocol: 6, quotedSeq: 0xfedcba98 | 0 });
    expect([sourceOf(p), quotedFlowOf(p)]).toEqual(["10.9.9.9", FLOW4]);
  });

  test.each([3, 4, 5, 11, 12])("type %i quotes, and has no MTU", (type) => {
    const p = error4(type, UDP4, { code: 1, mtu: 1400 });
    expect([p.icmpType, p.icmpCode, p.icmpMtu, p.quotedProtocol, quotedFlowOf(p)]).toEqual([type, 1, 0, 17, FLOW4]);
  });

  test("the 28 bytes that old routers quote are enough; less is not", () => {
    expect(error4(3, quoted4, { quoteBytes: 28 })).toMatchObject({ quotes: true, quotedSeq: 0xfedcba98 | 0 });
    expect(error4(3, quoted4, { quoteBytes: 24 })).toMatchObject({ quotes: true, quotedSeq: 0 });
    for (const quoteBytes of [0, 1, 19, 20, 23]) {
      expect(error4(3, quoted4, { quoteBytes })).toMatchObject({ kind: IS_ICMP, quotes: false });
    }
  });

  test("IP options in the quote are stepped over", () => {
    const quoting = packet()
      .ipv4({ ...CLIENT4, options: zeros(8) })
      .udp({ src: 40001, dst: 443 });
    expect(quotedFlowOf(error4(3, quoting))).toBe(FLOW4);
  });

  test("a later fragment has no ports to quote", () => {
    const later = packet()
      .ipv4({ ...CLIENT4, fragmentOffset: 1480, protocol: 17 })
      .payload("payload, no ports");
    expect(error4(11, later, { code: 1 })).toMatchObject({ kind: IS_ICMP, quotes: false });
  });

  test("quotes of other protocols are no flow", () => {
    expect(error4(3, packet().ipv4(OUTER4).carrying(TCP4))).toMatchObject({ quotes: false, quotedProtocol: 4 });
    expect(error4(3, packet().payload(zeros(40))).quotes).toBe(false);
  });

  test("an echo quotes nothing, whatever it carries", () => {
    const echo = router4.icmp({ type: 8, echo: { id: 1, sequence: 2 }, quoting: quoted4.build() });
    const p = decode(echo, { into: error4(3, quoted4) });
    expect(p).toMatchObject({ kind: IS_ICMP, icmpType: 8, quotes: false, payloadLength: 140 });
  });

  test("less than 8 bytes are nothing", () => {
    expect(decode(router4.icmp({ type: 3 }), { captured: 41 })).toMatchObject({ kind: NOTHING, cut: true });
  });
});

describe("ICMPv6", () => {
  test("packet too big: the MTU and the flow", () => {
    const p = error6(2, quoted6, { mtu: 1280 });
    expect(p).toMatchObject({ kind: IS_ICMP, icmpType: 2, icmpMtu: 1280, quotedSeq: 0xfedcba98 | 0 });
    expect([sourceOf(p), quotedFlowOf(p)]).toEqual(["2001:db8:9::9", FLOW6]);
  });

  test.each([1, 3, 4])("type %i quotes, and has no MTU", (type) => {
    const p = error6(type, UDP6, { code: 4, mtu: 1280 });
    expect([p.icmpType, p.icmpCode, p.icmpMtu, p.quotedProtocol, quotedFlowOf(p)]).toEqual([type, 4, 0, 17, FLOW6]);
  });

  test("a quote cut within the headers", () => {
    for (const quoteBytes of [0, 39, 43]) expect(error6(1, quoted6, { quoteBytes }).quotes).toBe(false);
    expect(error6(1, quoted6, { quoteBytes: 44 })).toMatchObject({ quotes: true, quotedSeq: 0 });
  });

  test("an echo quotes nothing", () => {
    expect(error6(128, quoted6)).toMatchObject({ kind: IS_ICMP, quotes: false });
  });
});

describe("neighbour discovery", () => {
  const ipv6 = ethernet.ipv6({ src: "fe80::1", dst: "ff02::1:ff00:10", hopLimit: 255 });
  const target = "2001:db8::10";
  const mac = "02:00:00:00:00:09";

  test("a solicitation asks as ARP does", () => {
    const p = decode(ipv6.neighborSolicitation({ target, mac }));
    expect([p.kind, p.arpOperation, sourceOf(p), destinationOf(p)]).toEqual([IS_ARP, 1, "fe80::1", target]);
    expect(arpSenderOf(p)).toBe(mac);
  });

  test("an advertisement speaks of its target", () => {
    const p = decode(ipv6.neighborAdvertisement({ target, mac }));
    expect([p.kind, p.arpOperation, sourceOf(p), destinationOf(p)]).toEqual([IS_ARP, 2, target, target]);
    expect(arpSenderOf(p)).toBe(mac);
  });

  test("without a link-layer address it says nothing of a neighbour", () => {
    expect(decode(ipv6.neighborSolicitation({ target })).kind).toBe(IS_ICMP);
    expect(decode(ipv6.neighborAdvertisement({ target })).kind).toBe(IS_ICMP);
    // the other one's option
    const wrong = ipv6
      .icmpv6({ type: 136 })
      .payload(zeros(16))
      .payload(Uint8Array.of(1, 1, 2, 0, 0, 0, 0, 9));
    expect(decode(wrong).kind).toBe(IS_ICMP);
  });

  test("other options are stepped over, and one without length ends them", () => {
    const nonce = Uint8Array.of(14, 1, 1, 2, 3, 4, 5, 6);
    const address = Uint8Array.of(2, 1, 2, 0, 0, 0, 0, 9);
    const advertisement = ipv6.icmpv6({ type: 136 }).payload(zeros(16));
    expect(arpSenderOf(decode(advertisement.payload(nonce).payload(address)))).toBe(mac);
    expect(decode(advertisement.payload(Uint8Array.of(14, 0)).payload(zeros(6)).payload(address)).kind).toBe(IS_ICMP);
  });
});
