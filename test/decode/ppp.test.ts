import { expect, test } from "vitest";
import { LINKTYPE } from "../../fixtures/packets/link.ts";
import { packet } from "../../fixtures/packets/packet.ts";
import { NOTHING } from "../../src/decode/packet.ts";
import { decode, flowOf, layersOf } from "./decoded.ts";
import { FLOW4, FLOW6, TCP4, TCP6 } from "./packets.ts";

const bytes = (...values: number[]) => packet().payload(Uint8Array.from(values));

test.each([LINKTYPE.ppp, LINKTYPE.pppHdlc])("bare and framed, link type %i", (linkType) => {
  for (const hdlc of [false, true]) {
    expect(flowOf(decode(packet().ppp({ hdlc }).carrying(TCP4), { linkType }))).toBe(FLOW4);
    expect(flowOf(decode(packet().ppp({ hdlc }).carrying(TCP6), { linkType }))).toBe(FLOW6);
  }
});

test("a protocol field compressed to one byte", () => {
  expect(flowOf(decode(bytes(0x21).carrying(TCP4), { linkType: LINKTYPE.ppp }))).toBe(FLOW4);
  expect(flowOf(decode(bytes(0xff, 0x03, 0x57).carrying(TCP6), { linkType: LINKTYPE.ppp }))).toBe(FLOW6);
});

test.each([
  ["to one station", 0x0f],
  ["to all", 0x8f],
])("Cisco HDLC %s", (_, address) => {
  const linkType = 104;
  expect(flowOf(decode(bytes(address, 0, 0x08, 0x00).carrying(TCP4), { linkType }))).toBe(FLOW4);
  expect(flowOf(decode(bytes(address, 0, 0x86, 0xdd).carrying(TCP6), { linkType }))).toBe(FLOW6);
});

test("MPLS in PPP", () => {
  const p = decode(bytes(0x02, 0x81).mpls(17).carrying(TCP4), { linkType: LINKTYPE.ppp });
  expect([flowOf(p), layersOf(p)]).toEqual([FLOW4, ["mpls 17"]]);
});

test("PPPoE as a link type of its own", () => {
  expect(flowOf(decode(packet().pppoe().carrying(TCP4), { linkType: LINKTYPE.pppEther }))).toBe(FLOW4);
});

test("control protocols are nothing", () => {
  const linkControl = packet().ppp({ protocol: 0xc021 }).payload("conf");
  expect(decode(linkControl, { linkType: LINKTYPE.ppp })).toMatchObject({ kind: NOTHING, cut: false });
});
