import { describe, expect, test } from "vitest";
import { LINKTYPE } from "../../fixtures/packets/link.ts";
import { packet } from "../../fixtures/packets/packet.ts";
import { isSupportedLinkType } from "../../src/decode/link.ts";
import { NOTHING } from "../../src/decode/packet.ts";
import { decode, flowOf, layersOf, macsOf } from "./decoded.ts";
import { FLOW4, FLOW6, TCP4, TCP6 } from "./packets.ts";

const SENDER = "00:00:00:00:00:00 < 02:00:00:00:00:01";
const NOBODY = "00:00:00:00:00:00 < 00:00:00:00:00:00";

test("every link type that the packet builder has is supported, others are not", () => {
  for (const linkType of Object.values(LINKTYPE)) expect(isSupportedLinkType(linkType)).toBe(true);
  for (const linkType of [105, 127, 147, 249]) {
    expect(isSupportedLinkType(linkType)).toBe(false);
    expect(decode(packet().ethernet().carrying(TCP4), { linkType })).toMatchObject({ kind: NOTHING, cut: false });
  }
});

describe("Linux cooked captures", () => {
  test("version 1, with the sender's MAC where there is one", () => {
    const p = decode(packet().sll({ packetType: 4 }).carrying(TCP4), { linkType: LINKTYPE.sll });
    expect([flowOf(p), macsOf(p), p.interfaceIndex]).toEqual([FLOW4, SENDER, 0]);
    const tunnel = packet().sll({ address: "", hardwareType: 768 }).carrying(TCP6);
    const p6 = decode(tunnel, { linkType: LINKTYPE.sll });
    expect([flowOf(p6), macsOf(p6)]).toEqual([FLOW6, NOBODY]);
  });

  test("version 2 has the interface's index, and the next packet not", () => {
    const p = decode(packet().sll2({ interfaceIndex: 300_000 }).vlan(9).carrying(TCP4), { linkType: LINKTYPE.sll2 });
    expect([flowOf(p), macsOf(p), p.interfaceIndex, layersOf(p)]).toEqual([FLOW4, SENDER, 300_000, ["vlan 9"]]);
    expect(decode(packet().ethernet().carrying(TCP4), { into: p }).interfaceIndex).toBe(0);
  });
});

describe("raw IP", () => {
  test.each([LINKTYPE.raw, 12, 14])("link type %i: the version tells", (linkType) => {
    expect(flowOf(decode(TCP4, { linkType }))).toBe(FLOW4);
    expect(flowOf(decode(TCP6, { linkType }))).toBe(FLOW6);
    expect(decode(packet().payload(Uint8Array.of(0x50)), { linkType })).toMatchObject({ kind: NOTHING, cut: false });
  });

  test("link types of one version", () => {
    expect(flowOf(decode(TCP4, { linkType: LINKTYPE.ipv4 }))).toBe(FLOW4);
    expect(flowOf(decode(TCP6, { linkType: LINKTYPE.ipv6 }))).toBe(FLOW6);
    expect(decode(TCP6, { linkType: LINKTYPE.ipv4 })).toMatchObject({ kind: NOTHING, ipVersion: 0 });
  });
});

describe("BSD loopback", () => {
  test.each([
    ["null, little-endian host", LINKTYPE.null, true],
    ["null, big-endian host", LINKTYPE.null, false],
    ["loop", LINKTYPE.loop, false],
  ])("%s", (_, linkType, littleEndian) => {
    expect(flowOf(decode(packet().bsdNull({ littleEndian }).carrying(TCP4), { linkType }))).toBe(FLOW4);
    for (const family of [10, 23, 24, 28, 30]) {
      expect(flowOf(decode(packet().bsdNull({ family, littleEndian }).carrying(TCP6), { linkType }))).toBe(FLOW6);
    }
    const appleTalk = packet().bsdNull({ family: 16, littleEndian }).carrying(TCP4);
    expect(decode(appleTalk, { linkType })).toMatchObject({ kind: NOTHING, cut: false });
  });

  test("a header of Cisco HDLC where the family should be", () => {
    const odd = packet()
      .payload(Uint8Array.of(0x0f, 0, 0x08, 0))
      .carrying(TCP4);
    expect(flowOf(decode(odd, { linkType: LINKTYPE.null }))).toBe(FLOW4);
  });
});

describe("NFLOG", () => {
  test.each([true, false])("little-endian host: %s", (littleEndian) => {
    for (const prefix of ["", "a prefix of odd length"]) {
      const header = packet().nflog({ prefix, littleEndian });
      expect(flowOf(decode(header.carrying(TCP4), { linkType: LINKTYPE.nflog }))).toBe(FLOW4);
      expect(flowOf(decode(header.carrying(TCP6), { linkType: LINKTYPE.nflog }))).toBe(FLOW6);
    }
  });

  test("an attribute with an impossible length ends it", () => {
    const broken = packet().payload(Uint8Array.of(2, 0, 0, 5, 0, 0, 1, 0, 9, 9, 9, 9));
    expect(decode(broken, { linkType: LINKTYPE.nflog })).toMatchObject({ kind: NOTHING, cut: false });
  });

  test("a header without a packet is whole, a cut attribute is not", () => {
    const whole = packet().nflog().carrying(TCP4).build();
    const attributeHeaderBytes = 4;
    const withoutPacket = whole.subarray(0, whole.length - TCP4.build().length - 3 - attributeHeaderBytes);
    expect(decode(withoutPacket, { linkType: LINKTYPE.nflog })).toMatchObject({ kind: NOTHING, cut: false });
    expect(decode(whole, { linkType: LINKTYPE.nflog, captured: 10 })).toMatchObject({ kind: NOTHING, cut: true });
  });
});
