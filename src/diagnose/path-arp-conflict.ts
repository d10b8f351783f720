import { MOVE } from "../flow/event-log.ts";
import type { Connection } from "../path/connection.ts";
import { macText } from "../path/endpoints.ts";
import { firstCopyMacs, firstMacs } from "../path/first-macs.ts";
import { destinationMac, type Mac, macHigh, macLow } from "../path/macs.ts";
import { addressesByMac } from "../path/neighbours.ts";
import { type Claim, claimsOfVips, isContested } from "./arp-claims.ts";
import type { Case, VipGroup } from "./case.ts";
import { confidenceFrom, count } from "./confidence.ts";
import type { Detector } from "./detector.ts";
import type { Evidence, Finding } from "./finding.ts";
import { ownersOf, scanLegs } from "./leg-scan.ts";
import { windowOf } from "./notes.ts";

/** Frames that went past the balancer, before all are looked for, are looked for in so many connections. */
const SAMPLE = 400;
/** Fewer connections past the balancer may be a host that kept its neighbour entry from before. */
const MIN_BYPASSING = 3;

const macName = (mac: Mac) => macText(macHigh(mac), macLow(mac));

/** Who is who at layer 2 for a direct-return VIP. */
interface Segment {
  /** MACs that the balancer sends frames of the VIP on to. */
  backends: Set<Mac>;
  /** MACs that it sends them from. */
  balancers: Set<Mac>;
}

/**
 * `path.arp-conflict`: two hosts claim the VIP on one network. With layer-2 direct return these are the balancer and a
 * backend that should keep still (arp_ignore, arp_announce); whoever hears it sends its frames past the balancer.
 */
export const pathArpConflict: Detector = {
  ids: ["path.arp-conflict"],
  find(subject) {
    const claims = claimsOfVips(subject);
    const moved = movedFlows(subject);
    const findings: Finding[] = [];
    const seen = new Set<number>();
    for (const group of subject.vips) {
      const address = subject.connected.endpoints.withPort(group.vip, 0);
      const segment = segmentOf(subject, group);
      const found = conflictOf(subject, group, segment, claims.get(address) ?? [], moved);
      if (!found || seen.has(address)) continue;
      seen.add(address);
      findings.push(found);
    }
    return findings;
  },
};

/** Learns the VIP's segment from connections that the balancer was seen to send on. */
function segmentOf(subject: Case, group: VipGroup): Segment {
  const { set } = subject.connected;
  const segment: Segment = { backends: new Set(), balancers: new Set() };
  const direct = group.connections.filter(({ mode }) => mode === "dsr-l2");
  const stride = Math.max(1, Math.floor(direct.length / SAMPLE));
  for (let i = 0; i < direct.length; i += stride) {
    const arrivals: { source: Mac; destination: Mac }[] = [];
    for (const ref of direct[i]!.legs) {
      const view = set.view(ref);
      if (view.up.packets === 0) continue;
      arrivals.push(firstMacs(set, ref, 0));
      if (view.passesTwice(0)) arrivals.push(firstCopyMacs(set, ref, 0));
    }
    // The box that frames come to and leave from again, towards another, with the VIP still on them.
    for (const a of arrivals) {
      for (const b of arrivals) {
        if (a.destination === 0 || a.destination !== b.source || b.destination === a.source) continue;
        segment.balancers.add(b.source);
        segment.backends.add(b.destination);
      }
    }
  }
  // Routers before the balancer do the same: they lead to a balancer, which is no backend.
  for (const mac of segment.balancers) segment.backends.delete(mac);
  const leadsOn = segment.backends;
  for (const mac of [...segment.balancers]) if (leadsOn.size === 0) segment.balancers.delete(mac);
  return segment;
}

interface Move {
  connection: Connection;
  from: Mac;
  to: Mac;
  time: number;
  evidence: Evidence;
}

/** Requests whose frames went to one MAC first and to another later. */
function movedFlows(subject: Case): Move[] {
  const { set } = subject.connected;
  const legs = scanLegs(subject).moved.filter((ref) => subject.leg(ref).up.macChanges > 0);
  const moves: Move[] = [];
  for (const [ref, connection] of ownersOf(subject, legs)) {
    const track = set.trackOf(ref);
    for (const event of track.tracker.events.of(track.tracker.legs, set.legOf(ref))) {
      if (event.kind !== MOVE || event.side !== 0 || event.extra[3] === 1) continue;
      const from = destinationMac([event.extra[0]!, event.extra[1]!, event.extra[2]!]);
      const to = destinationMac(event.mac);
      if (from === to || from === 0 || to === 0) continue;
      const note = `an open flow, sent to ${macName(from)} before, goes to ${macName(to)}`;
      const time = subject.reference(ref, event.time);
      moves.push({ connection, from, to, time, evidence: { capture: track.capture, frame: event.frame, note } });
    }
  }
  return moves;
}

