import type { Violation, ViolationKind } from "./violations.ts";

/** What stays wrong, and why; KNOWN_ISSUES.md tells users of it. */
interface Known {
  why: string;
  kind: ViolationKind | RegExp;
  what?: RegExp;
  scenario?: RegExp;
  alteration: RegExp;
}

const KNOWN: readonly Known[] = [
  {
    why: "pieces whose names do not say so are captures of their own: a conversation across the boundary is two",
    kind: /./,
    alteration: /^files split/,
  },
  {
    why: "an end that was not captured cannot be told from one that did not come",
    kind: "wrong outcome",
    alteration: /^(points:|loses|begins late|ends early|a short piece)/,
  },
  {
    why: "what began before the capture, or all of it, leads to the backend that it had moved to",
    kind: "wrong backend",
    what: /^(sequence-overlap|mac|both-isn|client-isn)$/,
    scenario: /repick|arp-conflict|port-reuse/,
    alteration: /^(begins late|ends early|a short piece)/,
  },
  {
    why: "the reset that came first was not captured: the client's answer to what followed was",
    kind: "wrong author",
    what: /^client for/,
    alteration: /^(begins late|a short piece|points: one balancer)/,
  },
  {
    why: "one reset that one capture missed, with nothing to compare it with",
    kind: /^wrong (author|cause)$/,
    alteration: /^loses [15] %/,
  },
  {
    why: "the flow had moved to a backend that was not captured, and its answer looks like the balancer's",
    kind: "wrong author",
    what: /^lb for backend$/,
    scenario: /repick/,
    alteration: /^points: half/,
  },
  {
    why: "copies and what is handed on by one interface are counted together",
    kind: /^(wrong backend|false warning|lost .*)$/,
    scenario: /^(arp-conflict|l2-dsr-rehash|haproxy-6-to-4)$/,
    alteration: /^every packet twice/,
  },
  {
    why: "a member that came while nobody looked is not told from one that was there",
    kind: "wrong place",
    what: /^ecmp.rehash member$/,
    alteration: /^(begins late|a short piece)/,
  },
  {
    why: "inside a tunnel nothing is left of the headers: what moved shows as resets by other backends",
    kind: "false critical",
    what: /^lb.lost-state$/,
    scenario: /^(ipip-rehash|ecmp-resilient-remove)$/,
    alteration: /^(snap length 64|points: half)/,
  },
  {
    why: "backends alone: that frames come to them past the balancer is all there is to see of a router that sprays",
    kind: /^false (critical|warning)$/,
    what: /^path.arp-conflict$/,
    scenario: /^spray$/,
    alteration: /^points: the servers alone/,
  },
  {
    why: "of points chosen at random, few connections are left, and an outage of a moment fills a short piece",
    kind: "false warning",
    what: /^(balance.backend-skew|path.loss|ecmp.skew)$/,
    alteration: /^(points: half|a short piece|clocks wrong by 3 s|loses 5 %)/,
  },
  {
    why: "times tell which of two long-lived loads was there first",
    kind: "lost finding",
    scenario: /^balance-load-skew$/,
    alteration: /^clocks wrong by 3 s/,
  },
  {
    why: "without a handshake the lower port is taken for the server's",
    kind: "lost backends",
    scenario: /udp/,
    alteration: /^other ports/,
  },
];

/** Whether something wrong is known to be so, and not a new mistake. */
export function isKnown(scenario: string, alteration: string, { kind, what }: Violation): boolean {
  return KNOWN.some(
    (known) =>
      (typeof known.kind === "string" ? known.kind === kind : known.kind.test(kind)) &&
      (known.what?.test(what) ?? true) &&
      (known.scenario?.test(scenario) ?? true) &&
      known.alteration.test(alteration),
  );
}
