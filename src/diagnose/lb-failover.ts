import * as L from "../flow/leg-layout.ts";
import type { Connection } from "../path/connection.ts";
import type { Case, VipGroup } from "./case.ts";
import { count, duration } from "./confidence.ts";
import type { Detector } from "./detector.ts";
import type { Evidence, Finding } from "./finding.ts";
import { areAlike, type VipOwner, vipOwners } from "./vip-owners.ts";
import { masterDownTime, type Tenure, type VirtualRouter, virtualRouters } from "./vrrp-tenures.ts";

/** Two masters may overlap for a moment, until one has heard the other. In intervals. */
const OVERLAP_INTERVALS = 1.5;
/** Who still claims a VIP so long after another took it has not given it up. */
const GIVEN_UP_NS = 1e9;
/** After a takeover, connections that broke of it do so within this time. */
const AFTERMATH_NS = 30e9;
/** Connections opened this soon after a takeover may still meet neighbours that have not heard of it. */
const SETTLED_NS = 3e9;
/** An announcement comes with the takeover, or this soon after. */
const ANNOUNCED_NS = 5e9;

/** A VIP that went from one balancer to another, or is held by two. ns on the reference clock. */
interface Takeover {
  isSplit: boolean;
  vip: VipGroup | null;
  address: string;
  from: string;
  to: string;
  /** The second one's node, as far as it is known by name. */
  node: string;
  /** When the first was last seen to serve, and the second first. */
  lastOfOld: number;
  firstOfNew: number;
  end: number;
  confidence: number;
  how: string;
  evidence: Evidence[];
  measured: Record<string, number | string | boolean>;
  hasAnnouncement: boolean;
  member: string | null;
}

/**
 * `lb.failover`: a VIP goes from one balancer to another, by VRRP or by gratuitous ARP alone. `lb.split-brain`: two
 * hold it at once.
 */
export const lbFailover: Detector = {
  ids: ["lb.failover", "lb.split-brain"],
  find(subject) {
    const owners = new Map(subject.vips.map((group) => [group, vipOwners(subject, group)]));
    const takeovers: Takeover[] = [];
    const covered = new Set<VipGroup>();
    for (const router of virtualRouters(subject)) {
      const vip = groupOf(subject, router);
      const found = byVrrp(subject, router, vip, (vip && owners.get(vip)) ?? []);
      if (found.length > 0 && vip) covered.add(vip);
      takeovers.push(...found);
    }
    for (const [group, list] of owners) {
      if (!covered.has(group)) takeovers.push(...byAnnouncement(subject, group, list));
    }
    return oneOfEach(takeovers).map((takeover) => finding(subject, takeover));
  },
};

/** Several virtual routers of a pair change hands together: one finding, that of the VIP the clients call. */
function oneOfEach(takeovers: readonly Takeover[]): Takeover[] {
  const kept: Takeover[] = [];
  const rank = (takeover: Takeover) => (takeover.isSplit ? 2 : 0) + (takeover.vip ? 1 : 0);
  for (const takeover of takeovers.toSorted((a, b) => rank(b) - rank(a))) {
    const isKnown = kept.some(
      (other) =>
        (takeover.vip === null || takeover.vip === other.vip || other.vip === null) &&
        takeover.firstOfNew <= other.end + GIVEN_UP_NS &&
        other.firstOfNew <= takeover.end + GIVEN_UP_NS,
    );
    if (!isKnown) kept.push(takeover);
  }
  return kept;
}

/** The VIP that clients call by a virtual router's address. A router may have more addresses than its first. */
function groupOf(subject: Case, { address }: VirtualRouter): VipGroup | null {
  const { endpoints } = subject.connected;
  const called = subject.vips.find(({ vip }) => endpoints.address(vip).every((word, i) => word === address[i]));
  return called ?? (subject.vips.length === 1 ? subject.vips[0]! : null);
}

