import type { Case } from "./case.ts";
import { confidenceFrom, count, duration } from "./confidence.ts";
import type { Detector } from "./detector.ts";
import type { Finding } from "./finding.ts";
import type { ProxyClose } from "./proxy-closes.ts";
import { type TimedOut, timedOut } from "./proxy-timeout.ts";

/** One or two are an operator's hand or a client's bad luck. */
const MIN_ABORTED = 3;

/**
 * `lb.aborting`: a terminating proxy ends connections on both sides while a client waits for an answer and the backend
 * has neither closed nor reset.
 */
export const lbAborting: Detector = {
  ids: ["lb.aborting"],
  find(subject) {
    const findings: Finding[] = [];
    for (const timed of timedOut(subject)) {
      // Where idle connections run into the same timer, that is the finding.
      if (timed.idle.length < MIN_ABORTED && timed.waiting.length >= MIN_ABORTED) {
        findings.push(finding(subject, timed, timed.waiting, timed.timer));
      }
      const others = timed.others.filter(({ isWaiting }) => isWaiting);
      if (others.length >= MIN_ABORTED) findings.push(finding(subject, timed, others, 0));
    }
    return findings;
  },
};

function finding(subject: Case, { vip, node }: TimedOut, unsorted: readonly ProxyClose[], timer: number): Finding {
  const closes = unsorted.toSorted((a, b) => a.time - b.time);
  const name = subject.text(vip);
  const asked = subject.users.filter((connection) => connection.vip === vip).length;
  const resets = closes.filter(({ isReset }) => isReset).length;
  const waited = closes.map(({ silence }) => silence).sort((a, b) => a - b);
  const median = waited[waited.length >> 1]!;
  return {
    id: "lb.aborting",
    severity: "critical",
    confidence: confidenceFrom(closes.length, timer > 0 ? 0.97 : 0.85),
    title:
      timer > 0
        ? `${node} gives up on ${closes.length} of ${asked} connections to ${name} after waiting ${duration(timer)} for an answer`
        : `${node} ended ${closes.length} of ${asked} connections to ${name} while their clients waited for an answer`,
    explanation:
      `${node} ended ${count(closes.length, "connection")} on both sides at once${resets > 0 ? ` (${resets} with a reset)` : ""} although neither the client nor the backend had closed; the client's request had gone to the backend and no answer had come. ` +
      (timer > 0
        ? `It did so ${duration(waited[0]!)} to ${duration(waited.at(-1)!)} after the last data every time: its own timer for backends that do not answer.`
        : `It had waited ${duration(waited[0]!)} to ${duration(waited.at(-1)!)}, so no timer shows: a shutdown, a limit or an operator's command.`),
    where: { vip: name, node },
    window: { from: closes[0]!.time, to: closes.at(-1)!.time },
    measured: {
      abortedConnections: closes.length,
      connections: asked,
      resets,
      medianWaitSeconds: Math.round(median / 1e6) / 1e3,
      ...(timer > 0 ? { timeoutSeconds: Math.round(timer / 1e6) / 1e3 } : {}),
    },
    connections: closes.map(({ connection }) => connection.id),
    evidence: closes
      .slice(0, 2)
      .flatMap((close) => [
        subject.evidence(close.front, close.frontFrame, "the proxy ends the client's side, no answer given"),
        subject.evidence(close.back, close.backFrame, "and the backend's side, which had not closed"),
      ]),
    displayFilter: "tcp.flags.fin==1 || tcp.flags.reset==1",
    remedy:
      timer > 0
        ? [
            "HAProxy: `timeout server` above the slowest answer that is still wanted; nginx stream: `proxy_timeout`; Envoy: route `timeout`",
            "or make those answers quicker: the backends were silent for that long",
          ]
        : ["see the proxy's log for these times (HAProxy: the termination state, e.g. `SD`, `KD`, `UD`)"],
    explains: { cause: "lb-abort", by: "lb" },
  };
}
