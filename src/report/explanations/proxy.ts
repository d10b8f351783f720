import type { Explanation } from "./explanation.ts";

export const PROXY: Readonly<Record<string, Explanation>> = {
  "proxy.header-mismatch": {
    summary: "PROXY header sent and expected do not agree",
    means:
      "The balancer puts a PROXY protocol header before connections that the backend does not understand, or leaves out one that it waits for. The backend closes or resets at once, or logs garbage.",
    found:
      "The header (v1 text or the v2 signature) as the first payload where the backend ends at once; or missing where siblings have it; or twice.",
    alternatives: ["backend.aborting: it resets whatever comes first"],
    confirm: [
      "HAProxy `send-proxy`/`send-proxy-v2` against the backend's `accept-proxy` (nginx `listen … proxy_protocol`)",
    ],
    remedy: [
      "switch both ends the same way; accept only from the balancer's addresses",
      "take it out where two proxies in a row both add one",
    ],
  },
  "proxy.toa-missing": {
    summary: "some flows lack the client's address option",
    means:
      "A full NAT balancer writes the client's address into a TCP option (TOA, kind 254), but not on all flows: backends see the balancer's address instead.",
    found: "Option 254 on some connections of a VIP and not on others.",
    alternatives: ["DPVS 1.9.6 moved the option from the SYN to the first ACK: look at both"],
    confirm: ["which balancer node leaves it out? options full with timestamps and SACK leave no room"],
    remedy: ["the same version and `toa` setting on all nodes; the toa module on all backends"],
  },
};