function byVrrp(subject: Case, router: VirtualRouter, vip: VipGroup | null, owners: readonly VipOwner[]): Takeover[] {
  const takeovers: Takeover[] = [];
  const { tenures } = router;
  for (let i = 1; i < tenures.length; i++) {
    const next = tenures[i]!;
    const before = tenures.slice(0, i).findLast(({ source }) => source !== next.source);
    if (!before || before.from > next.from) continue;
    const overlap = Math.min(before.to, next.to) - next.from;
    const isSplit = overlap >= next.interval * OVERLAP_INTERVALS && next.adverts >= 2 && before.adverts >= 2;
    if (!isSplit && before.to > next.from + next.interval * OVERLAP_INTERVALS) continue;
    const isLong = overlap > masterDownTime(before);
    const owner = owners.find(
      ({ announcedAt }) => announcedAt >= next.from - next.interval && announcedAt <= next.from + ANNOUNCED_NS,
    );
    takeovers.push({
      isSplit,
      vip,
      address: router.addressText,
      from: before.source,
      to: owner?.node ? `${owner.node} (${next.source})` : next.source,
      node: owner?.node || next.source,
      lastOfOld: Math.min(before.to, next.from),
      firstOfNew: next.from,
      end: isSplit ? next.from + overlap : next.from,
      confidence: isSplit && !isLong ? 0.88 : next.adverts >= 2 ? 0.96 : 0.85,
      how: isSplit ? splitText(router, before, next, overlap) : takeoverText(router, before, next),
      evidence: [before.last, next.first, ...(isSplit ? [next.last] : [])],
      measured: {
        virtualRouterId: router.id,
        oldPriority: before.priority,
        newPriority: next.priority,
        advertisementIntervalSeconds: next.interval / 1e9,
        ...(isSplit ? { overlapSeconds: overlap / 1e9 } : {}),
        resigned: before.resigned,
      },
      hasAnnouncement: owner !== undefined || !seesArp(subject, next),
      member: owner?.macText ?? null,
    });
  }
  return takeovers;
}

/** Where no ARP at all was captured with the advertisements, a missing announcement says nothing. */
function seesArp(subject: Case, { first, from }: Tenure): boolean {
  if (subject.end - from < GIVEN_UP_NS) return false;
  return subject.connected.set.tracks.some(
    ({ capture, tracker }) => capture === first.capture && tracker.neighbourhood.messages.length > 0,
  );
}

function takeoverText({ id }: VirtualRouter, before: Tenure, next: Tenure): string {
  const gap = duration(Math.max(0, next.from - before.to));
  const why = before.resigned
    ? "resigned with priority 0"
    : next.priority > before.priority && next.from - before.to < masterDownTime(before)
      ? "was preempted by a higher priority"
      : "fell silent";
  return `By VRRP (router id ${id}) ${before.source} ${why}, and ${gap} after its last advertisement ${next.source} advertised itself (priority ${before.priority} → ${next.priority}).`;
}

function splitText({ id }: VirtualRouter, before: Tenure, next: Tenure, overlap: number): string {
  return `${before.source} (priority ${before.priority}) and ${next.source} (priority ${next.priority}) both advertised themselves as master of virtual router ${id} for ${duration(overlap)}: the second does not hear the first, or it would give way with the next advertisement (every ${duration(next.interval)}).`;
}

/** A gratuitous ARP alone gives the VIP to another MAC, behind which a balancer works as behind the first. */
function byAnnouncement(subject: Case, group: VipGroup, owners: readonly VipOwner[]): Takeover[] {
  const takeovers: Takeover[] = [];
  for (const next of owners) {
    if (Number.isNaN(next.announcedAt)) continue;
    const before = owners
      .filter((owner) => owner !== next && Math.min(owner.claimedFirst, owner.firstUsed) < next.announcedAt)
      .at(-1);
    if (!before || !areAlike(before, next) || !(next.lastUsed > next.announcedAt)) continue;
    const isSplit =
      before.claimedLast > next.announcedAt + GIVEN_UP_NS && before.lastUsed > next.announcedAt + GIVEN_UP_NS;
    const lastOfOld = Math.min(
      Number.isNaN(before.lastAnswered) ? next.announcedAt : before.lastAnswered,
      next.announcedAt,
    );
    const name = (owner: VipOwner) => (owner.node === "" ? owner.macText : `${owner.node} (${owner.macText})`);
    const address = subject.text(group.vip);
    takeovers.push({
      isSplit,
      vip: group,
      address,
      from: name(before),
      to: name(next),
      node: next.node || next.macText,
      lastOfOld,
      firstOfNew: next.announcedAt,
      end: isSplit ? Math.max(before.claimedLast, before.lastUsed) : next.announcedAt,
      confidence: isSplit ? 0.75 : before.node !== "" && next.node !== "" ? 0.95 : 0.85,
      how: isSplit
        ? `${name(next)} announced the VIP's address by gratuitous ARP while ${name(before)} went on claiming it, and both balance what they get.`
        : `${name(next)} announced the VIP's address by gratuitous ARP; until then it was ${name(before)}'s, which has been silent since. No VRRP was seen.`,
      evidence: next.announcement ? [next.announcement] : [],
      measured: { gratuitousArp: true },
      hasAnnouncement: true,
      member: next.macText,
    });
  }
  return takeovers;
}

