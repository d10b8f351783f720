import { canonicalEndpoint } from "../address.ts";
import type { TopologyVip } from "../topology.ts";
import type { Protocol } from "../vocabulary.ts";
import { type ImportSink, quoted } from "./import-sink.ts";
import { ipvsMode, ipvsScheduler } from "./ipvs-words.ts";
import { MAX_LINE, textLines } from "./text-lines.ts";

/**
 * What `ipvsadm -Ln` prints for people: a service a line, its servers below it behind an arrow.
 *
 *     TCP  192.0.2.10:443 wrr persistent 300
 *       -> 10.3.0.11:8443               Masq    1      12         3
 */
export function importIpvsadmTable(text: string, sink: ImportSink): void {
  let vip: TopologyVip | null = null;
  for (const { line: full, number } of textLines(text)) {
    const line = full.slice(0, MAX_LINE).trim();
    if (line === "" || /^(IP Virtual Server|Prot\s+LocalAddress|-> RemoteAddress)/.test(line)) continue;
    const words = line.split(/\s+/);
    if (words[0] === "->") {
      if (vip !== null) addServer(vip, words.slice(1), number, sink);
      continue;
    }
    vip = serviceOf(words, number, sink);
  }
}

function serviceOf(words: readonly string[], line: number, sink: ImportSink): TopologyVip | null {
  const [kind = "", text = "", scheduler = "", ...flags] = words;
  const protocol = kind.toLowerCase();
  const isFwmark = protocol === "fwm" && /^[1-9]\d{0,9}$/.test(text);
  const name = isFwmark ? `fwmark:${text}` : canonicalEndpoint(text);
  if ((protocol !== "tcp" && protocol !== "udp" && !isFwmark) || name === null) {
    sink.problem(
      line,
      `expected a service as ipvsadm -Ln prints it (TCP 192.0.2.10:443 rr), got ${quoted(words.join(" "))}`,
    );
    return null;
  }
  const vip = sink.vip(name, isFwmark ? null : (protocol as Protocol));
  vip.scheduler = ipvsScheduler(
    scheduler,
    flags.flatMap((flag) => flag.replace(/[()]/g, "").split(",")),
  );
  return vip;
}

function addServer(vip: TopologyVip, words: readonly string[], line: number, sink: ImportSink): void {
  const [text = "", forward = "", weight = ""] = words;
  const backend = canonicalEndpoint(text);
  const mode = ipvsMode(forward);
  // the server on the balancer itself is "Local"
  if (backend === null || (mode === null && forward !== "Local") || !/^-?\d{1,10}$/.test(weight)) {
    sink.problem(line, `expected a server as ipvsadm -Ln prints it, got ${quoted(words.join(" "))}`);
    return;
  }
  vip.mode ??= mode;
  sink.backend(vip, backend, { weight: Math.max(0, Number(weight)) });
}
