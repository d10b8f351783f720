import { canonicalAddress, joinEndpoint, parsePort } from "../address.ts";
import type { TopologyVip } from "../topology.ts";
import type { ForwardingMode, Protocol } from "../vocabulary.ts";
import { readBlocks, type Statement } from "./blocks.ts";
import { type ImportSink, quoted } from "./import-sink.ts";
import { ipvsMode, ipvsScheduler } from "./ipvs-words.ts";

/** More addresses than this are no hand-written range. */
const MAX_RANGE = 1024;

/** keepalived.conf: its virtual servers with their real servers, and its VRRP instances. */
export function importKeepalived(text: string, sink: ImportSink): void {
  const problem = (line: number, message: string) => sink.problem(line, message);
  const statements = withVariables(readBlocks(text, { semicolons: false, comments: "#!" }, problem), sink);
  const groups = new Map<string, Statement>();
  for (const statement of statements) {
    const [word, name] = statement.words;
    if (word === "virtual_server_group" && name !== undefined) groups.set(name, statement);
  }
  for (const statement of statements) {
    const [word = "", argument = ""] = statement.words;
    if (word === "virtual_server") addVirtualServer(statement, groups, sink);
    else if (word === "vrrp_instance") addInstance(statement, sink);
    else if (word === "include")
      sink.problem(statement.line, `${quoted(argument)} is not followed: import it by itself`);
  }
}

/** Puts `$NAME=value` in place, and drops the `@id` before lines that hold for one host only. */
function withVariables(statements: readonly Statement[], sink: ImportSink): Statement[] {
  const values = new Map<string, string>();
  const expand = (word: string) =>
    word.replace(/\$\{?([A-Za-z_]\w*)\}?/g, (whole, name: string) => values.get(name) ?? whole);
  const walk = (list: readonly Statement[]): Statement[] => {
    const read: Statement[] = [];
    for (const { words, line, children } of list) {
      const definition = /^\$([A-Za-z_]\w*)=(.*)$/.exec(words[0] ?? "");
      if (definition) {
        const [, name = "", first = ""] = definition;
        values.set(name, [first, ...words.slice(1)].map(expand).join(" "));
        continue;
      }
      let own = words;
      if (words[0]?.startsWith("@")) {
        sink.problem(line, `${quoted(words[0])} holds for some hosts only: read as if it were for all`);
        own = words.slice(1);
      }
      const expanded = own.flatMap((word) => (word.includes("$") ? expand(word).split(" ") : [word]));
      read.push({ words: expanded, line, children: children && walk(children) });
    }
    return read;
  };
  return walk(statements);
}

/** The settings of a virtual server, beside its servers. */
interface Settings {
  protocol: Protocol | null;
  scheduler: string;
  flags: string[];
  mode: ForwardingMode | null;
}

function addVirtualServer(statement: Statement, groups: ReadonlyMap<string, Statement>, sink: ImportSink): void {
  const { words, line, children } = statement;
  if (children === null) {
    sink.problem(line, "virtual_server without braces");
    return;
  }
  const settings = readSettings(children, sink);
  if (settings === null) return;
  const names = serviceNames(words.slice(1), line, groups, sink);
  if (names.length === 0) return;
  for (const name of names) {
    const vip = sink.vip(name, name.startsWith("fwmark:") ? null : settings.protocol);
    vip.mode ??= settings.mode;
    vip.scheduler ??= ipvsScheduler(settings.scheduler, settings.flags);
  }
  for (const child of children) {
    const [word = "", address = "", port = "0"] = child.words;
    if (word !== "real_server" && word !== "sorry_server") continue;
    const number = parsePort(port);
    const backend = number === null ? null : joinEndpoint(address, number);
    if (backend === null) {
      sink.problem(child.line, `expected ${word} ADDRESS PORT in numbers, got ${quoted(child.words.join(" "))}`);
      continue;
    }
    for (const name of names) {
      const vip = sink.vip(name, name.startsWith("fwmark:") ? null : settings.protocol);
      addServer(vip, backend, child, word === "sorry_server", sink);
    }
  }
}

function addServer(
  vip: TopologyVip,
  backend: string,
  { children, line }: Statement,
  isBackup: boolean,
  sink: ImportSink,
) {
  let weight = 1;
  for (const { words } of children ?? []) {
    const [key = "", value = ""] = words;
    if (key === "weight" && /^\d{1,10}$/.test(value)) weight = Number(value);
    if (key === "lvs_method" || key === "lb_kind") {
      const mode = ipvsMode(value);
      if (mode !== null && vip.mode !== null && mode !== vip.mode) {
        sink.problem(line, `${backend} has mode ${mode}, its virtual server ${vip.mode}: the latter is taken for all`);
      }
      vip.mode ??= mode;
    }
  }
  sink.backend(vip, backend, { weight, isBackup });
}

