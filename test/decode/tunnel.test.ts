import { describe, expect, test } from "vitest";
import { zeros } from "../../fixtures/packets/bytes.ts";
import { type PacketBuilder, packet } from "../../fixtures/packets/packet.ts";
import { IS_ARP, IS_TCP, IS_UDP, NOTHING } from "../../src/decode/packet.ts";
import { decode, flowOf, layersOf } from "./decoded.ts";
import { CLIENT4, CLIENT6, FLOW4, FLOW6, OUTER4, OUTER6, TCP4, TCP6, UDP4 } from "./packets.ts";

const ethernet = packet().ethernet();
const outer4 = ethernet.ipv4(OUTER4);
const outer6 = ethernet.ipv6(OUTER6);
const ENDS4 = "10.2.0.2 > 10.2.0.11";
const ENDS6 = "fd00::2 > fd00::11";
const FROM_PORT4 = "10.2.0.2:50000 > 10.2.0.11";
const FROM_PORT6 = "[fd00::2]:50000 > fd00::11";
const OUTER_UDP = (port: number) => `10.2.0.2:50000 > 10.2.0.11:${port}`;

/** What a tunnel should show: the flow inside, and the layers around it. */
function expectTunnel(tunnelled: PacketBuilder, flow: string, ...layers: string[]): void {
  const p = decode(tunnelled);
  expect([p.kind, flowOf(p), p.payloadLength, layersOf(p)]).toEqual([IS_TCP, flow, 5, layers]);
}

/** What should be left alone. */
function expectOuterUdp(datagram: PacketBuilder, port: number): void {
  const p = decode(datagram);
  expect([p.kind, flowOf(p), layersOf(p)]).toEqual([IS_UDP, OUTER_UDP(port), []]);
}

describe("GRE", () => {
  test("bare, over and with both versions of IP", () => {
    expectTunnel(outer4.gre().carrying(TCP4), FLOW4, `gre -1 ${ENDS4}`);
    expectTunnel(outer6.gre().carrying(TCP6), FLOW6, `gre -1 ${ENDS6}`);
  });

  test("every mix of checksum, key and sequence number", () => {
    for (const checksum of [false, true]) {
      for (const sequence of [undefined, 9]) {
        const options = { checksum, ...(sequence === undefined ? {} : { sequence }) };
        expectTunnel(outer4.gre(options).carrying(TCP4), FLOW4, `gre -1 ${ENDS4}`);
        expectTunnel(outer4.gre({ ...options, key: 77 }).carrying(TCP4), FLOW4, `gre 77 ${ENDS4}`);
      }
    }
  });

  test("Ethernet and VLANs inside", () => {
    const frame = packet().ethernet().vlan(5).carrying(TCP4);
    expectTunnel(outer4.gre({ key: 1 }).carrying(frame), FLOW4, `gre 1 ${ENDS4}`, "vlan 5");
  });

  test("packets that a router redirects by WCCP, with its header and without", () => {
    const redirected = outer4.gre({ protocol: 0x883e });
    expectTunnel(redirected.carrying(TCP4), FLOW4, `gre -1 ${ENDS4}`);
    expectTunnel(redirected.payload(Uint8Array.of(0, 90, 1, 2)).carrying(TCP4), FLOW4, `gre -1 ${ENDS4}`);
  });

  test("PPTP, routing and unknown protocols are left alone", () => {
    expect(decode(outer4.gre({ version: 1, key: 1, protocol: 0x880b }).carrying(TCP4)).kind).toBe(NOTHING);
    const routed = outer4.gre().carrying(TCP4).build();
    routed[34] = 0x40;
    expect(decode(routed).kind).toBe(NOTHING);
    expect(decode(outer4.gre({ protocol: 0x1234 }).payload("?"))).toMatchObject({ kind: NOTHING, cut: false });
  });
});

describe("ERSPAN", () => {
  const mirrored = packet().ethernet().carrying(TCP4);

  test("type I: no header of its own", () => {
    expectTunnel(outer4.gre({ protocol: 0x88be }).carrying(mirrored), FLOW4, `erspan 0 ${ENDS4}`);
  });

  test("types II and III", () => {
    const gre = outer4.gre({ sequence: 1 });
    expectTunnel(gre.erspan2({ session: 1023, vlan: 4000 }).carrying(mirrored), FLOW4, `erspan 1023 ${ENDS4}`);
    expectTunnel(gre.erspan3({ session: 5 }).carrying(mirrored), FLOW4, `erspan 5 ${ENDS4}`);
    expectTunnel(gre.erspan3({ session: 5, platform: true }).carrying(mirrored), FLOW4, `erspan 5 ${ENDS4}`);
  });
});

