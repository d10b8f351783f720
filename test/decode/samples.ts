import { zeros } from "../../fixtures/packets/bytes.ts";
import { LINKTYPE } from "../../fixtures/packets/link.ts";
import { type PacketBuilder, packet } from "../../fixtures/packets/packet.ts";
import { mss, sackPermitted, timestamps, toa, windowScale } from "../../fixtures/packets/tcp-options.ts";
import { ciliumDsrOption } from "../../fixtures/packets/tunnel.ts";
import { CLIENT4, CLIENT6, OUTER4, OUTER6, TCP4, TCP4_TIMESTAMPS, TCP6, UDP4, UDP6 } from "./packets.ts";

/** A packet of one kind, for tests that hold for all kinds. */
export interface Sample {
  name: string;
  packet: PacketBuilder;
  linkType: number;
}

const ethernet = packet().ethernet();
const frame = ethernet.carrying(TCP4);
const synOptions = [mss(1460), sackPermitted(), timestamps(1, 0), windowScale(7), toa("203.0.113.9:51000")];
const syn = { src: 40001, dst: 443, flags: "S", options: synOptions };
const arp = { senderMac: "02:00:00:00:00:01", senderIp: "10.1.0.1", targetIp: "10.1.0.2" };
const gue = ethernet.ipv4(OUTER4).udp({ src: 50000, dst: 6080 });
const geneve = ethernet.ipv4(OUTER4).udp({ src: 50000, dst: 6081 });
const gre = ethernet.ipv4(OUTER4).gre({ sequence: 1 });
const quoting = TCP4.build();

/** Carrying TCP or UDP, whose header is the last of the packet. */
export const FLOW_SAMPLES: readonly Sample[] = [
  on("Ethernet, TCP", frame),
  on("Ethernet, TCP with timestamps", ethernet.carrying(TCP4_TIMESTAMPS)),
  on("Ethernet, SYN with TOA", ethernet.ipv4(CLIENT4).tcp(syn)),
  on("Ethernet, IPv6, TCP", ethernet.carrying(TCP6)),
  on("Ethernet, UDP", ethernet.carrying(UDP4)),
  on("SNAP", ethernet.snap().carrying(UDP6)),
  on("QinQ", ethernet.qinq(5, 6).carrying(TCP4)),
  on("MPLS", ethernet.mpls(5).mpls(6).carrying(TCP6)),
  on("PPPoE", ethernet.pppoe().carrying(TCP4)),
  on("SLL", packet().sll().carrying(TCP4), LINKTYPE.sll),
  on("SLL2", packet().sll2().carrying(TCP6), LINKTYPE.sll2),
  on("raw", TCP4, LINKTYPE.raw),
  on("null", packet().bsdNull().carrying(TCP6), LINKTYPE.null),
  on("loop", packet().bsdLoop().carrying(TCP4), LINKTYPE.loop),
  on("PPP", packet().ppp({ hdlc: true }).carrying(TCP4), LINKTYPE.ppp),
  on("NFLOG", packet().nflog({ prefix: "log" }).carrying(TCP4), LINKTYPE.nflog),
  on("IPv4 options", ethernet.ipv4({ ...CLIENT4, options: Uint8Array.of(0x9a, 8, 80, 0, 1, 2, 3, 4) }).tcp(syn)),
  on("IPv6 extension headers", extensions().tcp(syn)),
  on("IPIP", ethernet.ipv4(OUTER4).carrying(TCP4)),
  on("6in4", ethernet.ipv4(OUTER4).carrying(TCP6)),
  on("4in6", ethernet.ipv6(OUTER6).carrying(UDP4)),
  on("GRE", ethernet.ipv4(OUTER4).gre({ key: 7, sequence: 1, checksum: true }).carrying(TCP4)),
  on("ERSPAN II", gre.erspan2({ session: 3 }).carrying(frame)),
  on("ERSPAN III", gre.erspan3({ session: 3, platform: true }).carrying(frame)),
  on("GUE variant 0", gue.gue({ hops: ["10.2.0.12"] }).carrying(TCP4)),
  on("GUE variant 1", gue.gue({ variant: 1 }).carrying(TCP6)),
  on("FOU", ethernet.ipv4(OUTER4).udp({ src: 50000, dst: 5555 }).carrying(TCP4)),
  on("VXLAN", ethernet.ipv6(OUTER6).udp({ src: 50000 }).vxlan(9).carrying(frame)),
  on("Geneve", geneve.geneve(9, { options: [ciliumDsrOption("192.0.2.10", 80)] }).carrying(frame)),
  on("VXLAN in GRE", ethernet.ipv4(OUTER4).gre().ipv6(OUTER6).udp({ src: 50000 }).vxlan(9).carrying(frame)),
];

/** Carrying something else. */
export const OTHER_SAMPLES: readonly Sample[] = [
  on("ARP", ethernet.arp({ ...arp, operation: "request" })),
  on("ICMP error", ethernet.ipv4(OUTER4).icmp({ type: 3, code: 4, mtu: 1400, quoting })),
  on("ICMPv6 error", ethernet.ipv6(OUTER6).icmpv6({ type: 2, mtu: 1400, quoting: TCP6.build() })),
  on("neighbour", ethernet.ipv6(OUTER6).neighborSolicitation({ target: "fd00::12", mac: "02:00:00:00:00:09" })),
  on("VRRP", ethernet.ipv4(OUTER4).vrrp({ vrid: 1, addresses: ["192.0.2.10"] })),
  on("VRRP over IPv6", ethernet.ipv6(OUTER6).vrrp({ vrid: 1, addresses: ["fe80::10"] })),
  on(
    "first fragment",
    ethernet
      .ipv4({ ...CLIENT4, moreFragments: true })
      .udp({ src: 1, dst: 2 })
      .payload(zeros(8)),
  ),
  on("later fragment", ethernet.ipv6(CLIENT6).ipv6Fragment({ id: 1, offset: 8, nextHeader: 17 }).payload(zeros(8))),
  on("Teredo", ethernet.ipv4(OUTER4).udp({ src: 50000 }).teredo().carrying(TCP6)),
  on("other Ethernet", ethernet.with({ kind: "lldp", etherType: 0x88cc, encode: (body) => body }).payload("lldp")),
];

function on(name: string, builder: PacketBuilder, linkType: number = LINKTYPE.ethernet): Sample {
  return { name, packet: builder, linkType };
}

function extensions(): PacketBuilder {
  return ethernet.ipv6(CLIENT6).ipv6Extension("hopByHop").authentication().ipv6Extension("destination", zeros(22));
}
