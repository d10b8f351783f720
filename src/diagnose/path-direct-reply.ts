import { TCP } from "../decode/packet.ts";
import * as L from "../flow/leg-layout.ts";
import type { Connection } from "../path/connection.ts";
import type { LegRef } from "../path/leg-set.ts";
import { balancerNodes } from "./attribute-resets.ts";
import { endpointFilter } from "./backend-refusing.ts";
import type { Case } from "./case.ts";
import { confidenceFrom, count } from "./confidence.ts";
import type { Detector } from "./detector.ts";
import type { Finding } from "./finding.ts";
import { windowOf } from "./notes.ts";

/** One could be a leftover of a change. */
const MIN_CONNECTIONS = 2;

/** A client's connection that was answered from an address it never called, and the leg that shows it. */
interface DirectReply {
  connection: Connection;
  leg: LegRef;
  isReset: boolean;
}

/**
 * `path.direct-reply`: clients hear from the backend's own address, because the backend's route goes past the
 * translating balancer or conntrack let the answer through untranslated. They reset what they never asked for.
 */
export const pathDirectReply: Detector = {
  ids: ["path.direct-reply"],
  find(subject) {
    const byBackend = new Map<string, { vip: number; from: number; replies: DirectReply[] }>();
    let balancers: ReadonlySet<string> | null = null;
    const { set, endpoints } = subject.connected;
    for (const connection of subject.users) {
      if (connection.protocol !== TCP || connection.legs.length < 2 || connection.mode === "proxy") continue;
      if (subject.outcome(connection) === "ok") continue;
      balancers ??= balancerNodes(subject.connected);
      const leg = answeringLeg(subject, connection, balancers);
      if (leg === null) continue;
      const view = set.view(leg);
      const from = endpoints.ofWords(view.dst, view.dstPort);
      const key = `${connection.vip} ${from}`;
      const group = byBackend.get(key) ?? { vip: connection.vip, from, replies: [] };
      group.replies.push({ connection, leg, isReset: set.view(leg).has(L.LEG_RST_UP) });
      byBackend.set(key, group);
    }
    return [...byBackend.values()]
      .filter(({ replies }) => replies.length >= MIN_CONNECTIONS)
      .map(({ vip, from, replies }) => finding(subject, vip, from, replies));
  },
};

/**
 * A leg on the client's side of the balancer that begins with the answer, from an address other than the VIP. Behind
 * the balancer the same addresses are what it translated to.
 */
function answeringLeg(subject: Case, connection: Connection, balancers: ReadonlySet<string>): LegRef | null {
  const { set, endpoints } = subject.connected;
  const clientNodes = new Set<string>();
  for (const ref of connection.legs) {
    const view = set.view(ref);
    if (endpoints.ofWords(view.dst, view.dstPort) === connection.vip && view.up.packets > 0) {
      clientNodes.add(set.pointOf(ref).nodeName);
    }
  }
  for (const ref of connection.legs) {
    const view = set.view(ref);
    // who never called that address sends it nothing but resets: else it is a call whose SYN was not captured
    if (view.has(L.LEG_SYN) || view.down.packets === 0 || view.up.packets > view.up.resets) continue;
    if (endpoints.ofWords(view.dst, view.dstPort) === connection.vip) continue;
    if (endpoints.ofWords(view.src, view.srcPort) !== connection.client) continue;
    const node = set.pointOf(ref).nodeName;
    if (balancers.has(node)) continue;
    // The client's own reset of it, or the client's side of the path, where only its calls to the VIP belong.
    if (clientNodes.has(node) || view.has(L.LEG_RST_UP)) return ref;
  }
  return null;
}

function finding(subject: Case, vip: number, from: number, replies: readonly DirectReply[]): Finding {
  const name = subject.text(vip);
  const backend = subject.text(from);
  const asked = subject.users.filter(
    (connection) => connection.vip === vip && (connection.backend === from || connection.backend === null),
  ).length;
  const resets = replies.filter(({ isReset }) => isReset).length;
  const nodes = [...new Set(replies.map(({ leg }) => subject.nodeOf(leg)))];
  const connections = replies.map(({ connection }) => connection);
  return {
    id: "path.direct-reply",
    severity: "critical",
    confidence: confidenceFrom(replies.length),
    title: `${backend} answers clients of ${name} from its own address: ${count(replies.length, "connection")} never open`,
    explanation:
      `Clients called ${name} and heard from ${backend}, an address they never called, with the right ports and acknowledgment; ${resets > 0 ? `they reset ${resets} of these answers` : "they ignore it"}. ` +
      "The answers go past the load balancer, which would have put the VIP back, or pass it untranslated (conntrack state INVALID). Other backends' answers are translated.",
    where: { vip: name, backend },
    window: windowOf(connections),
    measured: {
      affectedConnections: replies.length,
      resetByClient: resets,
      connectionsToBackend: Math.max(asked, replies.length),
    },
    connections: connections.map(({ id }) => id),
    evidence: replies
      .slice(0, 4)
      .map(({ leg }) =>
        subject.evidence(
          leg,
          subject.leg(leg).firstFrame,
          `${backend} answers in its own name, seen at ${nodes[0] ?? "the client"}`,
        ),
      ),
    displayFilter: `${endpointFilter(subject, from, "src")} && tcp.srcport==${subject.connected.endpoints.port(from)}`,
    remedy: [
      "on the backend: route answers through the load balancer: ip route replace default via LB (or, by policy: ip rule add from BACKEND table 100; ip route add default via LB table 100)",
      "where clients and backends share a network, translate the source as well (full NAT): nft add rule ip nat postrouting ip daddr BACKENDS masquerade",
      "where the answers do pass the balancer: drop what conntrack calls invalid (nft … ct state invalid drop) and look at nf_conntrack_tcp_be_liberal",
    ],
    explains: { cause: "direct-reply", by: "client" },
  };
}
