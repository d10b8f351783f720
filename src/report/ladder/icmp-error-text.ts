import type { QuotedError } from "./sighting.ts";

const UNREACHABLE_4: Readonly<Record<number, string>> = {
  0: "network unreachable",
  1: "host unreachable",
  2: "protocol unreachable",
  3: "port unreachable",
  4: "fragmentation needed",
  9: "network prohibited",
  10: "host prohibited",
  13: "prohibited by filter",
};
const UNREACHABLE_6: Readonly<Record<number, string>> = {
  0: "no route",
  1: "prohibited by filter",
  3: "address unreachable",
  4: "port unreachable",
  5: "source address failed policy",
  6: "route rejected",
};

/** An ICMP error in words (RFC 792, RFC 1812 5.2.7, RFC 4443): `ICMP fragmentation needed, MTU 1450`. */
export function icmpErrorText({ ipVersion, type, code, mtu }: QuotedError): string {
  const known = ipVersion === 4 ? textOf4(type, code) : textOf6(type, code);
  return `ICMP ${known ?? `type ${type} code ${code}`}${mtu > 0 ? `, MTU ${mtu}` : ""}`;
}

function textOf4(type: number, code: number): string | undefined {
  if (type === 3) return UNREACHABLE_4[code];
  if (type === 11) return code === 0 ? "time exceeded" : "reassembly time exceeded";
  return { 4: "source quench", 5: "redirect", 12: "parameter problem" }[type];
}

function textOf6(type: number, code: number): string | undefined {
  if (type === 1) return UNREACHABLE_6[code];
  if (type === 3) return code === 0 ? "time exceeded" : "reassembly time exceeded";
  return { 2: "packet too big", 4: "parameter problem" }[type];
}