/** null for a protocol that is not followed. */
function readSettings(children: readonly Statement[], sink: ImportSink): Settings | null {
  // keepalived's defaults: TCP, and weighted least connections
  const settings: Settings = { protocol: "tcp", scheduler: "wlc", flags: [], mode: null };
  for (const { words, line } of children) {
    const [key = "", value = ""] = words;
    if (key === "protocol") {
      const protocol = value.toLowerCase();
      if (protocol !== "tcp" && protocol !== "udp") {
        sink.problem(line, `protocol ${quoted(value)} is not followed: the virtual server is left out`);
        return null;
      }
      settings.protocol = protocol;
    } else if (key === "lb_algo" || key === "lvs_sched") settings.scheduler = value;
    else if (key === "lb_kind" || key === "lvs_method") {
      settings.mode = ipvsMode(value);
      if (settings.mode === null) sink.problem(line, `expected ${key} NAT, DR or TUN, got ${quoted(value)}`);
    } else if (/^(sh|mh)-port$/.test(key)) settings.flags.push(key);
  }
  return settings;
}

/** `ADDRESS PORT`, `fwmark N`, or `group NAME`: the VIPs that are meant. */
function serviceNames(
  words: readonly string[],
  line: number,
  groups: ReadonlyMap<string, Statement>,
  sink: ImportSink,
): string[] {
  const [first = "", second = ""] = words;
  if (first === "group") {
    const group = groups.get(second);
    if (group) return (group.children ?? []).flatMap((entry) => serviceNames(entry.words, entry.line, new Map(), sink));
    sink.problem(line, `there is no virtual_server_group ${quoted(second)}`);
    return [];
  }
  if (first === "fwmark" && /^[1-9]\d{0,9}$/.test(second)) return [`fwmark:${second}`];
  const port = parsePort(second === "" ? "0" : second);
  const names = port === null ? [] : addressRange(first).map((address) => joinEndpoint(address, port));
  const known = names.filter((name) => name !== null);
  if (known.length === 0) {
    sink.problem(line, `expected ADDRESS PORT, fwmark NUMBER or group NAME in numbers, got ${quoted(words.join(" "))}`);
  }
  return known;
}

/** `192.0.2.10-19` counts up the last number. */
function addressRange(text: string): string[] {
  const [, start = "", prefix = "", from = "", to = ""] = /^((.*[.:])([\da-f]+))-([\da-f]+)$/i.exec(text) ?? [];
  if (start === "") return [text];
  const base = start.includes(":") ? 16 : 10;
  const first = Number.parseInt(from, base);
  const count = Number.parseInt(to, base) - first + 1;
  if (!(count > 0 && count <= MAX_RANGE)) return [];
  return Array.from({ length: count }, (_, i) => `${prefix}${(first + i).toString(base)}`);
}

function addInstance({ children, line, words: [, name = ""] }: Statement, sink: ImportSink): void {
  let id: number | null = null;
  let priority: number | null = null;
  let intervalSeconds: number | null = null;
  let device: string | null = null;
  const addresses: string[] = [];
  for (const child of children ?? []) {
    const [key = "", value = ""] = child.words;
    const number = /^\d+(\.\d+)?$/.test(value) ? Number(value) : null;
    if (key === "virtual_router_id") id = number;
    else if (key === "priority") priority = number;
    else if (key === "advert_int") intervalSeconds = number;
    else if (key === "interface") device = value;
    else if (key === "virtual_ipaddress" || key === "virtual_ipaddress_excluded") {
      for (const entry of child.children ?? []) {
        const text = entry.words[0] ?? "";
        const address = canonicalAddress(text.split("/")[0] ?? "");
        if (address !== null) addresses.push(address);
        else sink.problem(entry.line, `expected an address, got ${quoted(text)}`);
      }
    }
  }
  if (id === null || id < 1 || id > 255) {
    sink.problem(line, `vrrp_instance ${quoted(name)} has no virtual_router_id from 1 to 255: left out`);
    return;
  }
  sink.virtualRouters.push({ virtualRouterId: id, interface: device, priority, intervalSeconds, addresses });
}
