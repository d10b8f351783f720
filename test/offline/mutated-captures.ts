import * as fc from "fast-check";
import { at, inOrder, pcapFile, type TimedPacket } from "../../fixtures/packets/capture-file.ts";
import { tcpConversation } from "../../fixtures/packets/conversation.ts";
import { LINKTYPE } from "../../fixtures/packets/link.ts";
import { packet } from "../../fixtures/packets/packet.ts";
import { pcapngFile } from "../../fixtures/packets/pcapng-file.ts";
import { proxyV1, proxyV2 } from "../../fixtures/packets/proxy-header.ts";
import { clientHello } from "../../fixtures/packets/tls.ts";

const client = "10.1.0.1:40001";
const vip = "192.0.2.10:443";
const outer = { src: "10.2.0.2", dst: "10.2.0.11" };
const udp = packet().ipv4(outer).udp({ src: 51_000 });

/** Packets of everything that is decoded and tracked. */
export function packetsOfEveryKind(): TimedPacket[] {
  const script = tcpConversation({ client, server: vip })
    .handshake()
    .send("up", clientHello({ serverName: "a.example" }))
    .send("down", 4000)
    .retransmit("down")
    .keepalive("up", { after: 20 })
    .zeroWindow("up")
    .fin("up")
    .rst("down");
  const proxied = tcpConversation({ client: "10.2.0.2:1025", server: "10.2.0.11:8080", start: 0.5 })
    .handshake()
    .send("up", proxyV1(client, vip))
    .send("up", proxyV2({ source: client, destination: vip }));
  const version6 = tcpConversation({ client: "[2001:db8::1]:40001", server: "[2001:db8:9::10]:443" }).handshake();
  const tunnels = [
    packet().ipv4(outer),
    packet().ipv4(outer).gre({ key: 5, sequence: 1, checksum: true }),
    packet().ipv4(outer).gre({ sequence: 2 }).erspan2({ session: 3 }).ethernet(),
    udp.vxlan(100).ethernet().vlan(7),
    udp.geneve(100),
    udp.gue({ hops: ["10.2.0.12", "10.2.0.13"] }),
  ].map((around) => tcpConversation({ client, server: vip }).handshake().send("up", 40).viaTunnel({ outer: around }));
  const nat = script.viaNat({ client: "10.2.0.2:1030", server: "10.2.0.11:8443", toa: "syn" });
  const quoted = script.leg().segments[3];
  const ip = packet().ethernet().ipv4({ src: "10.1.0.1", dst: "192.0.2.53" });
  const others = [
    ip.udp({ src: 40_000, dst: 53 }).payload("a question"),
    ...packet()
      .ethernet()
      .ipv4({ src: "10.1.0.1", dst: "192.0.2.53", df: false })
      .udp({ src: 9, dst: 99 })
      .payload(new Uint8Array(3000))
      .fragments(1500),
    packet()
      .ethernet()
      .arp({ operation: "reply", senderMac: "02:00:00:00:00:0a", senderIp: "192.0.2.10", targetIp: "192.0.2.10" }),
    packet()
      .ethernet()
      .ipv6({ src: "2001:db8::1", dst: "ff02::1" })
      .ipv6Extension("hopByHop")
      .neighborAdvertisement({ target: "2001:db8::1", mac: "02:00:00:00:00:0a" }),
    packet()
      .ethernet()
      .ipv4({ src: "10.2.0.2", dst: "224.0.0.18", ttl: 255 })
      .vrrp({ vrid: 51, addresses: ["192.0.2.10"] }),
    packet()
      .ethernet()
      .mpls(3)
      .mpls(4)
      .ipv4(outer)
      .icmp({ type: 8, echo: { id: 1, sequence: 1 } }),
    packet().ethernet().pppoe().ipv4(outer).tcp({ src: 5, dst: 6, flags: "S" }),
    ...(quoted
      ? [
          packet()
            .ethernet()
            .ipv4(outer)
            .icmp({ type: 3, code: 4, mtu: 1400, quoting: script.leg().ipPacket(quoted).build() }),
        ]
      : []),
  ];
  return inOrder(
    script.packets(),
    proxied.packets(),
    version6.packets(),
    nat.packets(),
    ...tunnels.map((tunnel) => tunnel.packets()),
    others.map((one, i) => at(2 + i / 100, one)),
  );
}

