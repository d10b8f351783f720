import type { Explanation } from "./explanation.ts";

export const BALANCE: Readonly<Record<string, Explanation>> = {
  "balance.backend-skew": {
    summary: "backends get uneven shares of new connections",
    means: "One backend gets clearly more or fewer new connections than its weight says.",
    found: "New connections per backend against the weights by chi-square, with the effect size and the sample.",
    alternatives: [
      "balance.source-skew: few clients, hashed by address, explain it",
      "backend.refusing, backend.unreachable: a proxy avoids a broken backend",
      "weights that are meant so: give them with --topology",
    ],
    confirm: ["weights and states on the balancer: `ipvsadm -Ln`, HAProxy `show servers state`"],
    remedy: ["set the weights right", "look whether a health check flaps for the backend that gets less"],
  },
  "balance.source-skew": {
    summary: "hashing by address, and few clients carry the load",
    means:
      "The balancer or the router chooses by the client's address alone, and a few addresses (a NAT gateway, a proxy) carry most connections. Their backends get all of it.",
    found:
      "Every address always goes to the same backend, and the top addresses explain the uneven shares; a hash over ports is tried on the same flows.",
    alternatives: ["balance.backend-skew: uneven although many clients share it"],
    confirm: [
      "the finding's top sources: are they gateways?",
      "the scheduler: `sh` in IPVS, `balance source` in HAProxy, `fib_multipath_hash_policy=0`",
    ],
    remedy: [
      "include ports in the hash (IPVS `-b sh-port`, policy 1 for ECMP)",
      "where clients must stay, use persistence by cookie or by PROXY header address",
    ],
  },
  "balance.load-skew": {
    summary: "even connections, uneven load",
    means:
      "New connections are spread evenly, but bytes, packets or open connections are not: long-lived multiplexed connections (gRPC, HTTP/2), a backend that joined later, or (for information) an elephant flow on one member of an ECMP tier.",
    found: "Bytes and open connections per backend, judged apart from new connections.",
    alternatives: ["balance.backend-skew: already the new connections are uneven"],
    confirm: ["age and size of connections per backend: `l4scope flows … --sort bytes`"],
    remedy: [
      "end long connections now and then: gRPC MAX_CONNECTION_AGE, HTTP/2 GOAWAY",
      "balance requests at layer 7",
      "least connections for the open ones",
    ],
  },
  "balance.scheduler-mismatch": {
    summary: "the balancer does not choose as configured",
    means: "The order of choices does not fit the scheduler that the topology names.",
    found:
      "The scheduler is inferred from the sequence of backends (runs, active connections, addresses) and compared with the given one.",
    alternatives: [
      "several balancers that no capture tells apart: each has its own round robin",
      "persistence on top of the scheduler",
    ],
    confirm: ["`ipvsadm -Ln`, HAProxy `balance`: what is really loaded?"],
    remedy: ["reload the configuration, or correct the topology file"],
  },
};
