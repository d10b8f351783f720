import type { Connection } from "../path/connection.ts";
import { destinationMac } from "../path/macs.ts";
import { balancerNodes } from "./attribute-resets.ts";
import type { Case } from "./case.ts";
import { confidenceFrom, count } from "./confidence.ts";
import type { Detector } from "./detector.ts";
import type { Finding } from "./finding.ts";
import { icmpErrors, isTooBig, pairKey, quotedEnds, type SeenError } from "./icmp-errors.ts";
import { windowOf } from "./notes.ts";

/** An error of a connection that reached a balancer which does not have it. */
interface Missteered {
  connection: Connection;
  seen: SeenError;
  /** Node, or MAC, that got it, and the one that has the flow. */
  reached: string;
  owner: string;
}

/**
 * `path.icmp-missteered`: "packet too big" reaches a balancer that does not have the flow it quotes (RFC 7690): ECMP
 * hashed the error by its own addresses. The sender never learns the path's MTU.
 */
export const pathIcmpMissteered: Detector = {
  ids: ["path.icmp-missteered"],
  find(subject) {
    const errors = icmpErrors(subject, isTooBig);
    if (errors.length === 0) return [];
    const byEnds = new Map<number, Connection>();
    for (const connection of subject.users) byEnds.set(pairKey(connection.client, connection.vip), connection);
    const balancers = balancerNodes(subject.connected);
    const missteered: Missteered[] = [];
    const rightly = new Set<number>();
    for (const seen of errors) {
      const { src, dst } = quotedEnds(subject, seen.error);
      // Answers of the VIP were too big; where requests were, the error goes to the client.
      const connection = byEnds.get(pairKey(dst, src));
      if (!connection) continue;
      const found = atWrongNode(subject, connection, seen, balancers) ?? toWrongMac(subject, connection, seen);
      if (found) missteered.push(found);
      else if (balancers.has(subject.connected.set.points[seen.track.points[seen.error.point]!]!.nodeName))
        rightly.add(connection.id);
    }
    const vips = new Set(missteered.map(({ connection }) => connection.vip));
    return [...vips].flatMap((vip) => {
      const own = missteered.filter(({ connection }) => connection.vip === vip && !rightly.has(connection.id));
      return own.length > 0 ? [finding(subject, vip, own)] : [];
    });
  },
};

/** Seen at a balancer that the quoted flow does not pass, though its siblings of the VIP do. */
function atWrongNode(
  subject: Case,
  connection: Connection,
  seen: SeenError,
  balancers: ReadonlySet<string>,
): Missteered | null {
  const { set } = subject.connected;
  const reached = set.points[seen.track.points[seen.error.point]!]!.nodeName;
  if (!balancers.has(reached) || seen.error.leg >= 0) return null;
  const nodes = connection.legs.map((ref) => set.pointOf(ref).nodeName);
  if (nodes.includes(reached)) return null;
  const owner = nodes.find((node) => balancers.has(node));
  return owner === undefined ? null : { connection, seen, reached, owner };
}

/** Seen where the members are shared out: it leaves for another MAC than the flow's own packets. */
function toWrongMac(subject: Case, connection: Connection, seen: SeenError): Missteered | null {
  const { set } = subject.connected;
  const { error, track } = seen;
  if (error.leg < 0) return null;
  const ref = set.ref(track.index, error.leg);
  if (!connection.legs.includes(ref)) return null;
  const view = set.view(ref);
  const own = destinationMac(view.up.mac);
  const given = destinationMac(error.frameMac);
  if (
    view.up.packets === 0 ||
    view.up.macChanges > 0 ||
    view.passesTwice(0) ||
    own === 0 ||
    given === 0 ||
    own === given
  )
    return null;
  // Towards another member, not back to whom it speaks of or to the client.
  const reached = memberOf(subject, connection, given, track.index, error.point);
  const owner = memberOf(subject, connection, own, track.index, error.point);
  return reached === null || owner === null ? null : { connection, seen, reached, owner };
}

/** The name of a member to which this point sends other flows of the same VIP; null where it sends none there. */
function memberOf(subject: Case, { vip }: Connection, mac: number, trackIndex: number, point: number): string | null {
  const { set } = subject.connected;
  for (const other of subject.users) {
    if (other.vip !== vip) continue;
    for (const ref of other.legs) {
      const track = set.trackOf(ref);
      const view = set.view(ref);
      if (track.index !== trackIndex || view.point !== point || view.up.packets === 0) continue;
      if (destinationMac(view.up.mac) !== mac) continue;
      const next = other.legs[other.legs.indexOf(ref) + 1];
      if (next !== undefined) {
        const node = subject.nodeOf(next);
        if (node !== subject.nodeOf(ref)) return node;
      }
      return macName(mac);
    }
  }
  return null;
}

function macName(mac: number): string {
  return mac.toString(16).padStart(12, "0").match(/../g)?.join(":") ?? "";
}

function finding(subject: Case, vip: number, missteered: readonly Missteered[]): Finding {
  const name = subject.text(vip);
  const { set } = subject.connected;
  const connections = [...new Set(missteered.map(({ connection }) => connection))];
  const stuck = connections.filter((connection) => subject.outcome(connection) !== "ok");
  const reached = [...new Set(missteered.map((one) => one.reached))];
  const owners = [...new Set(missteered.map((one) => one.owner))];
  const mtu = Math.min(...missteered.map(({ seen }) => seen.error.mtu).filter((value) => value > 0));
  const isV6 = missteered[0]!.seen.error.ipVersion === 6;
  const hasMtu = Number.isFinite(mtu);
  return {
    id: "path.icmp-missteered",
    severity: stuck.length > 0 ? "critical" : "warning",
    confidence: confidenceFrom(connections.length),
    title: `"packet too big" for ${count(connections.length, "connection")} of ${name} reaches the wrong load balancer: large answers stall`,
    explanation:
      `A router on the way asks for packets of at most ${hasMtu ? `${mtu} bytes` : "a smaller size"}; ${missteered.length} such errors came to ${reached.join(", ")} while the connections they quote live on ${owners.join(", ")}. ` +
      `The router in front hashes the error by its own addresses, not by the flow inside it (RFC 7690), so the sender goes on sending what does not fit: ${stuck.length} of these connections did not end well.`,
    where: { vip: name, ...(reached.length === 1 ? { node: reached[0]! } : {}) },
    window: windowOf(connections),
    measured: {
      affectedConnections: connections.length,
      stalledConnections: stuck.length,
      missteeredErrors: missteered.length,
      ...(hasMtu ? { pathMtuBytes: mtu } : {}),
    },
    connections: (stuck.length > 0 ? stuck : connections).map(({ id }) => id),
    evidence: missteered.slice(0, 4).map(({ seen: { track, error }, reached: node, owner }) => ({
      capture: track.capture,
      frame: error.frame,
      note: `too big (MTU ${error.mtu}) at ${set.points[track.points[error.point]!]!.name}, for ${node}; the quoted flow is on ${owner}`,
    })),
    displayFilter: isV6 ? "icmpv6.type==2" : "icmp.type==3 && icmp.code==4",
    remedy: [
      "let the router hash ICMP errors by the packet they quote (RFC 7690 section 3), or pass each of them on to all load balancers: nft add rule … icmp type destination-unreachable dup to LBS, or Cloudflare's pmtud",
      "or keep packets small enough: nft add rule … tcp flags syn tcp option maxseg size set 1360; on the backends ip route change default … advmss 1360, or net.ipv4.tcp_mtu_probing=1",
    ],
  };
}
