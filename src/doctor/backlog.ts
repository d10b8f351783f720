import { formatCount } from "../report/format-quantity.ts";
import { endpointText } from "../topology/address.ts";
import { type Check, fine, SILENT, told } from "./check.ts";
import { countText, isMany } from "./count.ts";
import { isAny, type Roles } from "./roles.ts";

/** SOMAXCONN since Linux 5.4 is 4096; it was 128 before. */
const SHORT_QUEUE = 1024;

/** Queues of hosts that end connections: real servers and proxies. */
export const BACKLOG: readonly Check[] = [
  {
    id: "backlog.overflows",
    look(facts, roles) {
      if (!endsConnections(roles)) return SILENT;
      const overflows = facts.counter("TcpExt.ListenOverflows");
      const drops = facts.counter("TcpExt.ListenDrops");
      const opened = facts.counter("Tcp.PassiveOpens");
      const tries = {
        total: opened.total + drops.total,
        grown: opened.grown === null || drops.grown === null ? null : opened.grown + drops.grown,
      };
      const seen = { ListenOverflows: overflows.total, ListenDrops: drops.total, PassiveOpens: opened.total };
      if (!isMany(drops, tries, { atLeast: 10, share: 1e-3 })) {
        return fine(
          drops.total === 0
            ? "no connection was turned away for a full queue"
            : `listeners turned away ${countText(drops, tries, facts.since)}`,
          seen,
        );
      }
      const shortest = facts.listeners
        .filter(({ backlog }) => backlog !== null)
        .sort((a, b) => (a.backlog ?? 0) - (b.backlog ?? 0))
        .slice(0, 3)
        .map(({ local, backlog }) => `${endpointText(local)} (backlog ${backlog})`);
      const isHeavy = isMany(drops, tries, { atLeast: 100, share: 0.05 });
      return told(isHeavy ? "critical" : "warning", {
        title: `listeners turned away connections: ${countText(drops, tries, facts.since)}`,
        seen,
        why: "The service does not accept(2) as fast as connections come, and its queue is full: SYNs are dropped and clients wait 1, 3, 7 seconds, while the balancer's check may still get through.",
        remedy: [
          `ss -lnt   # Recv-Q near Send-Q is a full queue${shortest.length === 0 ? "" : `; shortest here: ${shortest.join(", ")}`}`,
          "a longer backlog in the service (HAProxy: backlog; nginx: listen … backlog=4096) and sysctl -w net.core.somaxconn=4096",
          "if that only takes longer to fill, the service is too slow or has too few workers",
        ],
      });
    },
  },
  {
    id: "backlog.full-now",
    look(facts, roles) {
      const known = facts.listeners.filter(({ backlog }) => backlog !== null);
      if (!endsConnections(roles) || known.length === 0) return SILENT;
      const full = known.filter(({ waiting, backlog }) => waiting > 0 && waiting >= 0.8 * (backlog ?? 0));
      const [first] = full.sort((a, b) => b.waiting - a.waiting);
      if (first === undefined) return fine("no listener's queue is full", { listeners: known.length });
      return told("warning", {
        title: `${endpointText(first.local)} has ${formatCount(first.waiting)} connections waiting, of ${formatCount(first.backlog ?? 0)}`,
        seen: { waiting: first.waiting, backlog: first.backlog },
        why: "Connections are made and wait for the service to take them: clients see a slow first byte, and soon SYNs are dropped.",
        remedy: [`ss -lntp 'sport = :${first.local.port}'   # who it is; is it stuck?`],
      });
    },
  },
  {
    id: "backlog.somaxconn",
    look(facts, roles) {
      const somaxconn = facts.sysctl("net.core.somaxconn");
      if (!isAny(roles, "proxy", "real-server") || somaxconn === null) return SILENT;
      const seen = { "net.core.somaxconn": somaxconn };
      if (somaxconn >= SHORT_QUEUE) return fine(`a listener's queue may be ${formatCount(somaxconn)} long`, seen);
      return told("warning", {
        title: `no listener's queue can be longer than ${formatCount(somaxconn)} (somaxconn)`,
        seen,
        why: "What a service asks for in listen(2) is cut to this without a word: a burst after a failover, when a server gets its neighbour's clients as well, is turned away.",
        remedy: ["sysctl -w net.core.somaxconn=4096   # and restart the service: it is read at listen(2)"],
      });
    },
  },
  {
    id: "backlog.syn",
    look(facts, roles) {
      const length = facts.sysctl("net.ipv4.tcp_max_syn_backlog");
      const cookies = facts.sysctl("net.ipv4.tcp_syncookies");
      if (!isAny(roles, "proxy", "real-server") || length === null || cookies === null) return SILENT;
      const seen = { "net.ipv4.tcp_max_syn_backlog": length, "net.ipv4.tcp_syncookies": cookies };
      if (cookies === 1) return fine("SYN cookies step in when half-open connections are too many", seen);
      if (cookies === 0) {
        return told("warning", {
          title: `SYN cookies are off, and ${formatCount(length)} half-open connections are the most there can be`,
          seen,
          why: "A flood of SYNs from forged addresses, which a layer 4 balancer passes on, fills the queue: real clients get no answer.",
          remedy: ["sysctl -w net.ipv4.tcp_syncookies=1"],
        });
      }
      return told("warning", {
        title: `SYN cookies are sent always (tcp_syncookies is ${cookies})`,
        seen,
        why: "A cookie has no room for window scaling and SACK where clients send no timestamps: transfers are slower for nothing.",
        remedy: ["sysctl -w net.ipv4.tcp_syncookies=1"],
      });
    },
  },
];

export function endsConnections(roles: Roles): boolean {
  return isAny(roles, "proxy", "real-server", "server");
}
