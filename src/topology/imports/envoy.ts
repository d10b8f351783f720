import { isNode, LineCounter, parseDocument } from "yaml";
import { joinEndpoint } from "../address.ts";
import type { Protocol, ProxyHeader, Scheduler } from "../vocabulary.ts";
import { type ImportSink, quoted } from "./import-sink.ts";

/** Idle timeouts where nothing is said: tcp_proxy.proto and udp_proxy.proto. */
const DEFAULT_IDLE_SECONDS: Readonly<Record<Protocol, number>> = { tcp: 3600, udp: 60 };
/** Deeper than any configuration. */
const MAX_DEPTH = 64;

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type Place = readonly (string | number)[];

/** Envoy's static configuration, YAML or JSON: listeners with their addresses, clusters with their endpoints. */
export function importEnvoy(text: string, sink: ImportSink): void {
  const lines = new LineCounter();
  const lineAt = (offset: number) => lines.linePos(offset).line;
  try {
    const document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      resolveKnownTags: false,
      logLevel: "silent",
    });
    const tooDeep = document.errors.find(({ message }) => message.includes("call stack"));
    if (tooDeep) {
      sink.problem(lineAt(tooDeep.pos[0]), "not YAML: nested too deeply");
      return;
    }
    for (const { pos, message } of document.errors.slice(0, 5)) sink.problem(lineAt(pos[0]), `not YAML: ${message}`);
    const root = document.toJS({ maxAliasCount: 100 }) as Json;
    const problem = (place: Place, message: string) => {
      for (let length = place.length; length > 0; length--) {
        const node = document.getIn(place.slice(0, length), true);
        if (isNode(node) && node.range) return sink.problem(lineAt(node.range[0]), message);
      }
      sink.problem(0, message);
    };
    new EnvoyImport(sink, problem).read(root);
  } catch (error) {
    // aliases that multiply, or too deep a nesting
    sink.problem(0, `cannot be read as YAML: ${error instanceof Error ? error.message : String(error)}`);
  }
}

interface Cluster {
  scheduler: (hashesSource: boolean) => Scheduler | null;
  proxyHeader: ProxyHeader | null;
  endpoints: { backend: string; weight: number; isBackup: boolean }[];
}

class EnvoyImport {
  private readonly sink: ImportSink;
  private readonly problem: (place: Place, message: string) => void;
  private readonly clusters = new Map<string, Cluster>();

  constructor(sink: ImportSink, problem: (place: Place, message: string) => void) {
    this.sink = sink;
    this.problem = problem;
  }

  read(root: Json): void {
    const holder = field(root, "static_resources") === undefined ? [] : ["static_resources"];
    const resources = holder.length > 0 ? field(root, "static_resources") : root;
    if (field(root, "dynamic_resources") !== undefined) {
      this.problem(["dynamic_resources"], "what Envoy gets while it runs (xDS) is not in this file");
    }
    list(field(resources, "clusters")).forEach((cluster, i) => {
      this.readCluster(cluster, [...holder, "clusters", i]);
    });
    list(field(resources, "listeners")).forEach((listener, i) => {
      this.readListener(listener, [...holder, "listeners", i]);
    });
  }

  private readCluster(cluster: Json, place: Place): void {
    const name = text(field(cluster, "name"));
    const assignment = field(cluster, "load_assignment") ?? null;
    const endpoints: Cluster["endpoints"] = [];
    list(field(assignment, "endpoints")).forEach((locality, l) => {
      const isBackup = number(field(locality, "priority")) > 0;
      list(field(locality, "lb_endpoints")).forEach((entry, e) => {
        const at = [...place, "load_assignment", "endpoints", l, "lb_endpoints", e];
        const socket = field(field(field(entry, "endpoint"), "address"), "socket_address");
        const backend = endpointOf(socket);
        if (backend === null) {
          const given = text(field(socket, "address"));
          this.problem(
            at,
            `cluster ${quoted(name)}: expected an endpoint with an IP address and port, got ${quoted(given)}`,
          );
          return;
        }
        const weight = field(entry, "load_balancing_weight");
        endpoints.push({ backend, weight: weight === undefined ? 1 : number(weight), isBackup });
      });
    });
    if (endpoints.length === 0) this.problem(place, `cluster ${quoted(name)} has no endpoints in this file`);
    const policy = text(field(cluster, "lb_policy")) || "ROUND_ROBIN";
    const isWeighted = new Set(endpoints.map(({ weight }) => weight)).size > 1;
    this.clusters.set(name, {
      scheduler: (hashesSource) => schedulerOf(policy, isWeighted, hashesSource),
      proxyHeader: proxyHeaderOf(field(cluster, "transport_socket") ?? null),
      endpoints,
    });
  }

