import { joinEndpoint, parseAddress, parsePort, portOf } from "../address.ts";
import type { ProxyHeader, Scheduler } from "../vocabulary.ts";
import { readDurationSeconds } from "./durations.ts";
import { effectiveLines, type HaproxyLine, type HaproxySection, readHaproxySections } from "./haproxy-sections.ts";
import { type ImportSink, quoted } from "./import-sink.ts";

/** Ports that one bind line may open; a wider range is no list of services. */
const MAX_PORTS = 1024;

const SCHEDULER_OF: Readonly<Record<string, Scheduler>> = {
  roundrobin: "rr",
  "static-rr": "rr",
  leastconn: "lc",
  source: "source",
};

/** haproxy.cfg: what each frontend and listen section binds, and the servers behind. */
export function importHaproxy(text: string, sink: ImportSink): void {
  const { sections, strays } = readHaproxySections(text);
  for (const { words, line } of strays) {
    if (/^\.(if|elif|else|endif|notice|warning|alert|diag)$/.test(words[0] ?? "")) continue;
    sink.problem(line, `expected a section (frontend, backend, listen, …), got ${quoted(words.join(" "))}`);
  }
  const backends = new Map<string, Farm>();
  for (const section of sections) {
    if (section.kind === "backend" || section.kind === "listen") backends.set(section.name, readFarm(section, sink));
  }
  for (const section of sections) {
    if (section.kind === "frontend" || section.kind === "listen") addFrontend(section, backends, sink);
  }
}

interface Server {
  address: string;
  /** A number of its own, or what is added to the port that the client called. */
  port: number;
  isOffset: boolean;
  weight: number;
  isBackup: boolean;
  maxConnections: number | null;
  proxyHeader: ProxyHeader | null;
}

interface Farm {
  scheduler: Scheduler | null;
  servers: Server[];
  timeouts: Timeouts;
}

/** Of `timeout client`, `timeout server` and `timeout tunnel`, in seconds. */
type Timeouts = Partial<Record<"client" | "server" | "tunnel", number>>;

