import { expect, test } from "vitest";
import { packet } from "../../fixtures/packets/packet.ts";
import { IS_ARP, NOTHING } from "../../src/decode/packet.ts";
import { arpSenderOf, decode, destinationOf, layersOf, sourceOf } from "./decoded.ts";

const message = {
  senderMac: "fe:dc:ba:98:76:54",
  senderIp: "192.0.2.10",
  targetMac: "02:00:00:00:00:02",
  targetIp: "10.1.0.1",
};

test.each([
  ["request", 1],
  ["reply", 2],
] as const)("a %s", (operation, number) => {
  const p = decode(
    packet()
      .ethernet()
      .arp({ ...message, operation }),
  );
  expect([p.kind, p.ipVersion, p.arpOperation]).toEqual([IS_ARP, 4, number]);
  expect([arpSenderOf(p), sourceOf(p), destinationOf(p)]).toEqual([message.senderMac, "192.0.2.10", "10.1.0.1"]);
});

test("padded, and in a VLAN", () => {
  const p = decode(
    packet()
      .ethernet({ padTo: 60 })
      .vlan(5)
      .arp({ ...message, operation: "reply" }),
  );
  expect([p.kind, layersOf(p), sourceOf(p)]).toEqual([IS_ARP, ["vlan 5"], "192.0.2.10"]);
});

test("of other hardware or protocols it is left alone", () => {
  for (const offset of [1, 2, 4, 5]) {
    const bytes = packet()
      .ethernet()
      .arp({ ...message, operation: "request" })
      .build();
    bytes[14 + offset] = 9;
    expect(decode(bytes)).toMatchObject({ kind: NOTHING, ipVersion: 0, cut: false });
  }
});

test("cut anywhere it is nothing", () => {
  const arp = packet()
    .ethernet()
    .arp({ ...message, operation: "request" });
  for (let captured = 14; captured < 42; captured++) {
    expect(decode(arp, { captured })).toMatchObject({ kind: NOTHING, cut: true });
  }
});
