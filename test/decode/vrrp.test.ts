import { expect, test } from "vitest";
import { concat, zeros } from "../../fixtures/packets/bytes.ts";
import { packet } from "../../fixtures/packets/packet.ts";
import { IS_VRRP, NOTHING, type Packet } from "../../src/decode/packet.ts";
import { addressText, decode, sourceOf } from "./decoded.ts";

const group4 = { src: "10.2.0.2", dst: "224.0.0.18", ttl: 255 };
const group6 = { src: "fe80::2", dst: "ff02::12", hopLimit: 255 };
const ipv4 = packet().ethernet().ipv4(group4);
const ipv6 = packet().ethernet().ipv6(group6);

const firstAddress = (p: Packet) => addressText(p.vrrpAddress0, p.vrrpAddress1, p.vrrpAddress2, p.vrrpAddress3);

test("version 2 counts in seconds", () => {
  const p = decode(ipv4.vrrp({ version: 2, vrid: 51, priority: 150, intervalSeconds: 3, addresses: ["192.0.2.10"] }));
  expect(p).toMatchObject({ kind: IS_VRRP, vrrpVersion: 2, vrrpId: 51, vrrpPriority: 150, vrrpInterval: 300 });
  expect([sourceOf(p), p.vrrpAddresses, firstAddress(p)]).toEqual(["10.2.0.2", 1, "192.0.2.10"]);
});

test("version 3 counts in hundredths", () => {
  const addresses = ["192.0.2.10", "192.0.2.11"];
  const p = decode(ipv4.vrrp({ version: 3, vrid: 255, priority: 0, intervalSeconds: 0.25, addresses }));
  expect(p).toMatchObject({ kind: IS_VRRP, vrrpVersion: 3, vrrpId: 255, vrrpPriority: 0, vrrpInterval: 25 });
  expect([p.vrrpAddresses, firstAddress(p)]).toEqual([2, "192.0.2.10"]);
});

test("version 3 over IPv6", () => {
  const p = decode(ipv6.vrrp({ vrid: 7, intervalSeconds: 40.95, addresses: ["fe80::10", "2001:db8::10"] }));
  expect([p.kind, p.vrrpInterval, p.vrrpAddresses, firstAddress(p)]).toEqual([IS_VRRP, 4095, 2, "fe80::10"]);
});

test("version 2 with seven addresses is no CARP, and CARP is no VRRP", () => {
  const addresses = Array.from({ length: 7 }, (_, i) => `192.0.2.${10 + i}`);
  expect(decode(ipv4.vrrp({ version: 2, vrid: 1, addresses }))).toMatchObject({ kind: IS_VRRP, vrrpAddresses: 7 });
  // version and type, vhid, skew, authentication length in words, demotion, base, checksum, counter and digest
  const carp = concat(Uint8Array.of(0x21, 1, 100, 7, 0, 1, 0, 0), zeros(28));
  const p = decode(
    packet()
      .ethernet()
      .ipv4({ ...group4, protocol: 112 })
      .payload(carp),
  );
  expect([p.kind, p.ipVersion]).toEqual([NOTHING, 4]);
});

test("other versions, types and impossible counts are left alone", () => {
  const advertisement = ipv4.vrrp({ vrid: 1, addresses: ["192.0.2.10"] }).build();
  for (const [offset, value] of [
    [0, 0x41],
    [0, 0x32],
    [3, 200],
  ] as const) {
    const bytes = Uint8Array.from(advertisement);
    bytes[34 + offset] = value;
    expect(decode(bytes).kind).toBe(NOTHING);
  }
});

test("cut behind the fixed part it lacks the address only", () => {
  const advertisement = ipv4.vrrp({ vrid: 9, addresses: ["192.0.2.10"] });
  expect(decode(advertisement, { captured: 41 })).toMatchObject({ kind: NOTHING, cut: true });
  const p = decode(advertisement, { captured: 45 });
  expect([p.kind, p.vrrpId, p.vrrpAddresses, firstAddress(p)]).toEqual([IS_VRRP, 9, 1, "0.0.0.0"]);
});
