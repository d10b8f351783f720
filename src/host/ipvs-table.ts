import { type EndpointWords, endpointText } from "../topology/address.ts";
import { parseIpvsEndpoint } from "./addresses-in-hex.ts";
import type { Host } from "./host.ts";
import { runTool } from "./run-tool.ts";

/** What the kernel calls a way to forward (ip_vs_fwd_name): masquerading, tunnel, direct route, this host, bypass. */
export type IpvsForwarding = "Masq" | "Tunnel" | "Route" | "Local" | "Bypass" | "Unknown";

export interface IpvsService {
  protocol: "tcp" | "udp" | "sctp" | "fwmark";
  /** Null for a service of a mark. */
  vip: EndpointWords | null;
  /** The mark, 0 where there is none. */
  mark: number;
  /** `192.0.2.10:443`, or `fwmark:3`. */
  name: string;
  /** The kernel's name: `rr`, `wlc`, `mh`. */
  scheduler: string;
  /**
   * How long a client stays with its server, in the kernel's own ticks (svc->timeout is printed as it is; Linux 6.1,
   * HZ=250: 75000 where ipvsadm says 300). Null where it need not.
   */
  persistenceJiffies: number | null;
  destinations: IpvsDestination[];
}

export interface IpvsDestination {
  address: EndpointWords;
  /** `10.3.0.11:8443`. */
  name: string;
  forwarding: IpvsForwarding;
  weight: number;
  activeConnections: number;
  inactiveConnections: number;
}

export interface IpvsTable {
  /** `1.2.1`. */
  version: string;
  /** Buckets of the connection table. */
  connectionTableSize: number;
  services: IpvsService[];
}

/** /proc/net/ip_vs: this network namespace's services; null where the module is not loaded. */
export function readIpvsTable(host: Host): IpvsTable | null {
  const text = host.readText("/proc/net/ip_vs");
  return text === null ? null : parseIpvsTable(text);
}

/**
 * The table as net/netfilter/ipvs/ip_vs_ctl.c prints it (ip_vs_info_seq_show), addresses in hexadecimal:
 *
 *     TCP  C000020A:01BB wrr persistent 300 FFFFFFFF
 *       -> 0A03000B:20FB      Masq    1      12         3
 */
export function parseIpvsTable(text: string): IpvsTable {
  const [, version = "", size = "0"] = /^IP Virtual Server version (\S+) \(size=(\d+)\)/m.exec(text) ?? [];
  const services: IpvsService[] = [];
  for (const line of text.split("\n")) {
    const words = line.trim().split(/\s+/);
    const destination = words[0] === "->" ? destinationOf(words) : null;
    if (destination !== null) services.at(-1)?.destinations.push(destination);
    const service = words[0] === "->" ? null : serviceOf(words);
    if (service !== null) services.push(service);
  }
  return { version, connectionTableSize: Number(size), services };
}

function serviceOf([kind = "", target = "", scheduler = "", ...flags]: readonly string[]): IpvsService | null {
  if (!/^(TCP|UDP|SCTP|FWM)$/.test(kind)) return null;
  const isMark = kind === "FWM";
  const vip = isMark ? null : parseIpvsEndpoint(target);
  const mark = isMark ? Number.parseInt(target, 16) : 0;
  if ((!isMark && vip === null) || Number.isNaN(mark)) return null;
  const persistent = flags.indexOf("persistent");
  return {
    protocol: isMark ? "fwmark" : (kind.toLowerCase() as "tcp" | "udp" | "sctp"),
    vip,
    mark,
    name: vip === null ? `fwmark:${mark}` : endpointText(vip),
    scheduler,
    persistenceJiffies: persistent < 0 ? null : Number(flags[persistent + 1] ?? 0),
    destinations: [],
  };
}

const FORWARDINGS: ReadonlySet<string> = new Set(["Masq", "Tunnel", "Route", "Local", "Bypass"]);

function destinationOf([
  ,
  target = "",
  forward = "",
  weight,
  active,
  inactive,
]: readonly string[]): IpvsDestination | null {
  const address = parseIpvsEndpoint(target);
  if (address === null || weight === undefined) return null;
  return {
    address,
    name: endpointText(address),
    forwarding: FORWARDINGS.has(forward) ? (forward as IpvsForwarding) : "Unknown",
    weight: Number(weight),
    activeConnections: Number(active ?? 0),
    inactiveConnections: Number(inactive ?? 0),
  };
}

/** Seconds of silence after which IPVS forgets a TCP connection; null without ipvsadm, which asks by generic netlink. */
export function readIpvsTcpTimeout(host: Host): number | null {
  const told = host.fact("ipvs-timeouts.txt", () => runTool(["ipvsadm", "-l", "--timeout"]));
  const [, tcp] = /^Timeout \(tcp tcpfin udp\): (\d+) /m.exec(told ?? "") ?? [];
  return tcp === undefined ? null : Number(tcp);
}

/** All services' totals since the counters were last zeroed. */
export interface IpvsTotals {
  connections: number;
  packetsIn: number;
  packetsOut: number;
  bytesIn: number;
  bytesOut: number;
}

/** /proc/net/ip_vs_stats: its third line, in hexadecimal. Null where the module is not loaded. */
export function readIpvsTotals(host: Host): IpvsTotals | null {
  const text = host.readText("/proc/net/ip_vs_stats");
  return text === null ? null : parseIpvsTotals(text);
}

export function parseIpvsTotals(text: string): IpvsTotals | null {
  const line = text.split("\n").find((each) => /^\s*([\dA-F]+\s+){4}[\dA-F]+\s*$/i.test(each));
  if (line === undefined) return null;
  const [connections = 0, packetsIn = 0, packetsOut = 0, bytesIn = 0, bytesOut = 0] = line
    .trim()
    .split(/\s+/)
    .map((word) => Number.parseInt(word, 16));
  return { connections, packetsIn, packetsOut, bytesIn, bytesOut };
}
