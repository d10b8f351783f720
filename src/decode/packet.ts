import { EncapsulationStack } from "./encapsulation.ts";

/** TCP flag bits as they lie in byte 13 of the header (RFC 9293 3.1). */
export const FIN = 0x01;
export const SYN = 0x02;
export const RST = 0x04;
export const PSH = 0x08;
export const ACK = 0x10;

/** IP protocol numbers (IANA). */
export const ICMP = 1;
export const TCP = 6;
export const UDP = 17;
export const ICMPV6 = 58;
export const VRRP = 112;

/** What a packet turned out to be: which of the record's groups of fields are valid. */
export const NOTHING = 0;
export const IS_TCP = 1;
export const IS_UDP = 2;
/** Later fragment of a datagram whose first fragment gave the ports: addresses, ports and lengths only. */
export const IS_FRAGMENT = 3;
export const IS_ICMP = 4;
export const IS_ARP = 5;
export const IS_VRRP = 6;

/** Who names the service that the client called (`viaKind`). */
export const VIA_NONE = 0;
/** A Geneve option (Cilium's DSR). */
export const VIA_GENEVE = 1;
/** An IPv4 option or IPv6 destination option (Cilium's DSR). */
export const VIA_IP_OPTION = 2;
/** A TCP option beside or within TOA (Alibaba's FullNAT). */
export const VIA_TCP_OPTION = 3;

/** Bits of `optionsSeen`. */
export const OPT_MSS = 1;
export const OPT_WINDOW_SCALE = 2;
export const OPT_SACK_PERMITTED = 4;
export const OPT_SACK = 8;
export const OPT_TIMESTAMPS = 16;
export const OPT_FAST_OPEN = 32;
/** TCP option address: the client's own address, written by a FullNAT load balancer (kind 254 and its relatives). */
export const OPT_TOA = 64;
export const OPT_OTHER = 128;

/**
 * One packet, decoded. A single record is reused for every packet of a run: read what you need before the next one.
 *
 * Addresses are four big-endian 32-bit words; IPv4 is held mapped (0, 0, 0xffff, a.b.c.d), so that both versions
 * compare and hash alike. All words are signed 32-bit, which keeps them small integers in V8: compare sequence
 * numbers with `(a - b) | 0`. Fields of a group are stale unless `kind` (and for IP fields `ipVersion`) says otherwise.
 */
export class Packet {
  // From the capture.
  /** Nanoseconds since the run's time base. */
  time = 0.5;
  frame = 0;
  /** Index of the interface in its capture. */
  interface = 0;
  /** Bytes the packet had on the wire. */
  wireLength = 0;

  // Cursor of the decoder.
  /** First byte of the packet in its buffer. */
  start = 0;
  offset = 0;
  /** One past the last captured byte. */
  end = 0;
  /** True where the snap length (or damage) cut a header short: `kind` tells how far decoding came. */
  cut = false;

  kind = NOTHING;

  // Link layer. Destination and source MAC of the outermost frame, 12 bytes as three words; zero where there is none.
  mac0 = 0;
  mac1 = 0;
  mac2 = 0;
  etherType = 0;
  /** Interface index of a Linux SLL2 packet, else 0. */
  interfaceIndex = 0;

  readonly encapsulation = new EncapsulationStack();

  // Innermost IP header.
  /** 4, 6, or 0 where there is none. */
  ipVersion = 0;
  src0 = 0;
  src1 = 0;
  src2 = 0;
  src3 = 0;
  dst0 = 0;
  dst1 = 0;
  dst2 = 0;
  dst3 = 0;
  /** TTL or hop limit. */
  ttl = 0;
  /** IPv4 identification; -1 in IPv6. */
  ipId = -1;
  /** IPv6 flow label (20 bits); stale in IPv4. */
  flowLabel = 0;
  dontFragment = false;
  protocol = 0;
  /** Where the IP datagram ends by its own length field, or what it lies in; beyond `end` in a cut packet. */
  datagramEnd = 0;
  /** Bytes into the datagram; 0 for a whole datagram and for a first fragment. */
  fragmentOffset = 0;
  moreFragments = false;
  fragmentId = 0;

  /**
   * The service that the client called, where a load balancer that rewrites the destination names it to the backend:
   * `viaKind` is a VIA_ constant, or 0 where nobody does and the rest is stale. Port 0 where only the address is named.
   */
  viaKind = VIA_NONE;
  via0 = 0;
  via1 = 0;
  via2 = 0;
  via3 = 0;
  viaPort = 0;

  // TCP and UDP.
  srcPort = 0;
  dstPort = 0;
  /** Bytes of payload on the wire. */
  payloadLength = 0;
  /** Where the payload begins; `payloadCaptured` bytes of it are there. */
  payloadOffset = 0;
  payloadCaptured = 0;

  // TCP.
  seq = 0;
  ack = 0;
  flags = 0;
  window = 0;
  optionsSeen = 0;
  mss = 0;
  windowScale = 0;
  tsValue = 0;
  tsEcho = 0;
  /** TOA: client address and port as the option carries them; kind 0 where absent. */
  toaKind = 0;
  toa0 = 0;
  toa1 = 0;
  toa2 = 0;
  toa3 = 0;
  toaPort = 0;

  // ICMP errors: what they say, and the flow they quote.
  icmpType = 0;
  icmpCode = 0;
  /** Next-hop MTU of "fragmentation needed" and "packet too big", else 0. */
  icmpMtu = 0;
  /** True where `quoted*` holds a TCP or UDP flow; the sequence number is 0 where the quote ends before it. */
  quotes = false;
  quotedProtocol = 0;
  quotedSrc0 = 0;
  quotedSrc1 = 0;
  quotedSrc2 = 0;
  quotedSrc3 = 0;
  quotedDst0 = 0;
  quotedDst1 = 0;
  quotedDst2 = 0;
  quotedDst3 = 0;
  quotedSrcPort = 0;
  quotedDstPort = 0;
  quotedSeq = 0;

  // ARP and neighbour discovery: sender and target addresses are in src*/dst*.
  /** 1 request, 2 reply. */
  arpOperation = 0;
  /** Sender's MAC as the message itself says it: 16 high and 32 low bits. */
  arpSenderHigh = 0;
  arpSenderLow = 0;

  // VRRP.
  vrrpVersion = 0;
  vrrpId = 0;
  vrrpPriority = 0;
  /** Advertisement interval in centiseconds. */
  vrrpInterval = 0;
  /** First address of the advertisement. */
  vrrpAddress0 = 0;
  vrrpAddress1 = 0;
  vrrpAddress2 = 0;
  vrrpAddress3 = 0;
  vrrpAddresses = 0;
}

/** The word that marks an IPv4 address in the third place of a mapped one. */
export const MAPPED = 0xffff;
