import type { SchedulerName } from "../balance/scheduler.ts";
import type { Case, VipGroup } from "./case.ts";
import { choicesOf } from "./choices.ts";
import { count } from "./confidence.ts";
import type { Detector } from "./detector.ts";
import type { Finding } from "./finding.ts";

/** Confidence in the scheduler seen before another one is called wrong. */
const MIN_CONFIDENCE = 0.85;
const MIN_CHOICES = 40;

/** What a scheduler may look like from outside: least connections among idle backends takes turns, weights of 1 are none. */
const LOOKS_LIKE: Readonly<Record<string, readonly SchedulerName[]>> = {
  rr: ["rr"],
  wrr: ["wrr", "rr"],
  lc: ["lc", "rr", "wrr"],
  source: ["source"],
  "5-tuple": ["5-tuple", "random"],
  random: ["random", "5-tuple"],
};

const WORDS: Readonly<Record<string, string>> = {
  rr: "in turn",
  wrr: "in turn, by weight",
  lc: "by least connections",
  source: "by the client's address",
  "5-tuple": "by a hash of address and port",
  random: "at random",
};

/** `balance.scheduler-mismatch`: the backends are not chosen as the topology says. */
export const schedulerMismatch: Detector = {
  ids: ["balance.scheduler-mismatch"],
  find(subject) {
    return subject.vips.flatMap((group) => mismatchOf(subject, group) ?? []);
  },
};

function mismatchOf(subject: Case, group: VipGroup): Finding | null {
  const meant = subject.vipTopology(group)?.scheduler;
  if (!meant || group.byBackend.size < 2) return null;
  const { connections, scheduler: seen } = choicesOf(subject, group);
  if (seen.name === "unknown" || seen.confidence < MIN_CONFIDENCE || connections.length < MIN_CHOICES) return null;
  if (LOOKS_LIKE[meant]?.includes(seen.name)) return null;
  const vip = subject.text(group.vip);
  const first = connections[0]!;
  return {
    id: "balance.scheduler-mismatch",
    severity: "warning",
    confidence: Math.round(seen.confidence * 95) / 100,
    title: `backends of ${vip} are chosen ${WORDS[seen.name]}, not ${WORDS[meant] ?? meant} as the topology says`,
    explanation: `${count(connections.length, "choice")} among ${count(group.byBackend.size, "backend")} fit ${seen.name} (confidence ${seen.confidence.toFixed(2)}) and not ${meant}. The running configuration differs from the written one, or another box chooses before it.`,
    where: { vip },
    window: { from: first.start, to: connections.at(-1)!.start },
    measured: { seen: seen.name, meant, choices: connections.length, backends: group.byBackend.size },
    connections: connections.map(({ id }) => id),
    evidence: connections
      .slice(0, 4)
      .map((connection) =>
        subject.evidence(
          connection.front,
          subject.front(connection).firstFrame,
          `c${connection.id} from ${subject.text(connection.client)} to ${subject.text(connection.backend!)}`,
        ),
      ),
    displayFilter: "tcp.flags.syn==1 && tcp.flags.ack==0",
    remedy: [
      "compare what runs with what is written: ipvsadm -Ln, `show backend` and `balance` of HAProxy, nft list ruleset (numgen or jhash)",
      "reload the load balancer, or correct the topology file",
    ],
  };
}
