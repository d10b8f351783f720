/** Bits of the TCP header's flags, as RFC 9293 names them and tcpdump orders them. */
const FLAGS: readonly (readonly [number, string])[] = [
  [0x02, "SYN"],
  [0x01, "FIN"],
  [0x04, "RST"],
  [0x08, "PSH"],
  [0x10, "ACK"],
  [0x20, "URG"],
  [0x40, "ECE"],
  [0x80, "CWR"],
];

export const SYN = 0x02;
export const ACK = 0x10;

/** `SYN|ACK`. */
export function flagsText(flags: number): string {
  return FLAGS.filter(([bit]) => (flags & bit) !== 0)
    .map(([, name]) => name)
    .join("|");
}
