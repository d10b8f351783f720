import { TCP } from "../decode/packet.ts";
import * as L from "../flow/leg-layout.ts";
import type { Connection } from "../path/connection.ts";
import { macText } from "../path/endpoints.ts";
import type { LegRef } from "../path/leg-set.ts";
import { destinationMac, macHigh, macLow, sourceMac } from "../path/macs.ts";
import { endpointFilter } from "./backend-refusing.ts";
import type { Case } from "./case.ts";
import { confidenceFrom, count, percent } from "./confidence.ts";
import type { Detector } from "./detector.ts";
import type { Finding } from "./finding.ts";
import { windowOf } from "./notes.ts";

const MIN_CONNECTIONS = 3;
/** Working connections looked at for answers that pass elsewhere: the habit of a path shows in a sample. */
const SAMPLE = 1000;

/** Where a connection's answer was seen instead of at the box that had passed on its SYN. */
interface Detour {
  connection: Connection;
  /** Leg without the answer, at the node that forwarded the request. */
  asked: LegRef;
  /** Leg that shows the answer elsewhere. */
  answered: LegRef;
  /** The node that got it instead; null where only the MAC it left for is known. */
  node: string | null;
  /** 0 where the node is known. */
  nextHop: number;
  works: boolean;
}

/**
 * `path.asymmetric`: answers pass another box than their requests, in a mode that needs both on one (NAT, proxies).
 * Direct server return is one-way by design and no matter of this.
 */
export const pathAsymmetric: Detector = {
  ids: ["path.asymmetric"],
  find(subject) {
    const detours: Detour[] = [];
    const stride = Math.max(1, Math.floor(subject.users.length / SAMPLE));
    subject.users.forEach((connection, index) => {
      if (connection.protocol !== TCP || connection.legs.length < 2) return;
      const works = subject.outcome(connection) === "ok";
      if (works && index % stride !== 0) return;
      const { mode } = connection;
      if (mode !== "dnat" && mode !== "fullnat" && mode !== "proxy") return;
      const detour = detourOf(subject, connection, works);
      if (detour) detours.push(detour);
    });
    if (detours.length < MIN_CONNECTIONS) return [];
    const findings: Finding[] = [];
    for (const vip of new Set(detours.map(({ connection }) => connection.vip))) {
      const own = detours.filter(({ connection }) => connection.vip === vip);
      const broken = own.filter(({ works }) => !works);
      if (broken.length >= MIN_CONNECTIONS) findings.push(finding(subject, vip, broken, stride));
      else if (own.length >= MIN_CONNECTIONS) findings.push(finding(subject, vip, own, stride));
    }
    return findings;
  },
};

/** Nodes whose legs of this connection, behind the translation, carry the SYN and never its answer. */
function detourOf(subject: Case, connection: Connection, works: boolean): Detour | null {
  const { set, endpoints } = subject.connected;
  const { back } = connection;
  const backView = set.view(back);
  const target = endpoints.ofWords(backView.dst, backView.dstPort);
  if (target === connection.vip) return null;
  const upAndDown = new Map<string, { up: number; down: number; hop: LegRef }>();
  const behind: LegRef[] = [];
  for (const ref of connection.legs) {
    const view = set.view(ref);
    if (view.isInTunnel) return null;
    const node = set.pointOf(ref).nodeName;
    const sum = upAndDown.get(node) ?? { up: 0, down: 0, hop: ref };
    sum.up += view.up.packets;
    sum.down += view.down.packets;
    if (endpoints.ofWords(view.dst, view.dstPort) === target) {
      behind.push(ref);
      sum.hop = ref;
    }
    upAndDown.set(node, sum);
  }
  const front = set.pointOf(connection.front).nodeName;
  const asked = behind.find((ref) => {
    const view = set.view(ref);
    return view.has(L.LEG_SYN) && view.up.packets > 0 && view.down.packets === 0;
  });
  if (asked === undefined) return null;
  const askedNode = set.pointOf(asked).nodeName;
  if (upAndDown.get(askedNode)!.down > 0) return null;
  const forwarder = sourceMac(set.view(asked).up.mac);
  for (const ref of behind) {
    const view = set.view(ref);
    const node = set.pointOf(ref).nodeName;
    if (view.down.packets === 0 || node === askedNode || node === front) continue;
    const seen = upAndDown.get(node)!;
    // A box that the answer passes and the request did not.
    if (seen.up === 0 && view.has(L.LEG_SYN_ACK)) {
      return { connection, asked, answered: ref, node, nextHop: 0, works };
    }
    // The backend itself: it hands the answer to another neighbour than it got the request from.
    if (works || !view.has(L.LEG_SYN) || !view.has(L.LEG_SYN_ACK)) continue;
    const nextHop = destinationMac(view.down.mac);
    const from = sourceMac(view.up.mac);
    if (nextHop !== 0 && from !== 0 && nextHop !== from && from === forwarder) {
      const other = behind.find(
        (candidate) => set.view(candidate).up.packets === 0 && set.view(candidate).down.packets > 0,
      );
      const otherNode = other === undefined ? null : set.pointOf(other).nodeName;
      return { connection, asked, answered: ref, node: otherNode, nextHop, works };
    }
  }
  return null;
}

