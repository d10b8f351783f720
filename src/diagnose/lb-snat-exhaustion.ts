import * as L from "../flow/leg-layout.ts";
import type { Connection } from "../path/connection.ts";
import { backLeg, countBefore, openAt, type PortUse, portUses } from "./balancer-ports.ts";
import type { Case, VipGroup } from "./case.ts";
import { confidenceFrom, count, duration, percent } from "./confidence.ts";
import type { Detector } from "./detector.ts";
import type { Finding } from "./finding.ts";
import { scanLegs } from "./leg-scan.ts";

/** Fewer SYNs without a way on are lost packets. */
const MIN_DROPPED = 3;
/** A SYN that only its repetition brought through was sent again at least so much later (Linux: 1 s). */
const RETRY_NS = 0.8e9;
/** Of the ports ever seen, those in use when SYNs were dropped. */
const MIN_IN_USE = 0.8;
/** A pool is a range: its ports fill it. */
const MIN_DENSITY = 0.5;
const MIN_POOL = 4;
/** Dropped SYNs that meet a full pool. */
const MIN_AT_FULL = 0.6;

/** A client's SYN that the balancer did not pass on when it came. */
interface Dropped {
  connection: Connection;
  time: number;
  /** Until a repetition was passed on, ns; infinite where none was. */
  delay: number;
}

/**
 * `lb.snat-exhaustion`: SYNs reach the balancer and none leaves it, while the source ports that it has towards its
 * backends are all in use; repetitions get through when a port comes free.
 */
export const lbSnatExhaustion: Detector = {
  ids: ["lb.snat-exhaustion"],
  find: (subject) => subject.vips.flatMap((group) => exhaustionOf(subject, group) ?? []),
};

function exhaustionOf(subject: Case, group: VipGroup): Finding | null {
  if (group.protocol !== 6) return null;
  const dropped = droppedSyns(subject, group);
  if (dropped.length < MIN_DROPPED) return null;
  const first = Math.min(...dropped.map(({ time }) => time));
  const pools = portUses(subject, group).filter(
    ({ distinct, lowest, highest, firstUsed }) =>
      distinct >= MIN_POOL &&
      distinct >= (highest - lowest + 1) * MIN_DENSITY &&
      countBefore(firstUsed, first) >= distinct * MIN_IN_USE,
  );
  const atFull = dropped.filter(({ time }) => pools.some((pool) => openAt(pool, time) >= pool.distinct * MIN_IN_USE));
  if (atFull.length < Math.max(MIN_DROPPED, dropped.length * MIN_AT_FULL)) return null;
  return finding(subject, group, dropped, atFull.length, pools);
}

/** Connections of a full NAT VIP whose first SYN went no further although the other side was being captured. */
function droppedSyns(subject: Case, group: VipGroup): Dropped[] {
  const repeated = scanLegs(subject).repeatedSyns;
  if (repeated.size < MIN_DROPPED) return [];
  const isFullNat = group.connections.some(({ mode }) => mode === "fullnat");
  if (!isFullNat) return [];
  const dropped: Dropped[] = [];
  for (const connection of group.connections) {
    if (!repeated.has(connection.front)) continue;
    const front = subject.front(connection);
    if (!front.has(L.LEG_SYN) || front.has(L.LEG_RST_UP)) continue;
    const time = subject.reference(connection.front, front.up.synTime);
    const ref = backLeg(connection.hops, connection.legs);
    if (ref === null) {
      if (connection.backend === null && !front.has(L.LEG_SYN_ACK)) {
        dropped.push({ connection, time, delay: Number.POSITIVE_INFINITY });
      }
      continue;
    }
    const delay = subject.reference(ref, subject.leg(ref).up.synTime) - time;
    if (delay >= RETRY_NS) dropped.push({ connection, time, delay });
  }
  return dropped;
}

function finding(
  subject: Case,
  group: VipGroup,
  dropped: readonly Dropped[],
  atFull: number,
  pools: readonly PortUse[],
): Finding {
  const name = subject.text(group.vip);
  const fullest = pools.reduce((best, pool) => (openShare(pool, dropped) > openShare(best, dropped) ? pool : best));
  const source = subject.text(fullest.source).replace(/:0$/, "");
  const range = `${source}:${fullest.lowest}-${fullest.highest}`;
  const lost = dropped.filter(({ delay }) => delay === Number.POSITIVE_INFINITY);
  const late = dropped.filter(({ delay }) => delay < Number.POSITIVE_INFINITY);
  const longest = late.reduce((most, { delay }) => Math.max(most, delay), 0);
  const passing = group.connections.find(({ mode }) => mode === "fullnat");
  const back = passing ? backLeg(passing.hops, passing.legs) : null;
  const node = back === null ? null : subject.nodeOf(back);
  const most = Math.max(...dropped.map(({ time }) => openAt(fullest, time)));
  const times = dropped.map(({ time }) => time);
  return {
    id: "lb.snat-exhaustion",
    severity: "critical",
    confidence: confidenceFrom(atFull, 0.97),
    title: `${node ?? "The load balancer"} runs out of source ports for ${name}: ${dropped.length} of ${group.connections.length} connections had to wait or never opened`,
    explanation:
      `${count(dropped.length, "SYN")} reached ${node ?? "the balancer"} and none left it for a backend, until a repetition 1 or more seconds later (${late.length}, up to ${duration(longest)}) or not at all (${lost.length}). ` +
      `At those times ${most} of the ${fullest.distinct} ports that it ever used towards ${subject.text(fullest.backend)} (${range}) were held by open connections: the pool was dry in ${percent(atFull, dropped.length)} of the cases. Established connections are fine.`,
    where: { vip: name, ...(node === null ? {} : { node }) },
    window: { from: Math.min(...times), to: Math.max(...times) },
    measured: {
      droppedSyns: dropped.length,
      neverOpened: lost.length,
      openedLate: late.length,
      longestDelaySeconds: Math.round(longest / 1e6) / 1e3,
      portsPerBackend: fullest.distinct,
      portsInUseAtMost: most,
      lowestPort: fullest.lowest,
      highestPort: fullest.highest,
      backends: pools.length,
    },
    connections: dropped.map(({ connection }) => connection.id),
    evidence: dropped.slice(0, 3).map(({ connection, delay }) => {
      const view = subject.front(connection);
      const then = delay === Number.POSITIVE_INFINITY ? "never" : `only ${duration(delay)} later`;
      return subject.evidence(connection.front, view.up.synFrame, `a SYN that is passed on ${then}`);
    }),
    displayFilter: "tcp.flags.syn==1 && tcp.flags.ack==0 && tcp.analysis.retransmission",
    remedy: [
      "give the balancer more source addresses or ports: nft `snat to 10.0.0.1-10.0.0.8:1024-65535`, IPVS and DPVS: more local addresses (`ipvsadm`/`dpip addr add … sapool`)",
      'sysctl net.ipv4.ip_local_port_range="1024 65535"; shorten what holds ports: net.netfilter.nf_conntrack_tcp_timeout_time_wait=30',
      "let clients reuse connections, or let backends see clients' own addresses (DNAT, direct return), which needs no ports",
    ],
  };
}

function openShare(pool: PortUse, dropped: readonly Dropped[]): number {
  return Math.max(...dropped.map(({ time }) => openAt(pool, time))) / pool.distinct;
}