/** Connections that a takeover broke, and those that only waited for it. */
function touched(subject: Case, takeover: Takeover): { broken: Connection[]; delayed: Connection[] } {
  const broken: Connection[] = [];
  const delayed: Connection[] = [];
  const from = takeover.lastOfOld;
  const to = takeover.end;
  for (const connection of subject.users) {
    if (takeover.vip && connection.vip !== takeover.vip.vip) continue;
    if (connection.end < from || connection.start > to + SETTLED_NS) continue;
    const outcome = subject.outcome(connection);
    const reset = subject.mainReset(connection);
    const isLate = reset ? reset.time > to + AFTERMATH_NS || reset.time < from : false;
    const isOwn = reset !== null && (reset.cause === "client-abort" || reset.cause === "backend-abort");
    if ((outcome === "reset" && !isLate && !isOwn) || outcome === "timeout") {
      broken.push(connection);
      continue;
    }
    const view = subject.front(connection);
    if (view.protocol === 6 && (view.up.retransmits > 0 || view.down.retransmits > 0) && !view.has(L.LEG_RST_UP)) {
      delayed.push(connection);
    }
  }
  return { broken, delayed };
}

function finding(subject: Case, takeover: Takeover): Finding {
  const { isSplit, vip, address, lastOfOld, firstOfNew, end } = takeover;
  const { broken, delayed } = touched(subject, takeover);
  const gap = Math.max(0, firstOfNew - lastOfOld);
  const name = vip ? subject.text(vip.vip) : address;
  const suffered =
    broken.length === 0
      ? "Nothing broke: no connection was open, or its state was shared."
      : `${count(broken.length, "connection")} broke: ${isSplit ? "packets that reach the balancer that did not open them are not known there" : "the new balancer did not know them, or they ran into the gap"}.`;
  const waited =
    delayed.length > 0 ? ` ${count(delayed.length, "connection")} had to send again and then went on.` : "";
  const silent = takeover.hasAnnouncement
    ? ""
    : " No gratuitous ARP announced the new place: neighbours keep the old MAC until their entry ages.";
  return {
    id: isSplit ? "lb.split-brain" : "lb.failover",
    severity: isSplit || broken.length > 0 ? "critical" : "warning",
    confidence: takeover.confidence,
    title: isSplit
      ? `Two load balancers hold ${name} at once: ${takeover.from} and ${takeover.to}${broken.length > 0 ? `; ${count(broken.length, "connection")} broke` : ""}`
      : `${name} moved from ${takeover.from} to ${takeover.to}, ${duration(gap)} without service: ${broken.length === 0 ? "nothing broke" : `${count(broken.length, "connection")} broke`}`,
    explanation: `${takeover.how} ${suffered}${waited}${silent}`,
    where: {
      vip: name,
      ...(isSplit ? {} : { node: takeover.node }),
      ...(takeover.member === null ? {} : { member: takeover.member }),
    },
    window: { from: lastOfOld, to: Math.max(end, ...broken.map((connection) => connection.end)) },
    measured: {
      gapSeconds: Math.round(gap / 1e6) / 1e3,
      brokenConnections: broken.length,
      delayedConnections: delayed.length,
      announced: takeover.hasAnnouncement,
      ...takeover.measured,
    },
    connections: [...broken, ...delayed].map((connection) => connection.id),
    evidence: [...takeover.evidence, ...resetEvidence(subject, broken)],
    displayFilter: `vrrp || arp.opcode || tcp.flags.reset==1`,
    remedy: isSplit
      ? [
          "let the routers hear each other: IP protocol 112 to 224.0.0.18 (ff02::12) must pass between them, or set keepalived's `unicast_peer`",
          "the same virtual_router_id and interval on both, and no other pair in this network with the same id",
        ]
      : [
          "share connections between the balancers: `ipvsadm --start-daemon master|backup` or keepalived's `lvs_sync_daemon`, conntrackd for netfilter",
          "shorten the gap: keepalived `advert_int 0.3` with `vrrp_version 3`; announce more than once: `garp_master_delay`, `garp_master_repeat`",
        ],
    explains: { cause: "no-state" },
  };
}

function resetEvidence(subject: Case, broken: readonly Connection[]): Evidence[] {
  return broken.slice(0, 3).flatMap((connection) => {
    const reset = subject.mainReset(connection);
    return reset ? [subject.evidence(reset.ref, reset.event.frame, "a connection from before is reset")] : [];
  });
}
