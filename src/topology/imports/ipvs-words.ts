import type { ForwardingMode, Scheduler } from "../vocabulary.ts";

/** What the IPVS schedulers are here (net/netfilter/ipvs/ip_vs_*.c); those by destination have no word. */
const SCHEDULER_OF: Readonly<Record<string, Scheduler>> = {
  rr: "rr",
  wrr: "wrr",
  lc: "lc",
  wlc: "lc",
  sed: "lc",
  nq: "lc",
  sh: "source",
  mh: "source",
};

/**
 * @param flags of the scheduler: sh-port and mh-port put the source port into the hash
 * @returns null for a scheduler that has no word here
 */
export function ipvsScheduler(name: string, flags: readonly string[] = []): Scheduler | null {
  const scheduler = Object.hasOwn(SCHEDULER_OF, name) ? (SCHEDULER_OF[name] ?? null) : null;
  const withPort = flags.includes("sh-port") || flags.includes("mh-port");
  return scheduler === "source" && withPort ? "5-tuple" : scheduler;
}

/** `ipvsadm -Ln` and keepalived's lb_kind. IPVS calls plain DNAT masquerading; its clients' addresses stay. */
const MODE_OF: Readonly<Record<string, ForwardingMode>> = {
  nat: "dnat",
  masq: "dnat",
  dr: "dsr-l2",
  route: "dsr-l2",
  tun: "dsr-tunnel",
  tunnel: "dsr-tunnel",
  fnat: "fullnat",
  fullnat: "fullnat",
};

export function ipvsMode(name: string): ForwardingMode | null {
  const key = name.toLowerCase();
  return Object.hasOwn(MODE_OF, key) ? (MODE_OF[key] ?? null) : null;
}
