import type { Case } from "./case.ts";
import { confidenceFrom, count } from "./confidence.ts";
import type { Finding } from "./finding.ts";
import { outlastedSilences, type ProxyClose, proxyCloses, timedCloses } from "./proxy-closes.ts";

/** A timer that only one or two ran into could be chance. */
const MIN_CLOSED = 3;
/** Shorter is no idle timeout in use, and not told apart from a quick close. */
const SHORTEST_NS = 0.8e9;
/** Two timers this near are one. */
const SAME_TIMER = 0.1;
/** Connections that outlast the timer, per one that ran into it. */
const MAX_OUTLASTED = 0.1;

/** Closes of one VIP by one proxy that a timer explains. */
export interface TimedOut {
  vip: number;
  node: string;
  timer: number;
  /** Closed with nothing outstanding, and while an answer was awaited. */
  idle: ProxyClose[];
  waiting: ProxyClose[];
  /** Closes that no timer explains. */
  others: ProxyClose[];
}

const cache = new WeakMap<Case, readonly TimedOut[]>();

/** A proxy's own closes, parted by what they had in common. `timer` is 0 where no timer shows. */
export function timedOut(subject: Case): readonly TimedOut[] {
  let all = cache.get(subject);
  if (!all) {
    all = groupsOf(subject);
    cache.set(subject, all);
  }
  return all;
}

function groupsOf(subject: Case): TimedOut[] {
  const groups = new Map<string, ProxyClose[]>();
  for (const close of proxyCloses(subject)) {
    const key = `${close.connection.vip} ${close.node}`;
    const group = groups.get(key);
    if (group) group.push(close);
    else groups.set(key, [close]);
  }
  return [...groups.values()].map((closes) => part(subject, closes));
}

function part(subject: Case, closes: readonly ProxyClose[]): TimedOut {
  const { connection, node } = closes[0]!;
  const base = { vip: connection.vip, node };
  const idle = timedCloses(closes.filter(({ isWaiting }) => !isWaiting));
  const waiting = timedCloses(closes.filter(({ isWaiting }) => isWaiting));
  const main = isTimer(idle) ? idle : isTimer(waiting) ? waiting : null;
  if (!main) return { ...base, timer: 0, idle: [], waiting: [], others: [...closes] };
  const { timer } = main;
  const group = subject.vips.find(({ vip }) => vip === base.vip);
  const outlasted = outlastedSilences(subject, group?.connections ?? [], timer * (1 + SAME_TIMER));
  const isSame = (other: { timer: number } | null) =>
    other !== null && Math.abs(other.timer - timer) <= timer * SAME_TIMER;
  if (main === idle && outlasted > main.closes.length * MAX_OUTLASTED) {
    return { ...base, timer: 0, idle: [], waiting: [], others: closes.filter(({ isWaiting }) => isWaiting) };
  }
  const timed = new Set([...(isSame(idle) ? idle!.closes : []), ...(isSame(waiting) ? waiting!.closes : [])]);
  return {
    ...base,
    timer,
    idle: [...timed].filter(({ isWaiting }) => !isWaiting),
    waiting: [...timed].filter(({ isWaiting }) => isWaiting),
    others: closes.filter((close) => close.isWaiting && !timed.has(close)),
  };
}

function isTimer(found: { timer: number; closes: readonly ProxyClose[] } | null): boolean {
  return found !== null && found.closes.length >= MIN_CLOSED && found.timer >= SHORTEST_NS;
}

/** `lb.idle-timeout` of a terminating proxy: it closes silent connections on both sides, a constant time after the last data. */
export function proxyTimeouts(subject: Case): Finding[] {
  return timedOut(subject)
    .filter(({ idle }) => idle.length >= MIN_CLOSED)
    .map((timed) => finding(subject, timed));
}

function finding(subject: Case, { vip, node, timer, idle, waiting }: TimedOut): Finding {
  const name = subject.text(vip);
  const closes = [...idle, ...waiting].sort((a, b) => a.time - b.time);
  const seconds = (timer / 1e9).toFixed(timer >= 100e9 ? 0 : 1);
  const hurt = closes.filter(({ isHurt }) => isHurt);
  const silences = closes.map(({ silence }) => silence / 1e9);
  return {
    id: "lb.idle-timeout",
    severity: hurt.length > 0 ? "critical" : "warning",
    confidence: confidenceFrom(closes.length),
    title: `${node} closes connections to ${name} after ${seconds} s of silence: ${closes.length} ended by it`,
    explanation:
      `${node} ended ${count(closes.length, "connection")} on both sides at once, ${seconds} s after the last data, although neither the client nor the backend had closed: ` +
      `${idle.length} were idle${waiting.length > 0 ? `, and in ${waiting.length} the client was still waiting for an answer` : ""}. ` +
      (hurt.length > 0
        ? `${count(hurt.length, "client")} lost something by it.`
        : "The clients saw a clean end; those that meant to go on must open another connection."),
    where: { vip: name, node },
    window: { from: closes[0]!.time, to: closes.at(-1)!.time },
    measured: {
      closedConnections: closes.length,
      closedWhileIdle: idle.length,
      closedWhileWaiting: waiting.length,
      hurtConnections: hurt.length,
      timeoutSeconds: Math.round(timer / 1e6) / 1e3,
      thresholdLowSeconds: Math.round(Math.min(...silences) * 1e3) / 1e3,
      thresholdHighSeconds: Math.round(Math.max(...silences) * 1e3) / 1e3,
    },
    connections: closes.map(({ connection }) => connection.id),
    evidence: closes
      .slice(0, 2)
      .flatMap((close) => [
        subject.evidence(
          close.front,
          close.frontFrame,
          `the proxy ends the client's side after ${seconds} s of silence`,
        ),
        subject.evidence(close.back, close.backFrame, "and the backend's side at the same time"),
      ]),
    displayFilter: `(tcp.flags.fin==1 || tcp.flags.reset==1) && tcp.time_delta > ${(timer * 0.9e-9).toFixed(1)}`,
    remedy: [
      "HAProxy: `timeout client` and `timeout server` above the longest silence in use, or `timeout tunnel` for long-lived connections",
      "nginx stream: `proxy_timeout`; Envoy: `idle_timeout` of the TCP proxy",
      `or let clients send keepalives of their own protocol before ${seconds} s (TCP keepalives do not count for a proxy)`,
    ],
    explains: { cause: "idle-timeout", by: "lb" },
  };
}