describe("GUE", () => {
  const udp = outer4.udp({ src: 50000, dst: 6080 });

  test("variant 0 with either version of IP", () => {
    expectTunnel(udp.gue().carrying(TCP4), FLOW4, `gue -1 ${FROM_PORT4}`);
    expectTunnel(outer6.udp({ src: 50000 }).gue().carrying(TCP6), FLOW6, `gue -1 ${FROM_PORT6}`);
  });

  test("GLB's private data, on its own port too", () => {
    const hops = ["10.2.0.12", "10.2.0.13"];
    expectTunnel(udp.gue({ hops, nextHop: 1 }).carrying(TCP4), FLOW4, `gue -1 ${FROM_PORT4}`);
    const glb = outer4.udp({ src: 50000, dst: 19523 }).gue({ hops });
    expectTunnel(glb.carrying(TCP4), FLOW4, `gue -1 ${FROM_PORT4}`);
    expectTunnel(glb.carrying(TCP6), FLOW6, `gue -1 ${FROM_PORT4}`);
  });

  test("variant 1", () => {
    expectTunnel(udp.gue({ variant: 1 }).carrying(TCP4), FLOW4, `gue -1 ${FROM_PORT4}`);
    expectTunnel(udp.gue({ variant: 1 }).carrying(TCP6), FLOW6, `gue -1 ${FROM_PORT4}`);
  });

  test("control messages, other protocols and other traffic on its port are left alone", () => {
    expectOuterUdp(udp.gue({ control: true }).carrying(TCP4), 6080);
    expectOuterUdp(udp.gue({ protocol: 59 }).carrying(TCP4), 6080);
    expectOuterUdp(udp.gue({ protocol: 41 }).carrying(TCP4), 6080);
    expectOuterUdp(udp.payload("GET / HTTP/1.1 as if it were IPv4 by its first letter"), 6080);
    expectOuterUdp(udp.payload("beautiful, long enough for an IPv6 header, and no IPv6"), 6080);
  });
});

describe("FOU", () => {
  const udp = outer4.udp({ src: 50000, dst: 9886 });

  test("either version of IP on any port", () => {
    expectTunnel(udp.carrying(TCP4), FLOW4, `fou -1 ${FROM_PORT4}`);
    expectTunnel(udp.carrying(TCP6), FLOW6, `fou -1 ${FROM_PORT4}`);
    expectTunnel(outer6.udp({ src: 50000, dst: 5555 }).carrying(TCP4), FLOW4, `fou -1 ${FROM_PORT6}`);
  });

  test("addresses of every kind that a host may have", () => {
    for (const src of ["2a00::1", "fc00::1", "fe80::1", "64:ff9b::c000:201"]) {
      const p = decode(udp.ipv6({ src, dst: "2001:db8::1" }).udp({ src: 1, dst: 2 }));
      expect([p.kind, layersOf(p)]).toEqual([IS_UDP, [`fou -1 ${FROM_PORT4}`]]);
    }
  });

  test("cut by the snap length behind the inner IP header", () => {
    const p = decode(udp.ipv4(CLIENT4).tcp({ src: 40001, dst: 443 }).payload(zeros(1000)), { captured: 96 });
    expect([p.kind, flowOf(p), p.payloadLength]).toEqual([IS_TCP, FLOW4, 1000]);
  });

  test("what only looks like IPv4 is left alone", () => {
    expectOuterUdp(udp.ipv4({ ...CLIENT4, badChecksum: true }).tcp({ src: 1, dst: 2 }), 9886);
    expectOuterUdp(udp.ipv4({ ...CLIENT4, totalLength: 39 }).tcp({ src: 1, dst: 2 }), 9886);
    expectOuterUdp(udp.ipv4({ ...CLIENT4, headerWords: 4 }).tcp({ src: 1, dst: 2 }), 9886);
    expectOuterUdp(udp.payload(TCP4.build()).payload("more"), 9886);
  });

  test("what only looks like IPv6 is left alone", () => {
    expectOuterUdp(udp.payload(TCP6.build()).payload("more"), 9886);
    expectOuterUdp(udp.ipv6({ ...CLIENT6, nextHeader: 99 }).payload("what is 99?"), 9886);
    expectOuterUdp(udp.ipv6({ src: "::1", dst: "::1" }).udp({ src: 1, dst: 2 }), 9886);
    expectOuterUdp(udp.ipv6({ src: "2001:db8::1", dst: "ff02::1" }).udp({ src: 1, dst: 2 }), 9886);
  });

  test("a DNS query of 41 bytes is no IPv6 packet", () => {
    // its id begins with 6, and its one question is where IPv6 has a payload length of 1
    const header = Uint8Array.of(0x6f, 0x4d, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1);
    const question = "\x11scorecardresearch\x03com";
    const query = outer4.udp({ src: 50000, dst: 53 }).payload(header).payload(question).payload(zeros(7));
    expect(decode(query).payloadLength).toBe(41);
    expectOuterUdp(query, 53);
  });
});

