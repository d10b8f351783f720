import { median, quantile } from "../balance/statistics.ts";
import type { Connection } from "../path/connection.ts";
import { endpointFilter } from "./backend-refusing.ts";
import type { Case, VipGroup } from "./case.ts";
import { confidenceFrom, duration } from "./confidence.ts";
import type { Detector } from "./detector.ts";
import type { Finding } from "./finding.ts";

/** Answers needed of a backend, and of its siblings, before their medians mean something. */
const MIN_ANSWERS = 8;
/** Answers measured of one backend at most: medians of more are no better. */
const MAX_ANSWERS = 500;

/**
 * `backend.slow`: the time to the first byte of one backend is far above its siblings', while its network answers as
 * fast as theirs.
 */
export const backendSlow: Detector = {
  ids: ["backend.slow"],
  find(subject) {
    const findings: Finding[] = [];
    for (const group of subject.vips) {
      if (group.protocol !== 6 || group.byBackend.size < 2) continue;
      const answers = [...group.byBackend].map(([backend, connections]) => answersOf(subject, backend, connections));
      // Nearly all backends are as fast as the rest: only one whose median stands out is compared with all answers.
      const usual = median(answers.filter(({ times }) => times.length > 0).map((own) => own.median));
      for (const own of answers) {
        if (!(own.median > usual)) continue;
        const others = answers.filter((other) => other !== own);
        const one = slowBackend(subject, group, own, others);
        if (one) findings.push(one);
      }
    }
    return findings;
  },
};

type Answers = ReturnType<typeof answersOf>;

function answersOf(subject: Case, backend: number, connections: readonly Connection[]) {
  const times: number[] = [];
  const handshakes: number[] = [];
  const measured: Connection[] = [];
  const stride = Math.max(1, Math.floor(connections.length / MAX_ANSWERS));
  for (let i = 0; i < connections.length; i += stride) {
    const connection = connections[i]!;
    const back = subject.back(connection);
    const { up, down } = back;
    const handshake = down.synTime - up.synTime;
    if (!Number.isNaN(handshake) && up.synCount === 1 && down.synCount === 1) handshakes.push(handshake);
    const answer = down.dataTime - up.dataTime;
    // A segment sent again makes the answer late: that is loss, not slowness.
    if (!(answer > 0) || up.retransmits + down.retransmits > 0 || down.synCount > 1) continue;
    times.push(answer);
    measured.push(connection);
  }
  return { backend, times, connections: measured, handshakes, median: median(times) };
}

function lowestMedian(all: readonly Answers[]): number {
  return Math.min(...all.filter(({ times }) => times.length > 0).map((one) => one.median));
}

function slowBackend(subject: Case, group: VipGroup, own: Answers, others: readonly Answers[]): Finding | null {
  const { backend, median: mine } = own;
  const factor = subject.threshold("backend.slow", "factor");
  if (own.times.length < MIN_ANSWERS || !(mine >= factor * lowestMedian(others))) return null;
  const rest = others.flatMap((answers) => answers.times).sort((a, b) => a - b);
  if (rest.length < MIN_ANSWERS) return null;
  const theirs = quantile(rest, 0.5);
  // A difference that nobody feels is no finding.
  const difference = subject.threshold("backend.slow", "differenceSeconds") * 1e9;
  if (mine < theirs * factor || mine - theirs < difference) return null;
  // Most of its answers must be slower than nearly all of the others': a long tail is not a slow host.
  const limit = Math.max(quantile(rest, 0.9), theirs + difference / 2);
  const slow = own.times.filter((time) => time > limit).length;
  if (slow < own.times.length * 0.6) return null;
  const network = median(own.handshakes);
  const networkRest = median(others.flatMap((answers) => answers.handshakes));
  if (network - networkRest > (mine - theirs) / 3) return null;
  const name = subject.text(backend);
  const slowOnes = own.connections.filter((_, i) => own.times[i]! > limit);
  const worst = own.connections[own.times.indexOf(Math.max(...own.times))]!;
  return {
    id: "backend.slow",
    severity: "warning",
    confidence: confidenceFrom(own.times.length / 2, 0.95),
    title: `${name} answers slowly: ${duration(mine)} to the first byte, its siblings ${duration(theirs)}`,
    explanation: `The median time from request to first byte is ${duration(mine)} at ${name} (${own.times.length} answers) and ${duration(theirs)} at the others (${rest.length}); ${slow} of its answers are slower than 90% of theirs. The network is not the reason: it completes handshakes in ${duration(network)}, they in ${duration(networkRest)}.`,
    where: { vip: subject.text(group.vip), backend: name },
    window: { from: slowOnes[0]!.start, to: slowOnes.at(-1)!.end },
    measured: {
      firstByteMedianSeconds: mine / 1e9,
      siblingsFirstByteMedianSeconds: theirs / 1e9,
      answers: own.times.length,
      siblingsAnswers: rest.length,
    },
    connections: slowOnes.map((connection) => connection.id),
    evidence: [
      subject.evidence(worst.back, subject.back(worst).up.dataFrame, "the request"),
      subject.evidence(
        worst.back,
        subject.back(worst).down.dataFrame,
        `first byte of its answer, ${duration(Math.max(...own.times))} later`,
      ),
    ],
    displayFilter: `tcp.time_delta>${((mine / 1e9) * 0.8).toFixed(3)} && ${endpointFilter(subject, backend, "src")}`,
    remedy: [
      "on the backend: load, garbage collection, a slow dependency or disk (its siblings get the same requests and are fast)",
      "give it less until then: a lower weight, or least connections instead of round robin",
    ],
  };
}
