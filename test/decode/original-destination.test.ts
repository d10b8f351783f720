import { describe, expect, test } from "vitest";
import { concat, zeros } from "../../fixtures/packets/bytes.ts";
import { packet } from "../../fixtures/packets/packet.ts";
import { ciliumDsrOption, type GeneveOption } from "../../fixtures/packets/tunnel.ts";
import { IS_TCP, VIA_GENEVE, VIA_IP_OPTION } from "../../src/decode/packet.ts";
import { decode, flowOf, viaOf } from "./decoded.ts";
import { CLIENT4, CLIENT6, FLOW4, FLOW6, OUTER4, TCP4 } from "./packets.ts";

const ethernet = packet().ethernet();
const ports = { src: 40001, dst: 443 };

describe("Cilium's DSR option in Geneve", () => {
  const withOptions = (...options: GeneveOption[]) =>
    ethernet.ipv4(OUTER4).udp({ src: 50000 }).geneve(2, { options }).ethernet().carrying(TCP4);
  const other = { class: 0x0102, type: 1, data: zeros(12) };

  test.each([
    ["IPv4", ciliumDsrOption("203.0.113.80", 8080), "203.0.113.80:8080"],
    ["IPv6", ciliumDsrOption("2001:db8::80", 8080), "[2001:db8::80]:8080"],
  ])("%s, alone and among others", (_, option, service) => {
    for (const options of [[option], [other, option], [option, other], [{ class: 1, type: 2 }, option]]) {
      const p = decode(withOptions(...options));
      expect([flowOf(p), p.viaKind, viaOf(p)]).toEqual([FLOW4, VIA_GENEVE, service]);
    }
  });

  test("others of its class, or of its type, or too short, name nothing", () => {
    const data = zeros(8);
    for (const option of [
      other,
      { class: 0x014b, type: 0x82, data },
      { class: 0x014c, type: 0x81, data },
      { class: 0x014b, type: 0x81, data: zeros(4) },
    ]) {
      expect(viaOf(decode(withOptions(option)))).toBeNull();
    }
  });

  test("an option that claims more than there is ends the list", () => {
    const bytes = withOptions(ciliumDsrOption("203.0.113.80", 8080)).build();
    bytes[14 + 20 + 8 + 8 + 3] = 31;
    const p = decode(bytes);
    expect([flowOf(p), viaOf(p)]).toEqual([FLOW4, null]);
  });
});

describe("Cilium's DSR option of IPv4", () => {
  /** As a little-endian host writes it: port and address are swapped once too often. */
  const dsr = Uint8Array.of(0x9a, 8, 0x90, 0x1f, 80, 113, 0, 203);
  const withOptions = (options: Uint8Array) =>
    ethernet
      .ipv4({ ...CLIENT4, options })
      .tcp(ports)
      .payload("hello");

  test("alone, and behind others", () => {
    for (const options of [dsr, concat(Uint8Array.of(1, 0x94, 4, 0, 0, 1), dsr)]) {
      const p = decode(withOptions(options));
      expect([flowOf(p), p.viaKind, viaOf(p)]).toEqual([FLOW4, VIA_IP_OPTION, "203.0.113.80:8080"]);
    }
  });

  test("damaged lists and other options name nothing", () => {
    const routerAlert = Uint8Array.of(0x94, 4, 0, 0);
    const damaged = [routerAlert, concat(zeros(1), dsr), Uint8Array.of(0x9a, 1), Uint8Array.of(0x9a, 200, 1, 1)];
    for (const options of [...damaged, concat(Uint8Array.of(7, 0), dsr), Uint8Array.of(0x9a, 4, 0, 80)]) {
      const p = decode(withOptions(options));
      expect([p.kind, viaOf(p)]).toEqual([IS_TCP, null]);
    }
  });
});

describe("Cilium's DSR option of IPv6", () => {
  const address = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80];
  const dsr = Uint8Array.of(0x1b, 20, ...address, 0x1f, 0x90, 0, 0);
  const withOptions = (options: Uint8Array) =>
    ethernet.ipv6(CLIENT6).ipv6Extension("destination", options).tcp(ports).payload("hello");

  test("in a destination options header", () => {
    const p = decode(withOptions(dsr));
    expect([flowOf(p), p.viaKind, viaOf(p)]).toEqual([FLOW6, VIA_IP_OPTION, "[2001:db8::80]:8080"]);
  });

  test("other options name nothing", () => {
    expect(viaOf(decode(withOptions(Uint8Array.of(0xc9, 16, ...address))))).toBeNull();
    expect(viaOf(decode(withOptions(Uint8Array.of(0x1b, 4, 0, 0, 0, 0))))).toBeNull();
  });

  test("is not looked for where the packet is cut", () => {
    expect(viaOf(decode(withOptions(dsr), { captured: 14 + 40 + 20 }))).toBeNull();
  });
});

test("the next packet, which has none, names nothing", () => {
  const options = [ciliumDsrOption("203.0.113.80", 8080)];
  const p = decode(ethernet.ipv4(OUTER4).udp({ src: 50000 }).geneve(2, { options }).carrying(TCP4));
  expect(viaOf(p)).toBe("203.0.113.80:8080");
  expect(viaOf(decode(ethernet.carrying(TCP4), { into: p }))).toBeNull();
});
