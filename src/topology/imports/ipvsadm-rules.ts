import { canonicalEndpoint } from "../address.ts";
import type { TopologyVip } from "../topology.ts";
import type { ForwardingMode, Protocol } from "../vocabulary.ts";
import { type ImportSink, quoted } from "./import-sink.ts";
import { ipvsScheduler } from "./ipvs-words.ts";
import { MAX_LINE, textLines } from "./text-lines.ts";

/** The options of ipvsadm(8) that take a value, by every name they have; the value says what it is here. */
const WITH_VALUE: Readonly<Record<string, string>> = {
  "-t": "tcp",
  "--tcp-service": "tcp",
  "-u": "udp",
  "--udp-service": "udp",
  "-f": "fwmark",
  "--fwmark-service": "fwmark",
  "--sctp-service": "sctp",
  "-s": "scheduler",
  "--scheduler": "scheduler",
  "-b": "scheduler-flags",
  "--sched-flags": "scheduler-flags",
  "-r": "server",
  "--real-server": "server",
  "-w": "weight",
  "--weight": "weight",
  "-M": "netmask",
  "--netmask": "netmask",
  "-x": "upper",
  "--u-threshold": "upper",
  "-y": "lower",
  "--l-threshold": "lower",
  "--pe": "persistence-engine",
  "--tun-type": "tunnel",
  "--tun-port": "tunnel-port",
};

const FORWARDING: Readonly<Record<string, ForwardingMode>> = {
  "-m": "dnat",
  "--masquerading": "dnat",
  "-g": "dsr-l2",
  "--gatewaying": "dsr-l2",
  "-i": "dsr-tunnel",
  "--ipip": "dsr-tunnel",
};

const PLAIN = new Set(["-6", "--ipv6", "-o", "--ops", "-n", "--tun-nocsum", "--tun-csum", "--tun-remcsum"]);
const COMMANDS: Readonly<Record<string, "service" | "server">> = {
  "-A": "service",
  "--add-service": "service",
  "-E": "service",
  "--edit-service": "service",
  "-a": "server",
  "--add-server": "server",
  "-e": "server",
  "--edit-server": "server",
};

/** What `ipvsadm -Sn` prints, or a script of ipvsadm commands. */
export function importIpvsadmRules(text: string, sink: ImportSink): void {
  for (const { line, number } of textLines(text)) {
    const words = line.slice(0, MAX_LINE).trim().split(/\s+/);
    if (words[0] === "" || words[0]?.startsWith("#")) continue;
    if (/^(\S*\/)?ipvsadm$/.test(words[0] ?? "")) words.shift();
    readCommand(words, number, sink);
  }
}

function readCommand([command = "", ...words]: readonly string[], line: number, sink: ImportSink): void {
  const what = Object.hasOwn(COMMANDS, command) ? COMMANDS[command] : undefined;
  if (what === undefined) {
    sink.problem(line, `expected -A or -a as ipvsadm -Sn prints them, got ${quoted(command)}`);
    return;
  }
  const options = readOptions(words, line, sink);
  const vip = options && serviceOf(options, line, sink);
  if (!options || !vip) return;
  if (what === "service") {
    const flags = options.values.get("scheduler-flags")?.split(",") ?? [];
    vip.scheduler = ipvsScheduler(options.values.get("scheduler") ?? "wlc", flags);
  } else {
    addServer(vip, options, line, sink);
  }
}

interface Options {
  values: Map<string, string>;
  mode: ForwardingMode | null;
}

function readOptions(words: readonly string[], line: number, sink: ImportSink): Options | null {
  const values = new Map<string, string>();
  let mode: ForwardingMode | null = null;
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? "";
    const [name = word, inline] = word.startsWith("--") ? word.split("=", 2) : [word];
    const forwarding = Object.hasOwn(FORWARDING, name) ? FORWARDING[name] : undefined;
    const key = Object.hasOwn(WITH_VALUE, name) ? WITH_VALUE[name] : undefined;
    if (forwarding !== undefined) mode = forwarding;
    else if (name === "-p" || name === "--persistent") {
      // its value may be left out
      if (inline === undefined && /^\d+$/.test(words[i + 1] ?? "")) i++;
    } else if (key !== undefined) {
      const value = inline ?? words[++i];
      if (value === undefined) {
        sink.problem(line, `${name} without a value`);
        return null;
      }
      values.set(key, value);
    } else if (!PLAIN.has(name))
      sink.problem(line, `option ${quoted(word)} is not known; the rest of the line was read`);
  }
  return { values, mode };
}

function serviceOf({ values }: Options, line: number, sink: ImportSink): TopologyVip | null {
  const mark = values.get("fwmark");
  if (mark !== undefined) {
    if (/^[1-9]\d{0,9}$/.test(mark)) return sink.vip(`fwmark:${mark}`, null);
    sink.problem(line, `expected a firewall mark above 0, got ${quoted(mark)}`);
    return null;
  }
  for (const protocol of ["tcp", "udp"] satisfies Protocol[]) {
    const text = values.get(protocol);
    if (text === undefined) continue;
    const vip = endpointOf(text);
    if (vip !== null) return sink.vip(vip, protocol);
    sink.problem(line, `expected ADDRESS:PORT in numbers, got ${quoted(text)} (ipvsadm -Sn prints numbers)`);
    return null;
  }
  sink.problem(line, values.has("sctp") ? "SCTP is not followed: left out" : "no service: expected -t, -u or -f");
  return null;
}

function addServer(vip: TopologyVip, { values, mode }: Options, line: number, sink: ImportSink): void {
  const text = values.get("server");
  const backend = text === undefined ? null : endpointOf(text);
  if (backend === null) {
    sink.problem(line, `expected -r ADDRESS:PORT in numbers, got ${text === undefined ? "none" : quoted(text)}`);
    return;
  }
  // direct routing is what ipvsadm does without a word
  const forwarding = mode ?? "dsr-l2";
  if (vip.mode !== null && vip.mode !== forwarding) {
    sink.problem(line, `${vip.vip} has servers of mode ${vip.mode} and ${forwarding}: the first is taken for all`);
  }
  vip.mode ??= forwarding;
  const weight = values.get("weight");
  if (weight !== undefined && !/^\d{1,10}$/.test(weight)) {
    sink.problem(line, `expected a weight in digits, got ${quoted(weight)}: 1 is taken`);
  }
  sink.backend(vip, backend, { weight: weight !== undefined && /^\d{1,10}$/.test(weight) ? Number(weight) : 1 });
}

/** Port 0 is left out for services of any port in hand-written scripts. */
function endpointOf(text: string): string | null {
  return canonicalEndpoint(text) ?? canonicalEndpoint(`${text}:0`);
}
