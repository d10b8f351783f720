import { median } from "../balance/statistics.ts";
import type { IcmpError } from "../flow/neighbours.ts";
import type { Connection } from "../path/connection.ts";
import type { LegRef } from "../path/leg-set.ts";
import { addressText } from "../topology/address.ts";
import { backendUnreachable } from "./backend-unreachable.ts";
import type { Case } from "./case.ts";
import { confidenceFrom, count, percent } from "./confidence.ts";
import type { Detector } from "./detector.ts";
import type { Finding } from "./finding.ts";
import { icmpErrors, type SeenError } from "./icmp-errors.ts";
import { ownersOf } from "./leg-scan.ts";
import { windowOf } from "./notes.ts";

/** A few are what roaming clients and closing sockets make. */
const MIN_CONNECTIONS = 3;

/** Linux asks three times, a second apart, before it calls a neighbour unreachable (mcast_solicit, retrans_time_ms). */
const NEIGHBOUR_WAIT_NS = 0.2e9;

type Reason = "prohibited" | "unreachable";

/** Admin-prohibited (RFC 1812 5.2.7.1, RFC 4443 3.1), or no way to the host; ports are a matter of the backend. */
function reasonOf({ ipVersion, type, code }: IcmpError): Reason | null {
  if (ipVersion === 6) {
    if (type !== 1) return null;
    return code === 1 || code === 5 || code === 6
      ? "prohibited"
      : code === 0 || code === 2 || code === 3
        ? "unreachable"
        : null;
  }
  if (type !== 3) return null;
  if (code === 9 || code === 10 || code === 13) return "prohibited";
  return code === 0 || code === 1 || code === 5 || code === 6 || code === 11 || code === 12 ? "unreachable" : null;
}

interface Refused {
  connection: Connection;
  seen: SeenError;
  reason: Reason;
}

/** `path.icmp-unreachable`: a box on the way says that it cannot, or must not, pass connections on. */
export const pathIcmpUnreachable: Detector = {
  ids: ["path.icmp-unreachable"],
  find(subject) {
    const { set } = subject.connected;
    const errors = icmpErrors(subject, (error) => error.leg >= 0 && reasonOf(error) !== null);
    if (errors.length < MIN_CONNECTIONS) return [];
    const refs = errors.map(({ track, error }): LegRef => set.ref(track.index, error.leg));
    const owners = ownersOf(subject, refs);
    const groups = new Map<string, Map<number, Refused>>();
    errors.forEach((seen, i) => {
      const connection = owners.get(refs[i]!);
      if (!connection || connection.healthCheck || !isUp(subject, refs[i]!, seen.error)) return;
      const reason = reasonOf(seen.error)!;
      const key = `${connection.vip} ${connection.backend ?? -1} ${reason}`;
      const group = groups.get(key) ?? new Map<number, Refused>();
      if (!group.has(connection.id)) group.set(connection.id, { connection, seen, reason });
      groups.set(key, group);
    });
    return [...groups.values()].flatMap((group) => {
      const refused = [...group.values()];
      const failed = refused.filter(({ connection }) => subject.outcome(connection) !== "ok");
      if (refused.length < MIN_CONNECTIONS || isDeadNeighbour(subject, refused)) return [];
      return [finding(subject, failed.length >= MIN_CONNECTIONS ? failed : refused, failed.length)];
    });
  },
};

/** The quoted packet travelled up: it is the way to the backend that is closed. */
function isUp(subject: Case, ref: LegRef, error: IcmpError): boolean {
  const view = subject.leg(ref);
  return view.srcPort === error.quotedSourcePort && view.src.every((word, i) => word === error.quotedSource[i]);
}

/**
 * Host unreachable because nobody answers ARP or neighbour solicitations: the box asks for a second or more before it
 * says so. A missing route, or one of type unreachable, is told at once.
 */