  private readListener(listener: Json, place: Place): void {
    const sockets = [field(field(listener, "address"), "socket_address")];
    for (const more of list(field(listener, "additional_addresses"))) {
      sockets.push(field(field(more, "address"), "socket_address"));
    }
    const names = clusterNames(listener);
    const clusters = names.flatMap((name) => this.clusters.get(name) ?? []);
    names.forEach((name) => {
      if (!this.clusters.has(name)) this.problem(place, `there is no cluster ${quoted(name)} in this file`);
    });
    const hashesSource = find(listener, "source_ip") !== undefined;
    const idle = find(listener, "idle_timeout");
    for (const socket of sockets) {
      const endpoint = endpointOf(socket);
      if (endpoint === null) {
        if (socket !== undefined)
          this.problem(
            place,
            `expected a listener with an IP address and port_value, got ${quoted(text(field(socket, "address")))}`,
          );
        continue;
      }
      const protocol: Protocol = text(field(socket, "protocol")).toUpperCase() === "UDP" ? "udp" : "tcp";
      const vip = this.sink.vip(endpoint, protocol);
      vip.mode = "proxy";
      vip.idleTimeoutSeconds = idleSeconds(idle, protocol);
      const schedulers = new Set(clusters.map(({ scheduler }) => scheduler(hashesSource)));
      vip.scheduler = schedulers.size === 1 ? ([...schedulers][0] ?? null) : null;
      for (const { endpoints, proxyHeader } of clusters) {
        vip.proxyHeader ??= proxyHeader;
        for (const { backend, ...more } of endpoints) this.sink.backend(vip, backend, more);
      }
    }
  }
}

function schedulerOf(policy: string, isWeighted: boolean, hashesSource: boolean): Scheduler | null {
  if (policy === "ROUND_ROBIN") return isWeighted ? "wrr" : "rr";
  if (policy === "LEAST_REQUEST") return "lc";
  if (policy === "RANDOM") return "random";
  // a hashing policy without anything to hash picks at random; with the source address it is by source
  if (policy === "RING_HASH" || policy === "MAGLEV") return hashesSource ? "source" : "random";
  return null;
}

function proxyHeaderOf(transportSocket: Json): ProxyHeader | null {
  if (!text(field(transportSocket, "name")).includes("proxy_protocol")) return null;
  return text(find(transportSocket, "version")).toUpperCase() === "V2" ? "v2" : "v1";
}

/** 0s switches it off. */
function idleSeconds(value: Json | undefined, protocol: Protocol): number | null {
  if (value === undefined) return DEFAULT_IDLE_SECONDS[protocol];
  const [, seconds] = /^(\d{1,9}(?:\.\d+)?)s$/.exec(text(value)) ?? [];
  return seconds === undefined || Number(seconds) === 0 ? null : Number(seconds);
}

function endpointOf(socket: Json | undefined): string | null {
  const port = field(socket, "port_value");
  const isPort = typeof port === "number" && Number.isInteger(port) && port >= 0 && port <= 0xffff;
  return isPort ? joinEndpoint(text(field(socket, "address")), port) : null;
}

/** Names of the clusters that a listener's filters lead to, alone or by weight, at whatever depth. */
function clusterNames(listener: Json): string[] {
  const names = new Set<string>();
  walk(listener, (key, value) => {
    if (key === "cluster" && typeof value === "string") names.add(value);
    if (key === "weighted_clusters") {
      for (const entry of list(field(value, "clusters"))) names.add(text(field(entry, "name")));
    }
  });
  return [...names];
}

/** The first value of a key at any depth. */
function find(root: Json, wanted: string): Json | undefined {
  let found: Json | undefined;
  walk(root, (key, value) => {
    if (key === wanted) found ??= value;
  });
  return found;
}

function walk(root: Json, visit: (key: string, value: Json) => void, depth = 0): void {
  if (typeof root !== "object" || root === null || depth > MAX_DEPTH) return;
  if (Array.isArray(root)) {
    for (const entry of root) walk(entry, visit, depth + 1);
    return;
  }
  for (const [key, value] of Object.entries(root)) {
    visit(key, value);
    walk(value, visit, depth + 1);
  }
}

function field(value: Json | undefined, key: string): Json | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, key) ? (value as { readonly [key: string]: Json })[key] : undefined;
}

function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

function text(value: Json | undefined): string {
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : "";
}

function number(value: Json | undefined): number {
  return typeof value === "number" && value >= 0 ? value : 0;
}
