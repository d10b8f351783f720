import { joinEndpoint, parsePort } from "../address.ts";
import type { Scheduler } from "../vocabulary.ts";
import { readBlocks, type Statement } from "./blocks.ts";
import { readDurationSeconds } from "./durations.ts";
import { type ImportSink, quoted } from "./import-sink.ts";

/** `proxy_timeout` where nothing is said (ngx_stream_proxy_module). */
const DEFAULT_TIMEOUT_SECONDS = 600;
const MAX_PORTS = 1024;

interface UpstreamServer {
  backend: string;
  weight: number;
  isBackup: boolean;
  maxConnections: number | null;
}

interface Upstream {
  scheduler: Scheduler | null;
  servers: UpstreamServer[];
}

/** The `stream {}` of an nginx.conf, or a file with its inside alone: upstreams, and servers that pass to them. */
export function importNginxStream(text: string, sink: ImportSink): void {
  const problem = (line: number, message: string) => sink.problem(line, message);
  const root = readBlocks(text, { semicolons: true, comments: "#" }, problem);
  const streams = root.filter(({ words, children }) => words[0] === "stream" && children !== null);
  const scopes = streams.length > 0 ? streams.map(({ children }) => children ?? []) : [root];
  for (const scope of scopes) readStream(scope, sink);
}

function readStream(scope: readonly Statement[], sink: ImportSink): void {
  const upstreams = new Map<string, Upstream>();
  const maps = new Map<string, Statement>();
  for (const statement of scope) {
    const [word = "", first = "", second = ""] = statement.words;
    if (word === "upstream") upstreams.set(first, readUpstream(statement, sink));
    else if (word === "map" || word === "split_clients") maps.set(second, statement);
    else if (word === "include")
      sink.problem(statement.line, `include ${quoted(first)} is not followed: import it by itself`);
  }
  for (const statement of scope) {
    if (statement.words[0] === "server" && statement.children !== null)
      addServer(statement, scope, upstreams, maps, sink);
  }
}

function readUpstream({ children }: Statement, sink: ImportSink): Upstream {
  const servers: UpstreamServer[] = [];
  let scheduler: Scheduler | null | undefined;
  for (const { words, line } of children ?? []) {
    const [key = "", argument = "", ...options] = words;
    if (key === "least_conn" || key === "least_time") scheduler = "lc";
    else if (key === "random") scheduler = "random";
    else if (key === "hash") scheduler = hashScheduler(argument);
    else if (key === "server" && !options.includes("down")) {
      const backend = upstreamEndpoint(argument);
      if (backend === null) {
        sink.problem(line, `expected server ADDRESS:PORT in numbers, got ${quoted(argument)}`);
        continue;
      }
      const number = (name: string) => {
        const option = options.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";
        return /^\d{1,9}$/.test(option) ? Number(option) : null;
      };
      const isBackup = options.includes("backup");
      servers.push({ backend, weight: number("weight") ?? 1, isBackup, maxConnections: number("max_conns") || null });
    }
  }
  const weights = new Set(servers.filter(({ isBackup }) => !isBackup).map(({ weight }) => weight));
  return { scheduler: scheduler === undefined ? (weights.size > 1 ? "wrr" : "rr") : scheduler, servers };
}

/** By the variables of the hash's key; a key that is not the connection's own says nothing here. */
function hashScheduler(key: string): Scheduler | null {
  const variables = new Set([...key.matchAll(/\$\{?(\w+)\}?/g)].map(([, name]) => name));
  const hasAddress = variables.delete("remote_addr") || variables.delete("binary_remote_addr");
  const hasPort = variables.delete("remote_port");
  if (!hasAddress || variables.size > 0) return null;
  return hasPort ? "5-tuple" : "source";
}