/** Small captures of several formats and link types, whole ones. */
export function wholeCaptures(): Uint8Array[] {
  const packets = packetsOfEveryKind();
  const cooked = tcpConversation({ client, server: vip }).handshake().send("down", 3000).fin("up");
  return [
    pcapFile(packets),
    pcapFile(packets, { snapLength: 96, resolution: "nano", littleEndian: false }),
    pcapFile(cooked.packets({ link: () => packet().sll() }), { linkType: LINKTYPE.sll }),
    pcapFile(cooked.packets({ link: () => packet().sll2({ interfaceIndex: 4 }) }), { linkType: LINKTYPE.sll2 }),
    pcapFile(cooked.packets({ link: () => packet() }), { linkType: LINKTYPE.raw }),
    pcapFile(cooked.packets({ link: () => packet().nflog() }), { linkType: LINKTYPE.nflog }),
    pcapngFile({
      interfaces: [
        { name: "eth0", timeResolution: 9 },
        { name: "eth1", snapLength: 128 },
      ],
      packets: packets.map((one, i) => ({ ...one, interface: i % 2 })),
    }),
    pcapngFile(
      {
        interfaces: [{ linkType: LINKTYPE.sll2 }],
        packets: cooked.packets({ link: () => packet().sll2() }),
        littleEndian: false,
      },
      { interfaces: [{}], packets, block: "simple" },
    ),
  ];
}

/** One change: at a place (a share of the length), something done to the bytes there. */
export interface Mutation {
  kind: "flip" | "byte" | "word16" | "word32" | "cut" | "remove" | "repeat" | "zero";
  place: number;
  value: number;
  length: number;
}

const extreme = fc.constantFrom(
  0,
  1,
  2,
  3,
  0x7f,
  0x80,
  0xff,
  0x7fff,
  0x8000,
  0xffff,
  0x7fff_ffff,
  0x8000_0000,
  0xffff_ffff,
);

export const mutation: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.constantFrom("flip", "flip", "byte", "byte", "word16", "word32", "cut", "remove", "repeat", "zero"),
  // integers are even over their range, doubles are not
  place: fc.noBias(fc.nat(999_999)).map((millionths) => millionths / 1e6),
  value: fc.oneof(extreme, fc.nat(0xffff)),
  length: fc.integer({ min: 1, max: 64 }),
});

export function mutate(bytes: Uint8Array, mutations: readonly Mutation[]): Uint8Array {
  let changed = bytes.slice();
  for (const one of mutations) {
    if (changed.length === 0) break;
    changed = apply(changed, one);
  }
  return changed;
}

function apply(bytes: Uint8Array, { kind, place, value, length }: Mutation): Uint8Array<ArrayBuffer> {
  const start = Math.floor(place * bytes.length);
  const end = Math.min(bytes.length, start + length);
  const changed = bytes.slice();
  const view = new DataView(changed.buffer);
  switch (kind) {
    case "flip":
      changed[start] = (changed[start] ?? 0) ^ (1 << (value & 7));
      return changed;
    case "byte":
      changed[start] = value;
      return changed;
    case "word16":
      if (start + 2 <= changed.length) view.setUint16(start, value & 0xffff, (length & 1) === 0);
      return changed;
    case "word32":
      if (start + 4 <= changed.length) view.setUint32(start, value, (length & 1) === 0);
      return changed;
    case "zero":
      return changed.fill(0, start, end);
    case "cut":
      return changed.slice(0, start);
    case "remove":
      return Uint8Array.from([...changed.subarray(0, start), ...changed.subarray(end)]);
    case "repeat":
      return Uint8Array.from([...changed.subarray(0, end), ...changed.subarray(start)]);
  }
}