function isDeadNeighbour(subject: Case, refused: readonly Refused[]): boolean {
  if (refused[0]!.reason !== "unreachable") return false;
  const waits = refused.map(({ connection: { start }, seen: { track, error } }) => {
    return error.time - subject.connected.clocks[track.capture]!.at(error.time) - start;
  });
  if (median(waits) < NEIGHBOUR_WAIT_NS) return false;
  const silent = new Set(backendUnreachable.find(subject).flatMap(({ connections }) => connections));
  return refused.filter(({ connection }) => silent.has(connection.id)).length * 2 > refused.length;
}

function finding(subject: Case, refused: readonly Refused[], failed: number): Finding {
  const { connection: first, seen: example, reason } = refused[0]!;
  const { set } = subject.connected;
  const vip = subject.text(first.vip);
  const backend = first.backend === null ? null : subject.text(first.backend);
  const target = backend ?? vip;
  const senders = [...new Set(refused.map(({ seen }) => addressText(seen.error.source)))];
  const own =
    first.backend !== null &&
    senders.some((sender) => target.startsWith(`${sender}:`) || target.startsWith(`[${sender}]`));
  const asked = subject.users.filter((one) => one.vip === first.vip && one.backend === first.backend).length;
  const { ipVersion, type, code } = example.error;
  const prohibited = reason === "prohibited";
  const by = own ? `${target}'s own firewall` : senders.slice(0, 3).join(", ");
  const connections = refused.map(({ connection }) => connection);
  const siblings = new Set(subject.users.filter((one) => one.vip === first.vip).map((one) => one.backend)).size - 1;
  return {
    id: "path.icmp-unreachable",
    severity: failed >= MIN_CONNECTIONS ? "critical" : "warning",
    confidence: confidenceFrom(refused.length),
    title: prohibited
      ? `${by} forbids connections to ${target} by ICMP (admin-prohibited): ${failed} of ${Math.max(asked, failed)} failed`
      : `${senders.slice(0, 3).join(", ")} cannot reach ${target} (ICMP host unreachable): ${failed} of ${Math.max(asked, failed)} connections failed`,
    explanation:
      `ICMP${ipVersion === 6 ? "v6" : ""} type ${type} code ${code} from ${senders.join(", ")} quotes ${count(refused.length, "connection")} to ${target}. ` +
      (prohibited
        ? `A packet filter rejects them${own ? " on the backend itself: the host is up and refuses by rule" : " on the way"}. `
        : "The box has no route, or nobody answers its ARP or neighbour solicitation for that address. ") +
      `${siblings > 0 ? `${count(siblings, "other backend")} of ${vip} are reached. ` : ""}${percent(failed, Math.max(1, refused.length))} of the quoted connections failed; TCP takes such an error for a hint only and tries again, so users wait.`,
    where: { vip, ...(backend === null ? {} : { backend }) },
    window: windowOf(connections),
    measured: {
      quotedConnections: refused.length,
      failedConnections: failed,
      asked,
      icmpType: type,
      icmpCode: code,
      prohibited,
    },
    connections: connections.map(({ id }) => id),
    evidence: refused.slice(0, 4).map(({ seen: { track, error } }) => ({
      capture: track.capture,
      frame: error.frame,
      note: `${prohibited ? "admin-prohibited" : "host unreachable"} from ${addressText(error.source)}, seen at ${set.points[track.points[error.point]!]!.name}`,
    })),
    displayFilter: `${ipVersion === 6 ? "icmpv6" : "icmp"}.type==${type} && ${ipVersion === 6 ? "icmpv6" : "icmp"}.code==${code}`,
    remedy: prohibited
      ? [
          `look for the rule that rejects with icmp admin-prohibited ${own ? "on the backend" : `at ${senders[0]}`}: nft list ruleset | grep -n reject; iptables -nvL | grep REJECT; firewalld: firewall-cmd --list-all`,
          "allow the load balancer's and clients' addresses to the service's port, or take the backend out until then",
        ]
      : [
          `at ${senders[0]}: ip route get ${target.replace(/:\d+$/, "")}; ip neigh show (FAILED or INCOMPLETE means nobody answers ARP)`,
          "is the backend up and on that network? take it out of the pool until it answers",
        ],
  };
}
