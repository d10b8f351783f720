import { readSockets } from "../host/socket-table.ts";
import { formatCount, formatNumberOf, formatShare } from "../report/format-quantity.ts";
import { addressText, endpointText } from "../topology/address.ts";
import { type Check, fine, SILENT, told } from "./check.ts";
import type { HostFacts } from "./host-facts.ts";
import { isAny } from "./roles.ts";

const RANGE = "net.ipv4.ip_local_port_range";
const RESERVED = "net.ipv4.ip_local_reserved_ports";
/** A thousand connections a second with a minute in TIME_WAIT each fill more than this to one backend. */
const FEW_PORTS = 10_000;
const FEW_TRANSLATED_PORTS = 1024;

export const PORTS: readonly Check[] = [
  {
    id: "ports.ephemeral",
    look(facts, roles) {
      const range = rangeOf(facts);
      if (!isAny(roles, "proxy") || range === null) return SILENT;
      const ports = range.to - range.from + 1;
      const busiest = busiestPair(facts, range);
      const seen = {
        [RANGE]: `${range.from} ${range.to}`,
        "most used to one backend": busiest?.used ?? 0,
        ...(busiest === null ? {} : { "that backend": busiest.backend }),
      };
      if (busiest !== null && busiest.used >= 0.7 * ports) {
        return told(busiest.used >= 0.95 * ports ? "critical" : "warning", {
          title: `${formatShare(busiest.used, ports)} of the ports from ${busiest.from} to ${busiest.backend} are taken`,
          seen,
          why: "A proxy needs a port of its own for each connection to a backend, and for a minute after it: when they are gone, connect(2) fails at once (EADDRNOTAVAIL).",
          remedy: [
            `sysctl -w ${RANGE}="1024 65535" net.ipv4.tcp_tw_reuse=1`,
            "more addresses to connect from (HAProxy: source, one per server), or keep connections to backends open",
          ],
        });
      }
      if (ports >= FEW_PORTS) return fine(`${formatCount(ports)} ports to connect to each backend from`, seen);
      return told("warning", {
        title: `only ${formatNumberOf(ports, "port")} to connect to a backend from`,
        seen,
        why: "Each connection to a backend takes one, and holds it for a minute in TIME_WAIT: that many per minute and backend is all a proxy can do without reuse.",
        remedy: [`sysctl -w ${RANGE}="10240 65535"`],
      });
    },
  },
  {
    id: "ports.reserved",
    look(facts, roles) {
      const range = rangeOf(facts);
      if (!isAny(roles, "proxy", "real-server") || range === null) return SILENT;
      const isReserved = reservedPorts(facts.sysctlText(RESERVED) ?? "");
      const inside = facts.listeners.filter(
        ({ local }) =>
          local.port >= range.from &&
          local.port <= range.to &&
          !isReserved(local.port) &&
          !/^(127\.|::1$)/.test(addressText(local.address)),
      );
      const [first] = inside;
      const seen = { [RANGE]: `${range.from} ${range.to}`, [RESERVED]: facts.sysctlText(RESERVED) ?? "" };
      if (first === undefined) return fine("no listener's port can be taken by an outgoing connection", seen);
      const ports = [...new Set(inside.map(({ local }) => local.port))].join(",");
      return told("info", {
        title: `${endpointText(first.local)} listens on a port that outgoing connections are given, too`,
        seen: { ...seen, listeners: ports },
        why: "While the service restarts, an outgoing connection may take its port: the service then cannot bind, and the balancer finds it down.",
        remedy: [`sysctl -w ${RESERVED}=${ports}   # services with a port that is fixed`],
      });
    },
  },
  {
    id: "ports.snat",
    look(facts) {
      const ranged = (facts.rules?.sourceNats ?? []).flatMap(({ rule, ports }) =>
        ports === null ? [] : [{ rule, ports }],
      );
      if (ranged.length === 0) return SILENT;
      const narrow = ranged.filter(({ ports }) => ports.to - ports.from + 1 < FEW_TRANSLATED_PORTS);
      const [first] = narrow;
      const seen = Object.fromEntries(ranged.slice(0, 8).map(({ rule, ports }) => [rule, `${ports.from}-${ports.to}`]));
      if (first === undefined) return fine("rules translate sources to ports enough", seen);
      const count = first.ports.to - first.ports.from + 1;
      return told("warning", {
        title: `a rule translates sources to ${formatNumberOf(count, "port")} only (${first.ports.from}-${first.ports.to})`,
        seen,
        why: "Each open connection to the same backend needs a port of its own: the next one's SYN is dropped, and the client waits and sends it again.",
        remedy: ["widen the range, or leave it out: … snat to ADDRESS:1024-65535"],
      });
    },
  },
];

interface PortRange {
  from: number;
  to: number;
}

function rangeOf(facts: HostFacts): PortRange | null {
  const [, from, to] = /^(\d+)\s+(\d+)$/.exec(facts.sysctlText(RANGE) ?? "") ?? [];
  return from === undefined ? null : { from: Number(from), to: Number(to) };
}

/** `8080,9148-9150`. */
export function reservedPorts(text: string): (port: number) => boolean {
  const ranges = text.split(",").flatMap((part) => {
    const [from = Number.NaN, to = from] = part.trim() === "" ? [] : part.split("-").map(Number);
    return Number.isNaN(from) ? [] : [{ from, to }];
  });
  return (port) => ranges.some(({ from, to }) => port >= from && port <= to);
}

/** The pair of own address and backend with the most ports of the range in use, TIME_WAIT included. */
function busiestPair(facts: HostFacts, range: PortRange): { from: string; backend: string; used: number } | null {
  const used = new Map<string, number>();
  for (const name of ["tcp", "tcp6"] as const) {
    for (const { local, remote, state } of readSockets(facts.host, name)) {
      if (state === "LISTEN" || local.port < range.from || local.port > range.to) continue;
      const key = `${addressText(local.address)} ${endpointText(remote)}`;
      used.set(key, (used.get(key) ?? 0) + 1);
    }
  }
  let most: { from: string; backend: string; used: number } | null = null;
  for (const [key, count] of used) {
    if (most !== null && count <= most.used) continue;
    const [from = "", backend = ""] = key.split(" ");
    most = { from, backend, used: count };
  }
  return most;
}
