import { describe, expect, test } from "vitest";
import { packet } from "../../fixtures/packets/packet.ts";
import { IS_TCP, NOTHING } from "../../src/decode/packet.ts";
import { decode, flowOf, layersOf, macsOf } from "./decoded.ts";
import { CLIENT4, FLOW4, FLOW6, OUTER4, TCP4, TCP6 } from "./packets.ts";

const MACS = { src: "02:00:00:00:00:0a", dst: "fe:dc:ba:98:76:54" };

describe("ethernet", () => {
  test("MACs, and IP of both versions", () => {
    const p = decode(packet().ethernet(MACS).carrying(TCP4));
    expect(macsOf(p)).toBe("fe:dc:ba:98:76:54 < 02:00:00:00:00:0a");
    expect([p.kind, p.ipVersion, flowOf(p), p.payloadLength]).toEqual([IS_TCP, 4, FLOW4, 5]);
    const p6 = decode(packet().ethernet(MACS).carrying(TCP6));
    expect([p6.kind, p6.ipVersion, flowOf(p6), p6.payloadLength]).toEqual([IS_TCP, 6, FLOW6, 5]);
  });

  test("padding and a frame check sequence are no payload", () => {
    const bare = packet()
      .ethernet({ padTo: 60, fcs: Uint8Array.of(1, 2, 3, 4) })
      .ipv4(CLIENT4)
      .tcp({ src: 1, dst: 2 });
    const p = decode(bare);
    expect([p.kind, p.payloadLength, p.payloadCaptured, p.wireLength]).toEqual([IS_TCP, 0, 0, 64]);
  });

  test("802.3 with SNAP; other 802.2 is nothing", () => {
    expect(flowOf(decode(packet().ethernet().snap().carrying(TCP4)))).toBe(FLOW4);
    const spanningTree = packet()
      .ethernet({ type: 38 })
      .payload(Uint8Array.of(0x42, 0x42, 3, 0, 0, 0, 0, 0, 0, 0));
    expect(decode(spanningTree)).toMatchObject({ kind: NOTHING, ipVersion: 0, cut: false });
  });

  test("MACs are those of the outermost frame, and gone with the next packet that has none", () => {
    const inner = packet().ethernet({ src: "02:00:00:00:00:77", dst: "02:00:00:00:00:78" }).carrying(TCP4);
    const tunnelled = packet().ethernet(MACS).ipv4(OUTER4).udp({ src: 50000 }).vxlan(7).carrying(inner);
    const p = decode(tunnelled);
    expect(macsOf(p)).toBe("fe:dc:ba:98:76:54 < 02:00:00:00:00:0a");
    expect(macsOf(decode(TCP4, { linkType: 101, into: p }))).toBe("00:00:00:00:00:00 < 00:00:00:00:00:00");
  });
});

describe("etherType", () => {
  test.each([0x8100, 0x88a8, 0x9100, 0x9200])("a VLAN tag of type 0x%s", (tpid) => {
    const p = decode(packet().ethernet().vlan(100, { tpid, priority: 5, dropEligible: true }).carrying(TCP4));
    expect([flowOf(p), layersOf(p)]).toEqual([FLOW4, ["vlan 100"]]);
  });

  test("QinQ, outer tag first", () => {
    const p = decode(packet().ethernet().qinq(200, 100).carrying(TCP6));
    expect([flowOf(p), layersOf(p)]).toEqual([FLOW6, ["vlan 200", "vlan 100"]]);
  });

  test("a priority tag names no VLAN", () => {
    const p = decode(packet().ethernet().vlan(0, { priority: 6 }).carrying(TCP4));
    expect([flowOf(p), layersOf(p)]).toEqual([FLOW4, []]);
  });

  test("any number of priority tags ends with the packet", () => {
    let tagged = packet().ethernet();
    for (let i = 0; i < 300; i++) tagged = tagged.vlan(0);
    expect(decode(tagged.vlan(0, { type: 0x8100 }))).toMatchObject({ kind: NOTHING, cut: true });
    expect(flowOf(decode(tagged.carrying(TCP4)))).toBe(FLOW4);
  });

  test("a PPPoE session", () => {
    expect(flowOf(decode(packet().ethernet().vlan(7).pppoe().carrying(TCP6)))).toBe(FLOW6);
  });

  test("what is not known is nothing", () => {
    const p = decode(packet().ethernet({ type: 0x88cc }).payload("lldp"));
    expect(p).toMatchObject({ kind: NOTHING, ipVersion: 0, cut: false });
  });
});
