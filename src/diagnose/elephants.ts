import { elephantsAmong, type Load } from "../balance/elephants.ts";
import { shareStatistics } from "../balance/shares.ts";
import type { Connection } from "../path/connection.ts";
import type { Case, VipGroup } from "./case.ts";
import { confidenceFrom, count, percent } from "./confidence.ts";
import type { Detector } from "./detector.ts";
import type { Finding } from "./finding.ts";
import { membershipsOf } from "./members.ts";
import type { Membership } from "./membership.ts";

/** Flows that show that they are given evenly, for each member. */
const MIN_PER_MEMBER = 10;
/** Chance of flows as uneven, and their largest share over the mean, up to which they are even. */
const MIN_P = 1e-4;
const EVEN = 1.4;

/**
 * `balance.load-skew` of a tier's members, for information: bytes are uneven by few large flows although flows are even.
 * No hash mends it, and none is to blame.
 */
export const elephants: Detector = {
  ids: ["balance.load-skew"],
  find(subject) {
    return subject.vips.flatMap((group) => {
      for (const membership of membershipsOf(subject, group)) {
        const found = elephantsOf(subject, group, membership);
        if (found) return found;
      }
      return [];
    });
  },
};

function elephantsOf(subject: Case, group: VipGroup, membership: Membership): Finding | null {
  const flows = new Map<string, number>();
  for (const member of membership.memberOf.values()) flows.set(member, (flows.get(member) ?? 0) + 1);
  if (membership.memberOf.size < flows.size * MIN_PER_MEMBER) return null;
  const even = shareStatistics([...flows.values()]);
  if (even.maxOverExpected > EVEN || even.pValue < MIN_P) return null;
  const loads: Load<Connection>[] = [];
  for (const [connection, member] of membership.memberOf) {
    const { up, down } = subject.back(connection);
    loads.push({ flow: connection, member, bytes: up.payloadBytes + down.payloadBytes });
  }
  const found = elephantsAmong(loads, flows.size, subject.threshold("balance.load-skew", "maxOverMean"));
  if (!found) return null;
  const vip = subject.text(group.vip);
  const member = membership.names.get(found.member) ?? found.member;
  const all = loads.reduce((sum, { bytes }) => sum + bytes, 0);
  return {
    id: "balance.load-skew",
    severity: "info",
    confidence: confidenceFrom(membership.memberOf.size / 10, 0.9),
    title: `${member} carries ${percent(found.share, 1)} of the bytes of ${vip} by ${count(found.flows.length, "elephant flow")}; flows are even`,
    explanation: `${count(membership.memberOf.size, "flow")} are given evenly to ${flows.size} members (largest share ${even.maxOverExpected.toFixed(1)} times the mean), but ${count(found.flows.length, "flow")} at ${member} carry ${percent(found.bytes, all)} of all bytes. Without them its bytes are like the others': the hash is not to blame, and no other hash would split a flow.`,
    where: { vip, member },
    window: {
      from: Math.min(...found.flows.map(({ start }) => start)),
      to: Math.max(...found.flows.map(({ end }) => end)),
    },
    measured: {
      elephants: found.flows.length,
      elephantBytes: found.bytes,
      memberByteShare: found.share,
      evenShare: found.evenShare,
      flowsMaxOverMean: even.maxOverExpected,
      seenAt: membership.point,
    },
    connections: found.flows.map(({ id }) => id),
    evidence: found.flows.map((connection) =>
      subject.evidence(connection.front, subject.front(connection).firstFrame, `c${connection.id} goes by ${member}`),
    ),
    displayFilter: found.flows.map((connection) => `(${subject.filterOf(connection)})`).join(" || "),
    remedy: [
      "nothing is broken; if the member's link is short of room, let the application use several connections, or weight flowlets where the switch can",
    ],
  };
}