describe("VXLAN", () => {
  const frame = packet().ethernet().carrying(TCP4);

  test.each([4789, 8472])("port %i", (dst) => {
    expectTunnel(
      outer4.udp({ src: 50000, dst }).vxlan(0xfffffe).carrying(frame),
      FLOW4,
      `vxlan 16777214 ${FROM_PORT4}`,
    );
    expectTunnel(outer6.udp({ src: 50000, dst }).vxlan(1).carrying(frame), FLOW4, `vxlan 1 ${FROM_PORT6}`);
  });

  test("VLAN and ARP inside", () => {
    const vxlan = outer4.udp({ src: 50000 }).vxlan(7);
    expectTunnel(vxlan.ethernet().vlan(3).carrying(TCP6), FLOW6, `vxlan 7 ${FROM_PORT4}`, "vlan 3");
    const arp = { operation: "request", senderMac: "02:00:00:00:00:01", senderIp: "10.1.0.1", targetIp: "10.1.0.2" };
    const p = decode(vxlan.ethernet().arp({ ...arp, operation: "request" }));
    expect([p.kind, layersOf(p)]).toEqual([IS_ARP, [`vxlan 7 ${FROM_PORT4}`]]);
  });

  test("without a valid VNI, or on another port, it is left alone", () => {
    expectOuterUdp(outer4.udp({ src: 50000 }).vxlan(7, { hasVni: false }).carrying(frame), 4789);
    expectOuterUdp(outer4.udp({ src: 50000, dst: 4790 }).vxlan(7).carrying(frame), 4790);
  });
});

describe("Geneve", () => {
  const udp = outer4.udp({ src: 50000, dst: 6081 });
  const frame = packet().ethernet().carrying(TCP4);

  test("Ethernet and IP inside, with options and without", () => {
    const options = [
      { class: 0x0102, type: 1, data: zeros(8) },
      { class: 0x0103, type: 0x80 },
    ];
    expectTunnel(udp.geneve(0xabcdef).carrying(frame), FLOW4, `geneve 11259375 ${FROM_PORT4}`);
    expectTunnel(udp.geneve(5, { options }).carrying(frame), FLOW4, `geneve 5 ${FROM_PORT4}`);
    expectTunnel(udp.geneve(5, { options }).carrying(TCP4), FLOW4, `geneve 5 ${FROM_PORT4}`);
    expectTunnel(udp.geneve(5).carrying(TCP6), FLOW6, `geneve 5 ${FROM_PORT4}`);
  });

  test("another version or protocol is other traffic on its port", () => {
    expectOuterUdp(udp.payload(Uint8Array.of(0x40, 0, 0x65, 0x58, 0, 0, 5, 0)).carrying(frame), 6081);
    expectOuterUdp(udp.payload("\x01 some game's packet"), 6081);
  });

  test("options that end beyond the packet are cut", () => {
    const p = decode(udp.payload(Uint8Array.of(0x3f, 0, 0x65, 0x58, 0, 0, 5, 0)).carrying(frame));
    expect([p.kind, p.cut]).toEqual([IS_UDP, true]);
  });
});

describe("Teredo is left alone", () => {
  const origin = { address: "203.0.113.9", port: 51000 };
  const teredo6 = { src: "2001:0:c000:201::1", dst: "2001:db8::1" };
  const inside = packet().ipv6(teredo6).tcp({ src: 1, dst: 2 });

  test("to and from its port, with an origin and without", () => {
    expectOuterUdp(outer4.udp({ src: 50000 }).teredo().carrying(TCP6), 3544);
    expectOuterUdp(outer4.udp({ src: 50000 }).teredo({ origin }).carrying(inside), 3544);
    const back = decode(outer4.udp({ src: 3544, dst: 50000 }).teredo().carrying(TCP6));
    expect([back.kind, layersOf(back)]).toEqual([IS_UDP, []]);
  });

  test("between two clients, on no known port", () => {
    expectOuterUdp(outer4.udp({ src: 50000, dst: 51000 }).teredo().carrying(inside), 51000);
  });
});

test("other UDP is left alone, however short", () => {
  for (let bytes = 0; bytes < 12; bytes++) {
    for (const port of [53, 4789, 6080, 6081, 8472, 9886]) {
      const p = decode(outer4.udp({ src: 50000, dst: port }).payload(zeros(bytes)));
      expect([p.kind, flowOf(p), p.payloadLength]).toEqual([IS_UDP, OUTER_UDP(port), bytes]);
    }
  }
});

test("UDP inside a tunnel is looked into as well", () => {
  const p = decode(outer4.gre().carrying(UDP4));
  expect([p.kind, flowOf(p), layersOf(p)]).toEqual([IS_UDP, FLOW4, [`gre -1 ${ENDS4}`]]);
  const vxlan = packet().ipv4(OUTER4).udp({ src: 50000 }).vxlan(7).ethernet().carrying(TCP4);
  expectTunnel(outer6.carrying(vxlan), FLOW4, `ipip -1 ${ENDS6}`, `vxlan 7 ${FROM_PORT4}`);
});
