import type { Difference } from "./tshark-differences.ts";

/** A difference to tshark that is meant, with the captures it shows in. */
export interface KnownDifference {
  file: RegExp;
  field: string;
  why: string;
}

export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  {
    file: /^tcpdump\/bigtcp-ipv[46]-(vxlan|geneve)-ipv[46]\.pcap$/,
    field: "kind",
    why: "UDP length 0 of a datagram above 64 KiB (BIG TCP): tshark 4.0 stops there, the inner TCP header is fine",
  },
  {
    file: /^tcpdump\/bigtcp-ipv6\.pcap$/,
    field: "kind",
    why: "IPv6 payload length 0 without a jumbo option (BIG TCP): tshark 4.0 takes it for an empty packet",
  },
  {
    file: /^tcpdump\/quic_32_bit_pointer_overflow\.pcap$/,
    field: "udp.length",
    why: "UDP length 0 in a jumbogram: the length is the jumbo option's (RFC 2675 4), which the frame on the wire has",
  },
  {
    file: /^tcpdump\/kday[47]\.pcap$/,
    field: "tcp.len",
    why: "the IP header's length reaches beyond the frame: tshark believes the frame; mirrors that truncate need the header",
  },
  {
    file: /^tcpdump\/LINKTYPE_IPV4_invalid\.pcap$/,
    field: "kind",
    why: "IPv6 in a capture whose link type says IPv4: tshark looks at the version only",
  },
  {
    file: /^pcapplusplus\/GrePackets\.pcap$/,
    field: "kind",
    why: "PPTP (GRE version 1, with PPP inside): left alone, no load balancer speaks it",
  },
];

/** The entry that explains a difference, if any does. */
export function explanationOf(difference: Difference): KnownDifference | undefined {
  return KNOWN_DIFFERENCES.find(({ file, field }) => field === difference.field && file.test(difference.file));
}