/** Frames to the VIP that go to a backend and do not come from the balancer. */
function bypassing(subject: Case, connections: readonly Connection[], { backends, balancers }: Segment): Connection[] {
  const { set } = subject.connected;
  return connections.filter((connection) => {
    let isBypassing = false;
    for (const ref of connection.legs) {
      const view = set.view(ref);
      if (view.up.packets === 0 || view.isInTunnel) continue;
      const { source, destination } = firstMacs(set, ref, 0);
      // Seen once on its way through the balancer, it did not go past it.
      if (balancers.has(destination) || balancers.has(source)) return false;
      if (backends.has(destination) && source !== 0) isBypassing = true;
    }
    return isBypassing;
  });
}

function conflictOf(
  subject: Case,
  group: VipGroup,
  segment: Segment,
  claims: readonly Claim[],
  moved: readonly Move[],
): Finding | null {
  const { set } = subject.connected;
  const { backends, balancers } = segment;
  const byBackend = claims.filter(({ mac }) => backends.has(mac));
  const hasVrrp = set.tracks.some(({ tracker }) => tracker.neighbourhood.advertisers.length > 0);
  const pair = hasVrrp ? null : contestedPair(claims);
  const own = moved.filter(
    ({ connection, to, from }) => connection.vip === group.vip && backends.has(to) && !backends.has(from),
  );
  const sampleStride = Math.max(1, Math.floor(group.connections.length / SAMPLE));
  const sample = backends.size === 0 ? [] : group.connections.filter((_, i) => i % sampleStride === 0);
  const suspected = byBackend.length > 0 || pair !== null || own.length > 0;
  let past = bypassing(subject, sample, segment);
  if (sampleStride > 1 && (suspected || past.length > 0)) past = bypassing(subject, group.connections, segment);
  if (!suspected && past.length < MIN_BYPASSING) return null;
  if (byBackend.length === 0 && pair === null && own.length + past.length < MIN_BYPASSING) return null;

  const intruders = new Set([
    ...byBackend.map(({ mac }) => mac),
    ...own.map(({ to }) => to),
    ...(pair ? [pair[1].mac] : []),
  ]);
  if (intruders.size === 0)
    for (const connection of past) for (const mac of targetsOf(subject, connection, backends)) intruders.add(mac);
  const claimTimes = [
    ...byBackend.map(({ first }) => first),
    ...(pair ? [Math.max(pair[0].first, pair[1].first)] : []),
  ];
  const since = Math.min(...claimTimes, ...own.map(({ time }) => time), ...past.map(({ start }) => start));
  const broken = brokenSince(subject, group, since, own);
  const names = addressesByMac(
    set,
    subject.connected.endpoints,
    new Set(subject.vips.map(({ vip }) => subject.connected.endpoints.withPort(vip, 0))),
  );
  return finding(subject, group, {
    segment,
    claims,
    byBackend,
    pair,
    own,
    past,
    intruders: [...intruders],
    broken,
    since,
    names,
    balancers,
  });
}

function targetsOf(subject: Case, connection: Connection, backends: ReadonlySet<Mac>): Mac[] {
  const { set } = subject.connected;
  return connection.legs.map((ref) => firstMacs(set, ref, 0).destination).filter((mac) => backends.has(mac));
}

function contestedPair(claims: readonly Claim[]): [Claim, Claim] | null {
  for (const a of claims) {
    for (const b of claims) if (a.first <= b.first && isContested(a, b)) return [a, b];
  }
  return null;
}

/** Flows that moved and did not end well, and resets by a backend that did not know a flow, since the conflict began. */
function brokenSince(subject: Case, group: VipGroup, since: number, own: readonly Move[]): Connection[] {
  const broken = new Set<Connection>();
  const harmed = (connection: Connection) => subject.outcome(connection) !== "ok";
  for (const { connection } of own) if (harmed(connection)) broken.add(connection);
  for (const connection of group.connections) {
    const verdict = subject.mainReset(connection);
    if (!verdict || verdict.time < since || verdict.isHarmless || !harmed(connection)) continue;
    const isStray = verdict.cause === "no-state" || verdict.cause === "unknown";
    if (isStray && verdict.by !== "client" && verdict.by !== "middlebox") broken.add(connection);
  }
  return [...broken];
}

interface Conflict {
  segment: Segment;
  claims: readonly Claim[];
  byBackend: readonly Claim[];
  pair: readonly [Claim, Claim] | null;
  own: readonly Move[];
  past: readonly Connection[];
  intruders: readonly Mac[];
  broken: readonly Connection[];
  since: number;
  names: ReadonlyMap<Mac, number | null>;
  balancers: ReadonlySet<Mac>;
}

