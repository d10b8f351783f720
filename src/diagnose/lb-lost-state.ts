import type { Connection } from "../path/connection.ts";
import { type BrokenFlow, balancerOf, brokenFlows, type Clothes } from "./broken-flows.ts";
import type { Case } from "./case.ts";
import { confidenceFrom, count, duration, percent } from "./confidence.ts";
import type { Detector } from "./detector.ts";
import type { Finding } from "./finding.ts";

/** Fewer flows that break together may be chance. */
const MIN_BROKEN = 4;
/** Flows that were talking meet the loss within this time of each other: their next packets are not far. */
const WINDOW_NS = 1e9;
/** A flow that spoke this recently has not run into an idle timeout. */
const RECENT_NS = 2e9;
/** Of the flows that went on talking at that moment, the share that broke. A new random choice spares one in n. */
const MIN_SHARE = 0.3;
/** Losses of one run that are told apart. */
const MAX_MOMENTS = 8;

/** A moment at which a balancer forgot established flows. */
export interface LostMoment {
  vip: number;
  node: string;
  /** The one backend whose flows were forgotten, null where of several. */
  backend: number | null;
  /** First break, ns on the reference clock. */
  time: number;
  flows: BrokenFlow[];
  /** Flows open at that moment that talked on afterwards, broken ones included. */
  exposed: number;
}

const cache = new WeakMap<Case, readonly LostMoment[]>();

/**
 * Moments at which many established flows of one balancer broke within a second, that had been talking until then and
 * had not moved to another place.
 */
export function lostMoments(subject: Case): readonly LostMoment[] {
  let moments = cache.get(subject);
  if (!moments) {
    moments = momentsOf(subject);
    cache.set(subject, moments);
  }
  return moments;
}

function momentsOf(subject: Case): LostMoment[] {
  const groups = new Map<string, BrokenFlow[]>();
  for (const flow of brokenFlows(subject)) {
    if (flow.moved !== null) continue;
    const key = `${flow.connection.vip} ${flow.node}`;
    const group = groups.get(key);
    if (group) group.push(flow);
    else groups.set(key, [flow]);
  }
  const moments: LostMoment[] = [];
  for (const group of groups.values()) {
    let rest = group;
    while (rest.length >= MIN_BROKEN && moments.length < MAX_MOMENTS) {
      const cluster = densest(rest);
      if (cluster.length < MIN_BROKEN) break;
      const moment = momentOf(subject, cluster, rest);
      const taken = new Set(moment?.flows ?? cluster);
      rest = rest.filter((flow) => !taken.has(flow));
      if (moment) moments.push(moment);
    }
  }
  return moments;
}

/** The most flows, talking until then, that broke within one window. */
function densest(flows: readonly BrokenFlow[]): BrokenFlow[] {
  const recent = flows.filter((flow) => flow.silence <= RECENT_NS);
  let best = { from: 0, to: 0 };
  for (let from = 0, to = 0; to < recent.length; to++) {
    while (recent[to]!.time - recent[from]!.time > WINDOW_NS) from++;
    if (to + 1 - from > best.to - best.from) best = { from, to: to + 1 };
  }
  return recent.slice(best.from, best.to);
}

function momentOf(subject: Case, cluster: readonly BrokenFlow[], all: readonly BrokenFlow[]): LostMoment | null {
  const { time, connection, node } = cluster[0]!;
  // Flows that were silent at that moment break later, with their next packet.
  const flows = all.filter((flow) => flow.time >= time && flow.time - flow.silence <= time + WINDOW_NS);
  const backends = new Set(flows.map((flow) => flow.connection.backend));
  const only = backends.size === 1 ? (flows[0]!.connection.backend ?? null) : null;
  const broken = new Set(flows.map((flow) => flow.connection));
  const talkedOn = (other: Connection) =>
    other.vip === connection.vip && other.protocol === 6 && other.start < time && other.end > time;
  let exposed = flows.length;
  let exposedOfBackend = flows.length;
  for (const other of subject.users) {
    if (broken.has(other) || !talkedOn(other)) continue;
    if (node !== "" && balancerOf(subject, other, null) !== node) continue;
    exposed++;
    if (other.backend === only) exposedOfBackend++;
  }
  const base = { vip: connection.vip, node, time, flows };
  // One backend taken out: its flows break, and only they.
  if (only !== null && exposedOfBackend < exposed) {
    return flows.length >= exposedOfBackend * MIN_SHARE ? { ...base, backend: only, exposed: exposedOfBackend } : null;
  }
  return flows.length >= exposed * MIN_SHARE ? { ...base, backend: null, exposed } : null;
}

