import type { EndpointWords } from "../topology/address.ts";
import { ipvsEndpoint } from "./addresses-in-hex.ts";
import type { Host } from "./host.ts";

/** One entry of IPVS's connection table. */
export interface IpvsConnection {
  protocol: "tcp" | "udp" | "sctp";
  client: EndpointWords;
  vip: EndpointWords;
  backend: EndpointWords;
  /** The kernel's word: `ESTABLISHED`, `FIN_WAIT`, `SYN_RECV`, `NONE` for a template of persistence. */
  state: string;
  /** After this silence the entry goes. */
  expiresSeconds: number;
}

/**
 * /proc/net/ip_vs_conn, entry by entry: a busy balancer has a million. Null where the module is not loaded or the file
 * may not be read (0440 root).
 *
 *     TCP 0A010015 9F75 C000020A 01BB 0A03000B 20FB ESTABLISHED     895
 */
export function readIpvsConnections(host: Host): Iterable<IpvsConnection> | null {
  const text = host.readText("/proc/net/ip_vs_conn");
  return text === null ? null : parseIpvsConnections(text);
}

export function* parseIpvsConnections(text: string): Generator<IpvsConnection> {
  for (let from = 0; from < text.length; ) {
    const end = text.indexOf("\n", from);
    const to = end < 0 ? text.length : end;
    const entry = connectionOf(text.slice(from, to));
    if (entry !== null) yield entry;
    from = to + 1;
  }
}

function connectionOf(line: string): IpvsConnection | null {
  const [protocol = "", from = "", fromPort = "", to = "", toPort = "", dest = "", destPort = "", state = "", expires] =
    line.trim().split(/\s+/);
  if (!/^(TCP|UDP|SCTP)$/.test(protocol)) return null;
  const client = ipvsEndpoint(from, fromPort);
  const vip = ipvsEndpoint(to, toPort);
  const backend = ipvsEndpoint(dest, destPort);
  if (client === null || vip === null || backend === null) return null;
  const name = protocol.toLowerCase() as IpvsConnection["protocol"];
  return { protocol: name, client, vip, backend, state, expiresSeconds: Number(expires ?? Number.NaN) };
}
