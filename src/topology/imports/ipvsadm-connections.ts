import { parseEndpoint } from "../address.ts";
import { type ImportSink, quoted } from "./import-sink.ts";
import { MAX_LINE, textLines } from "./text-lines.ts";

/**
 * What `ipvsadm -Lcn` prints: the connections that IPVS knows.
 *
 *     pro expire state       source             virtual            destination
 *     TCP 14:58  ESTABLISHED 10.1.0.21:40821    192.0.2.10:443     10.3.0.11:8443
 *
 * It does not say when they began, nor how packets are forwarded: that is in `ipvsadm -Sn`.
 */
export function importIpvsadmConnections(text: string, sink: ImportSink): void {
  for (const { line: full, number } of textLines(text)) {
    const line = full.slice(0, MAX_LINE).trim();
    if (line === "" || /^(IPVS connection entries|pro\s+expire)/.test(line)) continue;
    const [protocol = "", expires = "", state = "", source = "", virtual = "", destination = ""] = line.split(/\s+/);
    const protocolNumber = protocol === "TCP" ? 6 : protocol === "UDP" ? 17 : 0;
    const client = parseEndpoint(source);
    const vip = parseEndpoint(virtual);
    const backend = parseEndpoint(destination);
    const isEntry = /^[A-Z]+$/.test(protocol) && /^\d+:\d\d/.test(expires) && /^[A-Z_]+$/.test(state);
    if (!isEntry || !client || !vip || !backend) {
      sink.problem(number, `expected a connection as ipvsadm -Lcn prints it, got ${quoted(line)}`);
      continue;
    }
    // a client's port of 0 is a persistence template, no connection; SCTP is not followed
    if (protocolNumber === 0 || client.port === 0) continue;
    sink.connections.add({
      protocol: protocolNumber,
      client,
      vip,
      backend,
      source: client,
      mode: null,
      start: Number.NaN,
      end: Number.NaN,
      origin: sink.origin,
    });
  }
}