function finding(subject: Case, vip: number, detours: readonly Detour[], stride: number): Finding {
  const name = subject.text(vip);
  const works = detours.every((detour) => detour.works);
  const backends = [...new Set(detours.map(({ connection }) => connection.backend))].filter(
    (backend) => backend !== null,
  );
  const backendNames = backends.map((backend) => subject.text(backend));
  const asked = subject.nodeOf(detours[0]!.asked);
  const known = detours.find(({ node }) => node !== null);
  const hop = detours.find(({ nextHop }) => nextHop !== 0);
  const other = known ? known.node! : macText(macHigh(hop!.nextHop), macLow(hop!.nextHop));
  const connections = detours.map(({ connection }) => connection);
  const total = subject.users.filter(
    (connection) => connection.vip === vip && backends.includes(connection.backend ?? -1),
  ).length;
  const estimate = works ? Math.min(total, detours.length * stride) : detours.length;
  return {
    id: "path.asymmetric",
    severity: works ? "warning" : "critical",
    confidence: confidenceFrom(detours.length, known ? 0.98 : 0.85),
    title: works
      ? `answers for ${name} pass ${other}, not ${asked} that their requests pass: it works, but hangs on shared state`
      : `answers for ${name} go to ${other} instead of ${asked}: ${count(detours.length, "connection")} cannot open`,
    explanation:
      `Requests were passed on to ${backendNames.join(", ")} by ${asked}; the answers never come back there but go to ${other}. ` +
      (works
        ? `Both boxes must know the connection for that to work; when they stop sharing their state it breaks.`
        : `${other} has not seen these connections begin and does not translate them, so the backend repeats its SYN-ACK and the client its SYN. ${percent(detours.length, Math.max(total, detours.length))} of the connections to ${count(backends.length, "backend")} fail so.`),
    where: {
      vip: name,
      ...(backends.length === 1 ? { backend: backendNames[0]! } : {}),
      ...(known ? { node: other } : {}),
    },
    window: windowOf(connections),
    measured: { affectedConnections: estimate, connectionsToBackends: total, backends: backends.length, works },
    connections: connections.map(({ id }) => id),
    evidence: detours
      .slice(0, 2)
      .flatMap((detour) => [
        subject.evidence(
          detour.asked,
          subject.leg(detour.asked).firstFrame,
          `the request leaves by ${asked}; no answer comes here`,
        ),
        subject.evidence(
          detour.answered,
          subject.leg(detour.answered).down.synFrame || subject.leg(detour.answered).lastFrame,
          `its answer goes to ${other}`,
        ),
      ]),
    displayFilter: `tcp.flags.syn==1 && tcp.flags.ack==1 && ${backends[0] === undefined ? "tcp" : endpointFilter(subject, backends[0], "src")}`,
    remedy: [
      `on ${backends.length === 1 ? "that backend" : "those backends"}: send answers back through the box that translated the request: ip route replace default via ${asked}'s address (check: ip route get CLIENT from BACKEND)`,
      "or translate the source too (full NAT, nft … masquerade), so that answers return by themselves; or share conntrack state between the balancers (conntrackd)",
      "on routers between: rp_filter=2 (net.ipv4.conf.all.rp_filter) where one-way paths are meant",
    ],
  };
}