function finding(subject: Case, group: VipGroup, conflict: Conflict): Finding {
  const { claims, byBackend, pair, own, past, intruders, broken, names, balancers } = conflict;
  const { endpoints } = subject.connected;
  const vip = subject.text(group.vip);
  const bare = subject
    .text(endpoints.withPort(group.vip, 0))
    .replace(/:0$/, "")
    .replace(/^\[|\]$/g, "");
  const isV6 = bare.includes(":");
  const nameOf = (mac: Mac) => {
    const address = names.get(mac);
    return address === undefined || address === null
      ? macName(mac)
      : `${subject.text(address).replace(/:0$/, "")} (${macName(mac)})`;
  };
  const culprits = intruders.map(nameOf).join(", ");
  const isBackend = intruders.some((mac) => conflict.segment.backends.has(mac));
  const affected = broken.length > 0 ? broken : past.length > 0 ? past : own.map(({ connection }) => connection);
  const movedCount = new Set(own.map(({ connection }) => connection)).size;
  const claimants = new Set(claims.map(({ mac }) => mac));
  const address = intruders.length === 1 ? names.get(intruders[0]!) : undefined;
  const signs = (byBackend.length > 0 || pair ? 2 : 0) + Math.min(past.length, 3) + movedCount + broken.length;
  const evidence: Evidence[] = [
    ...[...(pair ?? []), ...byBackend].slice(0, 2).map((claim) => ({
      capture: claim.capture,
      frame: claim.firstFrame,
      note: `${bare} is at ${macName(claim.mac)}, it says`,
    })),
    ...own.slice(0, 2).map((move) => move.evidence),
    ...broken.slice(0, 2).flatMap((connection) => {
      const verdict = subject.mainReset(connection);
      return verdict
        ? [subject.evidence(verdict.ref, verdict.event.frame, "reset by a host that did not know the flow")]
        : [];
    }),
    ...(own.length === 0
      ? past
          .slice(0, 2)
          .map((one) => subject.evidence(one.front, subject.front(one).firstFrame, "goes past the balancer"))
      : []),
  ];
  return {
    id: "path.arp-conflict",
    severity: broken.length > 0 ? "critical" : "warning",
    confidence: confidenceFrom(signs),
    title:
      `${isBackend ? `${culprits} answers ${isV6 ? "neighbour discovery" : "ARP"} for the VIP ${bare}, which belongs to the load balancer` : `${claimants.size} hosts claim ${bare}`}` +
      (broken.length > 0
        ? `: ${count(broken.length, "open connection")} broke`
        : past.length > 0
          ? `: ${count(past.length, "connection")} went past the balancer`
          : ""),
    explanation:
      (claimants.size > 1
        ? `${bare} was claimed by ${[...claimants].map(nameOf).join(" and ")}. `
        : claimants.size === 1 && byBackend.length > 0
          ? `${bare} was claimed by ${culprits}. `
          : "") +
      (movedCount > 0 ? `${count(movedCount, "open flow")} changed from the balancer to it; ` : "") +
      (past.length > 0
        ? `${count(past.length, "connection")} went straight to a backend without passing the balancer; `
        : "") +
      (broken.length > 0
        ? `the host that got flows of others did not know them and reset ${count(broken.length, "connection")}. `
        : "no connection broke by it so far. ") +
      "Who hears the wrong answer sends everything to that host until its neighbour entry expires: no balancing, no checks, one backend with all the load.",
    where: {
      vip,
      ...(isBackend && address !== undefined && address !== null
        ? { backend: subject.text(endpoints.withPort(address, endpoints.port(group.vip))) }
        : {}),
    },
    window: {
      from: conflict.since,
      to: affected.length > 0 ? Math.max(conflict.since, windowOf(affected).to) : subject.end,
    },
    measured: {
      claimingMacs: claimants.size,
      brokenConnections: broken.length,
      movedConnections: movedCount,
      bypassingConnections: past.length,
    },
    connections: affected.map(({ id }) => id),
    evidence: evidence.slice(0, 6),
    displayFilter: `${isV6 ? `icmpv6.nd.na.target_address==${bare}` : `arp.src.proto_ipv4==${bare}`}${intruders.length > 0 ? ` || (${isV6 ? "ipv6" : "ip"}.dst==${bare} && eth.dst==${macName(intruders[0]!)})` : ""}`,
    remedy: isBackend
      ? [
          "on every backend: sysctl -w net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2 (and for the interface itself), with the VIP on lo as /32; IPv6: ip -6 addr add VIP/128 dev lo nodad, and drop its neighbour advertisements with nft",
          `then on the routers and clients of that network: ip neigh flush ${bare}; let the balancer announce itself: arping -U -c 3 -I IF ${bare}`,
          `keep it so in /etc/sysctl.d; a check: arping -D -I IF ${bare} must hear ${balancers.size > 0 ? [...balancers].map(macName).join(", ") : "the balancer"} alone`,
        ]
      : [
          `find both hosts by their MACs (${[...claimants].map(macName).join(", ")}) in the switch's table and take ${bare} from the one that must not have it`,
          "with keepalived: is VRRP blocked between the two (nft: ip protocol vrrp accept)?",
        ],
    explains: { cause: "no-state", by: "backend" },
  };
}
