import { describe, expect, test } from "vitest";
import { type PacketBuilder, packet } from "../../fixtures/packets/packet.ts";
import { EncapsulationStack, encapsulationName, MAX_DEPTH, VLAN, VXLAN } from "../../src/decode/encapsulation.ts";
import { IS_TCP, IS_UDP, NOTHING } from "../../src/decode/packet.ts";
import { decode, flowOf, layersOf } from "./decoded.ts";
import { CLIENT4, FLOW4, OUTER4, TCP4 } from "./packets.ts";

const ethernet = packet().ethernet();
const NESTINGS: Record<string, (around: PacketBuilder) => PacketBuilder> = {
  VLAN: (around) => around.vlan(9),
  IPIP: (around) => around.ipv4(OUTER4),
  GRE: (around) => around.ipv4(OUTER4).gre(),
  VXLAN: (around) => around.ipv4(OUTER4).udp({ src: 50000 }).vxlan(7).ethernet(),
};

function nested(name: string, depth: number): PacketBuilder {
  const nest = NESTINGS[name];
  let around = name === "GRE" || name === "IPIP" || name === "VXLAN" || name === "VLAN" ? ethernet : packet();
  for (let i = 0; i < depth; i++) around = nest?.(around) ?? around;
  return around.carrying(TCP4);
}

describe.each(Object.keys(NESTINGS))("%s in itself", (name) => {
  test("is followed to MAX_DEPTH", () => {
    const p = decode(nested(name, MAX_DEPTH));
    expect([p.kind, flowOf(p), p.encapsulation.depth]).toEqual([IS_TCP, FLOW4, MAX_DEPTH]);
  });

  test("and no further", () => {
    for (const depth of [MAX_DEPTH + 1, 3 * MAX_DEPTH]) {
      const p = decode(nested(name, depth));
      expect(p.encapsulation.depth).toBe(MAX_DEPTH);
      // the header at which it stopped is still known
      expect(p.kind).toBe(name === "VXLAN" ? IS_UDP : NOTHING);
    }
  });
});

test("layers are in order, outermost first", () => {
  const inner = packet().ethernet().vlan(3).ipv4(CLIENT4).tcp({ src: 40001, dst: 443 });
  const p = decode(
    ethernet.vlan(1).mpls(2).ipv4(OUTER4).gre({ key: 4 }).ipv4(OUTER4).udp({ src: 50000 }).vxlan(5).carrying(inner),
  );
  expect(layersOf(p)).toEqual([
    "vlan 1",
    "mpls 2",
    "gre 4 10.2.0.2 > 10.2.0.11",
    "vxlan 5 10.2.0.2:50000 > 10.2.0.11",
    "vlan 3",
  ]);
});

test("a tag leaves nothing of the tunnel that was in its place", () => {
  const p = decode(nested("VXLAN", 1));
  expect(p.encapsulation.hasTunnel).toBe(true);
  decode(ethernet.vlan(9).carrying(TCP4), { into: p });
  expect([layersOf(p), p.encapsulation.hasTunnel]).toEqual([["vlan 9"], false]);
  decode(ethernet.carrying(TCP4), { into: p });
  expect([layersOf(p), p.encapsulation.hasTunnel]).toEqual([[], false]);
});

test("a full stack takes no more", () => {
  const stack = new EncapsulationStack();
  for (let i = 0; i < MAX_DEPTH; i++) expect(stack.pushTag(VLAN, i)).toBe(true);
  const before = Array.from(stack.words);
  expect(stack.pushTag(VLAN, 99)).toBe(false);
  expect(stack.pushTunnel(VXLAN, 1, 4, 2, 0, 0, 0xffff, 3, 0, 0, 0xffff, 4)).toBe(false);
  expect([stack.depth, Array.from(stack.words)]).toEqual([MAX_DEPTH, before]);
});

test("names are the contract's", () => {
  const names = ["vlan", "mpls", "ipip", "gre", "erspan", "gue", "fou", "vxlan", "geneve"];
  expect(names.map((_, i) => encapsulationName(i + 1))).toEqual(names);
  expect(encapsulationName(99)).toBe("unknown");
});
