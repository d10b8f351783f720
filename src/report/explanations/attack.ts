import type { Explanation } from "./explanation.ts";

export const ATTACK: Readonly<Record<string, Explanation>> = {
  "attack.syn-flood": {
    summary: "many SYNs that nobody completes",
    means:
      "A flood of SYNs without final ACKs, mostly from forged addresses, fills queues and tables. Users may be slow or refused.",
    found:
      "Far more half-open than completed handshakes, from many addresses that never answer; SYN cookies show in the SYN-ACKs' options.",
    alternatives: [
      "backend.unreachable: clients are real, and repeat their SYNs",
      "path.asymmetric: ACKs pass elsewhere",
      "a port scan: many ports, few SYNs each",
    ],
    confirm: ["`nstat -az TcpExtSyncookiesSent TcpExtTCPReqQFullDoCookies`", "`ss -n state syn-recv | wc -l`"],
    remedy: [
      "`sysctl net.ipv4.tcp_syncookies=1`; synproxy at the balancer (`nft … synproxy`)",
      "ask the upstream to filter; rate-limit SYNs by prefix, not by address",
    ],
  },
};