function upstreamEndpoint(text: string): string | null {
  const [, bracketed, plain = "", digits = ""] = /^(?:\[(.*)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? [];
  const port = parsePort(digits);
  return port === null ? null : joinEndpoint(bracketed ?? plain, port);
}

function addServer(
  { children, line }: Statement,
  scope: readonly Statement[],
  upstreams: ReadonlyMap<string, Upstream>,
  maps: ReadonlyMap<string, Statement>,
  sink: ImportSink,
): void {
  const own = children ?? [];
  const pass = own.find(({ words }) => words[0] === "proxy_pass");
  if (pass === undefined) return;
  const targets = targetsOf(pass, upstreams, maps, sink);
  // what a server does not say, the stream around it does
  const setting = (name: string) =>
    (
      own.find(({ words }) => words[0] === name) ??
      scope.find(({ words, children: inside }) => words[0] === name && inside === null)
    )?.words[1];
  const timeout = setting("proxy_timeout");
  const idleTimeoutSeconds = timeout === undefined ? DEFAULT_TIMEOUT_SECONDS : readDurationSeconds(timeout, "s");
  if (idleTimeoutSeconds === null) sink.problem(line, `expected proxy_timeout TIME, got ${quoted(timeout ?? "")}`);
  const schedulers = new Set(targets.map(({ scheduler }) => scheduler));
  for (const listen of own) {
    if (listen.words[0] !== "listen") continue;
    const protocol = listen.words.includes("udp") ? "udp" : "tcp";
    for (const endpoint of listenEndpoints(listen, sink)) {
      const vip = sink.vip(endpoint, protocol);
      vip.mode = "proxy";
      vip.idleTimeoutSeconds = idleTimeoutSeconds;
      vip.proxyHeader = setting("proxy_protocol") === "on" ? "v1" : null;
      vip.scheduler = schedulers.size === 1 ? (targets[0]?.scheduler ?? null) : null;
      for (const { servers } of targets) {
        for (const { backend, ...more } of servers) sink.backend(vip, backend, more);
      }
    }
  }
}

/** The upstreams that a proxy_pass may lead to: a name, an address, or a variable that a map gives names to. */
function targetsOf(
  { words: [, target = ""], line }: Statement,
  upstreams: ReadonlyMap<string, Upstream>,
  maps: ReadonlyMap<string, Statement>,
  sink: ImportSink,
): Upstream[] {
  const named = upstreams.get(target);
  if (named) return [named];
  const backend = upstreamEndpoint(target);
  if (backend !== null) {
    return [{ scheduler: null, servers: [{ backend, weight: 1, isBackup: false, maxConnections: null }] }];
  }
  const choices = maps.get(target)?.children ?? [];
  const found = choices.flatMap(({ words }) => {
    const name = words.at(-1) ?? "";
    const upstream = upstreams.get(name);
    if (upstream) return [upstream];
    const address = upstreamEndpoint(name);
    return address === null
      ? []
      : [{ scheduler: null, servers: [{ backend: address, weight: 1, isBackup: false, maxConnections: null }] }];
  });
  if (found.length === 0) {
    sink.problem(
      line,
      `proxy_pass ${quoted(target)} is neither an upstream of this file nor an address: write its servers into a topology file`,
    );
  }
  return [...new Set(found)];
}

/** `443`, `192.0.2.10:443`, `[::]:443`, `8000-8003`, `unix:/path`. */
function listenEndpoints({ words: [, text = ""], line }: Statement, sink: ImportSink): string[] {
  if (text.startsWith("unix:")) return [];
  const [, bracketed, plain = "0.0.0.0", from = "", to = from] =
    /^(?:(?:\[(.*)\]|([^:]*)):)?(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  const first = parsePort(from);
  const last = parsePort(to);
  const host = bracketed ?? (plain === "*" ? "0.0.0.0" : plain);
  const endpoints: string[] = [];
  if (first !== null && last !== null && last - first < MAX_PORTS) {
    for (let port = first; port <= last; port++) {
      const endpoint = joinEndpoint(host, port);
      if (endpoint !== null) endpoints.push(endpoint);
    }
  }
  if (endpoints.length === 0) sink.problem(line, `expected listen ADDRESS:PORT in numbers, got ${quoted(text)}`);
  return endpoints;
}