function readFarm(section: HaproxySection, sink: ImportSink): Farm {
  let algorithm = "roundrobin";
  let base: Partial<Server> = {};
  const servers: Server[] = [];
  const lines = effectiveLines(section);
  for (const { words, line } of lines) {
    const [key = "", name = "", address = "", ...options] = words;
    if (key === "balance") algorithm = name.replace(/\(.*/, "");
    else if (key === "default-server") base = { ...base, ...serverOptions(words.slice(1)) };
    else if (key === "server") {
      const server = readServer(address, line, sink);
      if (server !== null && !options.includes("disabled")) {
        servers.push({ ...server, ...base, ...serverOptions(options) });
      }
    } else if (key === "server-template") {
      sink.problem(
        line,
        "server-template gets its addresses from DNS while HAProxy runs: write them into a topology file",
      );
    }
  }
  const weights = new Set(servers.filter(({ isBackup }) => !isBackup).map(({ weight }) => weight));
  let scheduler =
    algorithm === "random" ? "random" : Object.hasOwn(SCHEDULER_OF, algorithm) ? SCHEDULER_OF[algorithm] : null;
  if (scheduler === "rr" && weights.size > 1) scheduler = "wrr";
  return { scheduler: scheduler ?? null, servers, timeouts: timeoutsOf(lines, sink) };
}

function readServer(text: string, line: number, sink: ImportSink): Server | null {
  const address = text.replace(/^(ipv[46]|tcp[46]?)@/, "");
  const [, host = "", sign = "", digits = ""] = /^(.*?)(?::([+-]?)(\d{1,5}))?$/.exec(address) ?? [];
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  if (/^(unix|abns|abnsz|fd|sockpair|rhttp|vsock)@|^\//.test(text)) {
    sink.problem(line, `server ${quoted(text)} is a socket of the host: no packets to see, left out`);
    return null;
  }
  if (parseAddress(bare) === null) {
    sink.problem(line, `server ${quoted(text)} is a name: write its address into a topology file`);
    return null;
  }
  const isOffset = digits === "" || sign !== "";
  const port = digits === "" ? 0 : Number(`${sign === "-" ? "-" : ""}${digits}`);
  return { address: bare, port, isOffset, weight: 1, isBackup: false, maxConnections: null, proxyHeader: null };
}

function serverOptions(words: readonly string[]): Partial<Server> {
  const options: Partial<Server> = {};
  words.forEach((word, i) => {
    const number = /^\d{1,9}$/.test(words[i + 1] ?? "") ? Number(words[i + 1]) : null;
    if (word === "weight" && number !== null) options.weight = number;
    else if (word === "maxconn" && number !== null && number > 0) options.maxConnections = number;
    else if (word === "backup") options.isBackup = true;
    else if (word === "send-proxy") options.proxyHeader = "v1";
    else if (word.startsWith("send-proxy-v2")) options.proxyHeader = "v2";
    else if (word === "no-send-proxy" || word === "no-send-proxy-v2") options.proxyHeader = null;
  });
  return options;
}

function timeoutsOf(lines: readonly HaproxyLine[], sink: ImportSink): Timeouts {
  const timeouts: Timeouts = {};
  for (const { words, line } of lines) {
    const [key, name = "", value = ""] = words;
    if (key !== "timeout" || (name !== "client" && name !== "server" && name !== "tunnel")) continue;
    const seconds = readDurationSeconds(value, "ms");
    if (seconds === null) sink.problem(line, `expected a time (30s, 5000), got ${quoted(value)}`);
    else timeouts[name] = seconds;
  }
  return timeouts;
}

function addFrontend(section: HaproxySection, farms: ReadonlyMap<string, Farm>, sink: ImportSink): void {
  const lines = effectiveLines(section);
  const endpoints = lines.filter(({ words }) => words[0] === "bind").flatMap((line) => bindEndpoints(line, sink));
  const used = farmsOf(section, lines, farms, sink);
  const timeouts = timeoutsOf(lines, sink);
  for (const endpoint of endpoints) {
    const vip = sink.vip(endpoint, "tcp");
    vip.mode = "proxy";
    const schedulers = new Set(used.map(({ scheduler }) => scheduler));
    vip.scheduler = schedulers.size === 1 ? (used[0]?.scheduler ?? null) : null;
    vip.idleTimeoutSeconds = shortest(used.map((farm) => idleTimeout(timeouts, farm.timeouts)));
    for (const { servers } of used) {
      for (const { address, port, isOffset, weight, isBackup, maxConnections, proxyHeader } of servers) {
        const backend = joinEndpoint(address, isOffset ? portOf(endpoint) + port : port);
        if (backend === null) continue;
        vip.proxyHeader ??= proxyHeader;
        sink.backend(vip, backend, { weight, isBackup, maxConnections });
      }
    }
  }
}

/** The server farms that a frontend's connections may go to. */
function farmsOf(
  section: HaproxySection,
  lines: readonly HaproxyLine[],
  farms: ReadonlyMap<string, Farm>,
  sink: ImportSink,
): Farm[] {
  const used = new Set<Farm>();
  const own = section.kind === "listen" ? farms.get(section.name) : undefined;
  if (own && own.servers.length > 0) used.add(own);
  for (const { words, line } of lines) {
    const [key, name = ""] = words;
    if (key !== "default_backend" && key !== "use_backend") continue;
    const farm = farms.get(name);
    if (farm) used.add(farm);
    else if (name.includes("%[")) sink.problem(line, `${key} ${quoted(name)} is known only while HAProxy runs`);
    else sink.problem(line, `there is no backend ${quoted(name)}`);
  }
  return [...used];
}

/** In TCP mode a tunnel's timeout takes the place of both others once data has gone both ways. */
function idleTimeout(front: Timeouts, back: Timeouts): number | null {
  return back.tunnel ?? front.tunnel ?? shortest([front.client ?? null, back.server ?? null]);
}

function shortest(times: readonly (number | null)[]): number | null {
  const known = times.filter((time): time is number => time !== null && time > 0);
  return known.length === 0 ? null : Math.min(...known);
}

/** `bind 192.0.2.10:443,:8000-8003,[2001:db8::1]:80 …`: a list of addresses, each with a port or a range. */
function bindEndpoints({ words, line }: HaproxyLine, sink: ImportSink): string[] {
  const endpoints: string[] = [];
  for (const text of (words[1] ?? "").split(",")) {
    if (/^(unix|abns|abnsz|fd|sockpair|rhttp|quic[46]?|udp[46]?)@|^\//.test(text)) continue;
    const isV6 = text.startsWith("ipv6@");
    const [, host = "", from = "", to = from] =
      /^(.*):(\d{1,5})(?:-(\d{1,5}))?$/.exec(text.replace(/^(ipv[46]|tcp[46]?)@/, "")) ?? [];
    const bare = host.replace(/^\[(.*)\]$/, "$1");
    const address = bare === "" || bare === "*" ? (isV6 ? "::" : "0.0.0.0") : bare;
    const first = parsePort(from);
    const last = parsePort(to);
    if (
      parseAddress(address) === null ||
      first === null ||
      last === null ||
      last < first ||
      last - first >= MAX_PORTS
    ) {
      sink.problem(line, `expected bind ADDRESS:PORT in numbers, got ${quoted(text)}`);
      continue;
    }
    for (let port = first; port <= last; port++) {
      const endpoint = joinEndpoint(address, port);
      if (endpoint !== null) endpoints.push(endpoint);
    }
  }
  return endpoints;
}
