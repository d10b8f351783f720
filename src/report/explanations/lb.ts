import type { Explanation } from "./explanation.ts";

export const LB: Readonly<Record<string, Explanation>> = {
  "lb.idle-timeout": {
    summary: "the load balancer forgets quiet connections",
    means:
      "A connection that was silent for longer than the load balancer's idle timeout no longer exists there. The next packet is answered with a reset, handed to another backend that resets it, or lost. Users see errors on the first request after a pause: pooled database connections, long polls, SSH.",
    found:
      "Every silence of every flow with what followed it. The threshold lies between the longest silence survived and the shortest that broke a flow, and often on a well-known value (60, 300, 350, 900, 3600 s). The packet that breaks the silence has no copy on the backend's leg.",
    alternatives: [
      "lb.lost-state: flows break together at one moment, whatever their silence was",
      "backend.aborting: the backend's own keep-alive timeout sends FIN or an in-sequence reset, on the backend's leg first",
      "a firewall between two points does the same; look between which legs the packet disappears",
    ],
    confirm: [
      "the timeouts as configured: `ipvsadm -l --timeout`, HAProxy `timeout client`/`timeout server`/`timeout tunnel`, `sysctl net.netfilter.nf_conntrack_tcp_timeout_established`, the cloud balancer's idle timeout",
      "hold one connection idle for a little less and a little more than the reported threshold",
    ],
    remedy: [
      "send keepalives more often than the timeout: `sysctl net.ipv4.tcp_keepalive_time`, SO_KEEPALIVE, or the protocol's own ping",
      "or raise the timeout: `ipvsadm --set 3600 120 300`, HAProxy `timeout tunnel 1h`",
      "let connection pools drop connections that were idle for longer",
    ],
  },
  "lb.failover": {
    summary: "the VIP moved to another load balancer",
    means:
      "Another load balancer took the VIP over, by VRRP or by gratuitous ARP. With synchronised state nobody notices; without it every connection open at that moment breaks. Requests in between wait or fail.",
    found:
      "VRRP advertisements of a router stop, or go to priority 0, and another router advertises; or ARP alone gives the VIP to another MAC. The connections that broke around that moment are counted, and the gap is measured.",
    alternatives: [
      "lb.split-brain: the first router never stops, both answer",
      "path.arp-conflict: the MAC of the VIP changes back and forth without VRRP",
      "ecmp.rehash: several load balancers are active all the time and routing moves flows among them",
    ],
    confirm: [
      "`journalctl -u keepalived` on both nodes around the moment",
      "`ipvsadm -l --daemon`: does the sync daemon run on both?",
    ],
    remedy: [
      "synchronise connections: `ipvsadm --start-daemon master|backup`, conntrackd, HAProxy peers for stick tables",
      "find out why the master left: a health script, a missed advertisement under load, a reboot",
      "let the new master send gratuitous ARP more than once: keepalived `garp_master_refresh`, `vrrp_garp_master_repeat`",
    ],
  },
  "lb.split-brain": {
    summary: "two load balancers believe they are master",
    means:
      "Two routers advertise the same VRRP id, or answer ARP for the same VIP, at the same time. Packets of a client go to one or the other as the switch learnt last; connections break at random.",
    found:
      "Advertisements of one VRID by two senders for longer than three intervals and a skew, or two load balancers that answer for the VIP in the same seconds.",
    alternatives: [
      "lb.failover: one stops before the other begins",
      "two clusters that use the same VRID on one segment by mistake",
    ],
    confirm: [
      "`ip addr show` on both nodes: who holds the VIP",
      "does each receive the other's advertisements? `tcpdump -ni IF proto 112`",
      "a firewall or switch that drops multicast 224.0.0.18 explains it; so do different passwords or VRIDs",
    ],
    remedy: [
      "let protocol 112 through between the nodes, or use keepalived's `unicast_peer`",
      "take the VIP off one node by hand until that is mended",
      "choose another VRID where two clusters share a segment",
    ],
  },
  "lb.lost-state": {
    summary: "a load balancer forgot its open connections",
    means:
      "Established connections of one load balancer broke within a second, though they neither moved nor were silent before: the process restarted, a table was flushed, or a backend was taken out. New connections are fine.",
    found:
      "Packets in the middle of known flows are answered with a reset by the load balancer, reach a backend that never saw the flow and resets it, or vanish; all from one moment on, at one node.",
    alternatives: [
      "ecmp.rehash: the flows went on at another load balancer; look whether the node changed",
      "lb.idle-timeout: each flow was silent for the same time before",
      "lb.failover: another node took the VIP at that moment",
    ],
    confirm: [
      "what ran on the node at that moment: deploys, `conntrack -F`, restarts (`journalctl --since`)",
      "`conntrack -S` and `ipvsadm -lnc | wc -l` before and after",
    ],
    remedy: [
      "reload instead of restarting; drain before taking a backend out (`ipvsadm -e … -w 0`, HAProxy `set server … state drain`)",
      "keep `net.ipv4.vs.expire_nodest_conn` at 0 while draining",
      "use a consistent hash that needs no state, or synchronise the table",
    ],
  },
  "lb.rehash": {
    summary: "a stateless balancer moved open flows",
    means:
      "The set of backends changed and a balancer that only hashes gave established flows to other backends. These never saw them and reset them.",
    found:
      "The outer destination or the destination MAC of a flow changes in its middle at the balancer, and the new backend answers with a bare reset. The share that moved is compared with 1/n, which a consistent hash would move.",
    alternatives: [
      "ecmp.rehash: the flows moved before the balancer, to another one",
      "path.arp-conflict: frames to the VIP go straight to a backend",
    ],
    confirm: [
      "what changed in the backend set at that moment: weights, health checks, deploys",
      "`l4scope hash` shows what share a change moves with each hash",
    ],
    remedy: [
      "keep a connection table beside the hash, so that only new flows follow the new set",
      "use Maglev or a ring hash; size the Maglev table at a hundred times the backends or more",
      "stop health checks from flapping: they change the set",
    ],
  },
  "lb.aborting": {
    summary: "a proxy resets connections",
    means:
      "A terminating proxy ends connections with a reset. The other side of it often shows why: the backend refused or reset, or the proxy's own timer ran out.",
    found:
      "A reset that begins at the proxy: it appears on the client's leg without a cause on that leg, while the backend's leg shows a refusal, a reset, silence, or nothing at all.",
    alternatives: [
      "backend.aborting: the backend's reset comes first and the proxy passes it on",
      "path.injected-reset: the reset is not the proxy's; its TTL or timestamps differ",
    ],
    confirm: [
      "the proxy's log with its termination flags: HAProxy `tcplog` (SC, SD, sT, cD), Envoy `%RESPONSE_FLAGS%`",
      "see what the same connection's backend leg ends with: `l4scope trace … --flow CLIENT`",
    ],
    remedy: [
      "mend what the other side shows; raise the timeout where it is the proxy's own",
      "let the proxy close with FIN where clients must not see resets",
    ],
  },
  "lb.queueing": {
    summary: "connections wait inside the proxy",
    means:
      "The proxy accepts at once but opens the connection to the backend late, because the backend may not have more of them (maxconn) or the proxy is out of threads. Users wait although backends are fast.",
    found:
      "The time from the client's handshake or first data to the backend's SYN is long, the backend's own times are short, and no backend ever has more than a certain number of connections.",
    alternatives: [
      "backend.slow: the backend connection is opened at once, the answer takes long",
      "backend.overflow: the backend's SYNs are repeated",
    ],
    confirm: [
      "HAProxy: `show stat` columns qcur, qmax, qtime; `Tw` in the log",
      "compare the backends' highest number of connections with their maxconn",
    ],
    remedy: [
      "raise maxconn, or add backends",
      "set `timeout queue`, so that waiting has an end",
      "look for connections that hold their place idle: keep-alive to backends, long polls",
    ],
  },
  "lb.snat-exhaustion": {
    summary: "no source ports left towards a backend",
    means:
      "The load balancer opens backend connections from its own address, and all ports of it towards one backend are in use. New clients wait or time out while others go on.",
    found:
      "SYNs on the client's leg without one on the backend's leg, repeated after 1 and 3 seconds, while the distinct source ports in use towards one destination are near the range that was seen.",
    alternatives: [
      "backend.unreachable: the SYN does leave towards the backend",
      "path.loss: SYNs are lost at random, not from a moment on",
    ],
    confirm: [
      "`ss -tan state time-wait dst BACKEND | wc -l` and `sysctl net.ipv4.ip_local_port_range` on the balancer",
      "`conntrack -S` (insert_failed), nft counters, IPVS/DPVS `laddr` statistics",
    ],
    remedy: [
      "add source addresses (a larger SNAT pool), or backends (each gives the ports anew)",
      'widen the range: `sysctl net.ipv4.ip_local_port_range="1024 65535"`',
      "reuse connections to backends; `net.ipv4.tcp_tw_reuse=1` for a proxy",
    ],
  },
  "lb.port-reuse": {
    summary: "source ports are used again too soon",
    means:
      "A new connection gets the address and port of one that the backend still holds in TIME_WAIT. The backend answers with an ACK for the old one, it is reset, and the SYN is repeated a second later: connects of about one second.",
    found:
      "A SYN inside a 4-tuple with an earlier life, answered by an ACK that does not fit, a reset, and the SYN again; or, with IPVS before Linux 5.9, a reused port whose first SYN is dropped.",
    alternatives: [
      "lb.snat-exhaustion: no port is found at all",
      "backend.overflow: SYNs are ignored whatever their ports",
    ],
    confirm: [
      "connect times of almost exactly 1 s; `ss -tan state time-wait` on the backend",
      "`sysctl net.ipv4.vs.conn_reuse_mode net.ipv4.vs.expire_nodest_conn`",
    ],
    remedy: [
      "more source addresses or a wider port range on the balancer",
      "timestamps on both ends let a SYN replace TIME_WAIT at once: `sysctl net.ipv4.tcp_timestamps=1`",
      "for IPVS: Linux 5.9 or newer, or `net.ipv4.vs.conn_reuse_mode=0`",
    ],
  },
};