/** `lb.lost-state`: established flows of one balancer break together, without having moved and without silence before. */
export const lbLostState: Detector = {
  ids: ["lb.lost-state"],
  find: (subject) =>
    lostMoments(subject)
      .filter(({ flows }) => isTheBalancers(flows))
      .map((moment) => finding(subject, moment)),
};

/**
 * Resets without a socket behind them, by nobody knows whom, are as well those of a box between, or of backends that were
 * given the flows by somebody else: most of the flows must show that the balancer did it.
 */
function isTheBalancers(flows: readonly BrokenFlow[]): boolean {
  return (clothesCounts(flows).reset ?? 0) < flows.length / 2;
}

function finding(subject: Case, { vip, node, backend, time, flows, exposed }: LostMoment): Finding {
  const name = subject.text(vip);
  const balancer = node === "" ? "the load balancer" : node;
  const ofBackend = backend === null ? "" : ` of ${subject.text(backend)}`;
  const last = flows.at(-1)!.time;
  const clothes = clothesCounts(flows);
  const mode = flows[0]!.connection.mode;
  return {
    id: "lb.lost-state",
    severity: "critical",
    confidence: confidenceFrom(flows.length, 0.98),
    title: `${balancer} forgot its connections${ofBackend}: ${flows.length} of ${exposed} open ones to ${name} broke at once`,
    explanation:
      `Within ${duration(last - time)} ${count(flows.length, "established connection")}${ofBackend} broke with the next packet, in the middle of a conversation: ${clothesText(clothes)}. ` +
      `They had been talking until then, so no idle timeout did it, and they stayed on the same path. That is what a restart, an emptied connection table or ${backend === null ? "a flushed NAT" : "the removal of a backend"} looks like. ` +
      `${percent(flows.length, exposed)} of the connections that were open and went on talking broke; new ones are fine.`,
    where: {
      vip: name,
      ...(node === "" ? {} : { node }),
      ...(backend === null ? {} : { backend: subject.text(backend) }),
    },
    window: { from: time, to: last },
    measured: {
      brokenConnections: flows.length,
      openConnections: exposed,
      shareBroken: Math.round((1000 * flows.length) / Math.max(exposed, flows.length)) / 1000,
      spreadSeconds: (last - time) / 1e9,
      resetsByBalancer: clothes["balancer-reset"] ?? 0,
      resetsByOtherBackends: clothes["wrong-backend"] ?? 0,
      leakedReplies: clothes.leak ?? 0,
      unanswered: clothes.unanswered ?? 0,
    },
    connections: flows.map((flow) => flow.connection.id),
    evidence: flows
      .slice(0, 4)
      .map((flow) => subject.evidence(flow.ref, flow.frame, `${CLOTHES_TEXT[flow.clothes]}, in mid-conversation`)),
    displayFilter: `tcp.flags.reset==1 || tcp.analysis.retransmission`,
    remedy:
      backend === null
        ? [
            "see what happened on the balancer at that time: a restart, `conntrack -F`, a reload that flushed nat tables, `ipvsadm -C`",
            mode === "dnat" || mode === "fullnat"
              ? "keep connections over a restart: conntrackd for netfilter, `ipvsadm --start-daemon master|backup --mcast-interface IF` for IPVS"
              : "keep connections over a restart: `ipvsadm --start-daemon master|backup --mcast-interface IF`",
          ]
        : [
            "take a backend out gently: `ipvsadm -e -t VIP:PORT -r BACKEND -w 0` and wait, before `ipvsadm -d`",
            "where it is gone anyway: sysctl net.ipv4.vs.expire_nodest_conn=1 tells clients at once instead of letting them wait",
          ],
    explains: { cause: "no-state" },
  };
}

/** How often each kind of breaking occurs. */
export function clothesCounts(flows: readonly BrokenFlow[]): Partial<Record<Clothes, number>> {
  const counts: Partial<Record<Clothes, number>> = {};
  for (const { clothes } of flows) counts[clothes] = (counts[clothes] ?? 0) + 1;
  return counts;
}

const CLOTHES_TEXT: Readonly<Record<Clothes, string>> = {
  "balancer-reset": "reset by the balancer itself",
  "wrong-backend": "given to another backend, which reset it",
  leak: "the backend's reply leaked untranslated and the client reset it",
  unanswered: "sent again and again, never passed on to the backend",
  reset: "reset by a host without a socket for it",
};

/** Kinds of breaking as a person lists them, most frequent first. */
export function clothesText(counts: Partial<Record<Clothes, number>>): string {
  return Object.entries(counts)
    .toSorted((a, b) => b[1] - a[1])
    .map(([clothes, number]) => `${number} ${CLOTHES_TEXT[clothes as Clothes]}`)
    .join(", ");
}
