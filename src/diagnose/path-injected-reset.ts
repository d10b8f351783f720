import * as L from "../flow/leg-layout.ts";
import type { Connection } from "../path/connection.ts";
import { destinationMac } from "../path/macs.ts";
import type { Case } from "./case.ts";
import { confidenceFrom, count, percent } from "./confidence.ts";
import type { Detector } from "./detector.ts";
import type { Finding } from "./finding.ts";
import { captureLossAt } from "./point-loss.ts";
import type { ResetVerdict } from "./reset-verdict.ts";

/** A verdict on the place alone has less than this; with a second clue it has more (see attribute-resets.ts). */
const TWO_CLUES = 0.9;
/** The same place, seen so often without the capture having lost packets there, is as good as a second clue. */
const MIN_PLACED = 4;

interface Injected {
  connection: Connection;
  verdict: ResetVerdict;
}

/**
 * `path.injected-reset`: somebody between the two ends sends resets in their name. Called so only on two independent
 * clues, since balancers and NATs end connections in odd but legal ways (Weaver, Sommer, Paxson 2009).
 */
export const pathInjectedReset: Detector = {
  ids: ["path.injected-reset"],
  find(subject) {
    const byVip = new Map<number, Injected[]>();
    for (const [id, verdicts] of subject.resets) {
      const verdict = verdicts.find(({ by }) => by === "middlebox");
      const connection = subject.connections[id]!;
      if (!verdict || connection.healthCheck || isAnsweredByNewMember(subject, verdict)) continue;
      const list = byVip.get(connection.vip);
      if (list) list.push({ connection, verdict });
      else byVip.set(connection.vip, [{ connection, verdict }]);
    }
    return [...byVip].flatMap(([vip, injected]) => finding(subject, vip, injected));
  },
};

function finding(subject: Case, vip: number, injected: readonly Injected[]): Finding[] {
  const sure = injected.filter(({ verdict }) => verdict.confidence >= TWO_CLUES);
  const placed = injected.filter((one) => one.verdict.confidence < TWO_CLUES && isPlaced(subject, one));
  if (sure.length === 0 && placed.length < MIN_PLACED) return [];
  const all = sure.length === 0 ? placed : [...sure, ...placed];
  const name = subject.text(vip);
  const total = subject.vips
    .filter((group) => group.vip === vip)
    .reduce((sum, { connections }) => sum + connections.length, 0);
  const towardsClient = all.filter(({ verdict }) => verdict.side === 1).length;
  const nodes = [...new Set(all.map(({ verdict }) => subject.nodeOf(verdict.ref)))];
  const times = all.map(({ verdict }) => verdict.time);
  const ttls = [...new Set(all.map(({ verdict }) => verdict.event.ttl))].sort((a, b) => a - b);
  const pretended = towardsClient * 2 >= all.length ? `in the name of ${name}` : "in the clients' name";
  const [example] = sure.length > 0 ? sure : placed;
  const clues = [...new Set(example!.verdict.clues)].join("; ");
  const place =
    nodes.length === 1
      ? ` It comes in at ${nodes[0]} or before: look at what lies between ${nodes[0]} and the next box towards its pretended sender.`
      : "";
  return [
    {
      id: "path.injected-reset",
      severity: all.length > 1 ? "critical" : "warning",
      confidence:
        sure.length > 0 ? confidenceFrom(sure.length + placed.length / 4) : confidenceFrom(placed.length / 2, 0.7),
      title: `${count(all.length, "connection")} of ${name} (${percent(all.length, Math.max(total, all.length))}) were reset by neither end: a box between sends resets ${pretended}`,
      explanation:
        `Two clues that do not depend on each other say that the pretended sender did not write them, e.g.: ${clues}.${place}` +
        `${sure.length === 0 ? " Here only the place speaks, on each of them; a capture at the pretended sender settles it." : ""}`,
      where: { vip: name, ...(nodes.length === 1 ? { node: nodes[0]! } : {}) },
      window: { from: Math.min(...times), to: Math.max(...times) },
      measured: {
        injectedResets: all.length,
        withTwoClues: sure.length,
        connections: total,
        towardsClients: towardsClient,
        lowestTtl: ttls[0]!,
        highestTtl: ttls.at(-1)!,
      },
      connections: all.map(({ connection }) => connection.id),
      evidence: all
        .slice(0, 4)
        .map(({ verdict }) =>
          subject.evidence(
            verdict.ref,
            verdict.event.frame,
            `reset, TTL ${verdict.event.ttl}: ${verdict.clues[0] ?? "made by neither end"}`,
          ),
        ),
      displayFilter: `tcp.flags.reset==1 && (${ttls
        .slice(0, 4)
        .map((ttl) => `ip.ttl==${ttl} || ipv6.hlim==${ttl}`)
        .join(" || ")})`,
      remedy: [
        "find the firewall, IPS or DPI box on that stretch (TTL and place above) and read its log for these connections; on Linux: nft list ruleset | grep 'reject with tcp reset'",
        "until then let it drop instead of reset, or exempt the VIP from it",
      ],
    },
  ];
}

/** The place alone speaks: nothing like it was sent by its pretended sender, and no capture there lost packets. */
function isPlaced(subject: Case, { connection, verdict }: Injected): boolean {
  const at = connection.legs.indexOf(verdict.ref);
  const nearer = verdict.side === 1 ? connection.legs.slice(at + 1) : connection.legs.slice(0, at);
  if ([verdict.ref, ...nearer].some((ref) => captureLossAt(subject, ref) > 0)) return false;
  return !nearer.some((ref) => subject.leg(ref).has(L.LEG_RST_UP << verdict.side));
}

/** The flow had moved to another next hop, and that very box answers: it is the new member that does not know it. */
function isAnsweredByNewMember(subject: Case, { ref, side, mac }: ResetVerdict): boolean {
  const requests = subject.leg(ref).side(1 - side);
  return requests.macChanges > 0 && mac !== 0 && destinationMac(requests.mac) === mac;
}
