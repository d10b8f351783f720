import type { Explanation } from "./explanation.ts";

export const BACKEND: Readonly<Record<string, Explanation>> = {
  "backend.refusing": {
    summary: "a backend answers SYNs with resets",
    means:
      "The host is up, but nothing listens on that port, or a firewall answers in its place. Connections that the balancer sends there fail at once. A proxy hides it by trying another backend.",
    found:
      "SYNs answered by a reset with ACK, sequence number 0, within about a round trip (UDP: by ICMP port unreachable), at one backend while its siblings accept.",
    alternatives: [
      "backend.overflow with tcp_abort_on_overflow: a bare reset after the final ACK, only under load",
      "backend.unreachable: nothing answers at all",
      "a firewall with REJECT: the reset's TTL differs from the host's own packets",
    ],
    confirm: [
      "on the backend: `ss -ltn 'sport = :PORT'`: does something listen, and on that address?",
      "`curl -v` or `nc -vz` to it from the balancer",
    ],
    remedy: [
      "start the service, or bind it to the right address",
      "take the backend out until then: `ipvsadm -e … -w 0`, HAProxy `set server … state maint`",
      "mend the health check that still calls it up: it should connect to the port that users reach",
    ],
  },
  "backend.unreachable": {
    summary: "a backend does not answer at all",
    means:
      "SYNs to one backend get no answer and are repeated after 1, 3 and 7 seconds. Users wait, then time out. The host is down, its route or ARP is missing, or a firewall drops.",
    found:
      "SYNs unanswered at the point nearest to the backend (or ARP for it unanswered) while its siblings answer; established connections to it repeat into silence.",
    alternatives: [
      "path.asymmetric: the backend answers, by a way that was not captured",
      "backend.overflow: some connections of the same backend succeed",
      "path.mtu-blackhole: handshakes succeed, large segments do not",
    ],
    confirm: [
      "`ping` and `ip neigh get BACKEND dev IF` on the balancer",
      "capture on the backend itself: do the SYNs arrive?",
    ],
    remedy: [
      "take it out of the pool, then mend host, route or firewall",
      "shorten the health check's interval: so many users meet a dead backend before it is called down",
    ],
  },
  "backend.aborting": {
    summary: "a backend resets connections that it had accepted",
    means:
      "The backend's process ends connections with a reset, often right after a request: a crash, a closed socket with unread data, a limit, a protocol that it does not expect.",
    found: "A reset with ACK, in sequence, that appears on the backend's leg first.",
    alternatives: [
      "proxy.header-mismatch: it resets because of a PROXY header that it does not expect, or misses",
      "lb.lost-state, ecmp.rehash: a bare reset, from a host that does not know the connection",
      "client.aborting: the other side began",
    ],
    confirm: [
      "the backend's log at the time of a reset; core dumps, the OOM killer (`dmesg`)",
      "`l4scope probe tcprst` on the backend names the process's reason",
    ],
    remedy: [
      "mend the process; read requests to their end before closing",
      "compare versions and limits with the siblings that do not do it",
    ],
  },
  "backend.overflow": {
    summary: "a backend's accept queue is full",
    means:
      "The process accepts connections more slowly than they come. The kernel then ignores final ACKs or SYNs: clients see connects of 1, 3 or 7 seconds, or a connection that seems open and is not.",
    found:
      "SYN and final ACK arrive, yet the backend repeats its SYN-ACK, or ignores SYNs, while other connections of the same backend succeed. With tcp_abort_on_overflow a bare reset follows the final ACK.",
    alternatives: [
      "attack.syn-flood: there are no final ACKs",
      "path.loss: losses hit all segments, not only the handshake",
      "backend.unreachable: no connection succeeds",
    ],
    confirm: [
      "`nstat -az TcpExtListenOverflows TcpExtListenDrops` on the backend",
      "`ss -ltn`: Recv-Q at Send-Q for the listener",
    ],
    remedy: [
      "let the process accept faster: more workers, no blocking work in the accept loop",
      "raise the backlog in listen() and `sysctl net.core.somaxconn`",
      "limit what the balancer sends: HAProxy maxconn, IPVS upper threshold (`-x`)",
    ],
  },
  "backend.slow": {
    summary: "a backend answers far later than its siblings",
    means:
      "The network times of all backends are alike, but one takes much longer to the first byte of its answer. Users of that backend wait.",
    found:
      "Time to first byte per backend, compared with the siblings of the same VIP, with handshake times as the control.",
    alternatives: [
      "path.loss: retransmissions delay the answer; look at the loss towards it",
      "lb.queueing: the time is spent before the backend is asked",
      "the requests differ: balancing by source gives one backend the heavy clients",
    ],
    confirm: [
      "load, disk, garbage collection and cache hits on that backend against a sibling",
      "the same request by hand to both",
    ],
    remedy: [
      "lower its weight until it is mended",
      "a scheduler that looks at load (least connections) sends it less by itself",
    ],
  },
};
