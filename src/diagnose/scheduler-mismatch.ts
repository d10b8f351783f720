import type { Scheduler, SchedulerName } from "../balance/scheduler.ts";
import type { Case, VipGroup } from "./case.ts";
import { choicesOf } from "./choices.ts";
import { count } from "./confidence.ts";
import type { Detector } from "./detector.ts";
import type { Finding } from "./finding.ts";

/** Confidence in the scheduler seen before another one is called wrong. */
const MIN_CONFIDENCE = 0.85;
const MIN_CHOICES = 40;
/** Where several schedulers fit, none of which is meant. */
const EITHER_CONFIDENCE = 0.85;

/** What a scheduler may look like from outside: least connections among idle backends takes turns, weights of 1 are none. */
const LOOKS_LIKE: Readonly<Record<string, readonly SchedulerName[]>> = {
  rr: ["rr"],
  wrr: ["wrr", "rr"],
  lc: ["lc", "rr", "wrr"],
  source: ["source"],
  "5-tuple": ["5-tuple"],
  random: ["random"],
};

const HASHES: ReadonlySet<string> = new Set(["source", "5-tuple"]);

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

/** How sure it is that what was seen is not what is meant, 0 to 1. */
function confidenceAgainst({ name, confidence, couldBe }: Scheduler, meant: string): number {
  const like = LOOKS_LIKE[meant] ?? [];
  const seen = couldBe ?? [name];
  if (seen.some((one) => one === "unknown" || like.includes(one))) return 0;
  // Turns that several processes take, each for itself, or of which not all were captured, look like chance; an address
  // or endpoint that meets several backends never looks like a hash of it.
  if (seen.includes("random") && !HASHES.has(meant)) return 0;
  return couldBe === undefined ? confidence : EITHER_CONFIDENCE;
}

function mismatchOf(subject: Case, group: VipGroup): Finding | null {
  const meant = subject.vipTopology(group)?.scheduler;
  if (!meant || group.byBackend.size < 2) return null;
  const { connections, scheduler: seen } = choicesOf(subject, group);
  const confidence = confidenceAgainst(seen, meant);
  if (confidence < MIN_CONFIDENCE || connections.length < MIN_CHOICES) return null;
  const how = seen.name === "unknown" ? "by a hash of address and port, or at random" : WORDS[seen.name];
  const name = seen.couldBe?.join(" or ") ?? seen.name;
  const vip = subject.text(group.vip);
  const first = connections[0]!;
  return {
    id: "balance.scheduler-mismatch",
    severity: "warning",
    confidence: Math.round(confidence * 95) / 100,
    title: `backends of ${vip} are chosen ${how}, not ${WORDS[meant] ?? meant} as the topology says`,
    explanation: `${count(connections.length, "choice")} among ${count(group.byBackend.size, "backend")} fit ${name} (confidence ${confidence.toFixed(2)}) and not ${meant}. The running configuration differs from the written one, or another box chooses before it.`,
    where: { vip },
    window: { from: first.start, to: connections.at(-1)!.start },
    measured: { seen: name, meant, choices: connections.length, backends: group.byBackend.size },
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
