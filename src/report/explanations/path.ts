import type { Explanation } from "./explanation.ts";

export const PATH: Readonly<Record<string, Explanation>> = {
  "path.injected-reset": {
    summary: "a box on the way forges resets",
    means:
      "Resets that neither end sent: a firewall, an intrusion prevention system or a filter on the path writes them in one end's name.",
    found:
      "Two independent clues at least: data of the same sender beyond the reset's sequence number, a TTL or IP ID that does not fit that sender in this flow, missing TCP timestamps, or the reset absent at the point nearer to its pretended sender.",
    alternatives: [
      "client.aborting, backend.aborting: the reset fits its sender in every respect",
      "ECMP on the return path moves TTLs by one or two: alone, that is no clue",
    ],
    confirm: [
      "capture as near as possible to the pretended sender: is the reset there?",
      "`l4scope probe tcprst` on that host: the kernel never sent it",
      "find the box by TTL: how many hops from the point is its sender?",
    ],
    remedy: [
      "ask whoever runs the firewall or IPS for its log of these flows",
      "until then, route around it or exempt the VIP",
    ],
  },
  "path.asymmetric": {
    summary: "answers take another way than requests",
    means:
      "Replies pass other boxes than the requests, in a mode that needs both on one way: NAT is not undone, or a stateful firewall drops half a connection. Working asymmetry is a risk; half-open handshakes are the damage.",
    found:
      "Only one direction at a point that should see both, while acknowledgments advance; the SYN-ACK's pair of MACs is not the SYN's reversed; or SYN-ACKs repeated although the client's ACK went out.",
    alternatives: [
      "note.dsr: direct return by design, where replies never pass the balancer",
      "capture.one-sided: the capture lost or filtered one direction",
    ],
    confirm: [
      "`ip route get CLIENT from BACKEND` on the backend and on each router",
      "`conntrack -S` (invalid) on stateful boxes; `sysctl net.ipv4.conf.all.rp_filter`",
    ],
    remedy: [
      "let the backend's default route, or a policy route for the VIP's traffic, lead back through the balancer",
      "or use full NAT, so that replies must come back",
    ],
  },
  "path.direct-reply": {
    summary: "backends answer clients from their own address",
    means:
      "Clients receive answers from an address that they never called, and reset them. The backend's route goes around a NAT balancer, or its reply was not translated back.",
    found:
      "A SYN-ACK or data to a client from a backend's address, with ports and acknowledgment of a connection that the client opened to the VIP; the client answers with a reset.",
    alternatives: [
      "note.dsr: replies carry the VIP as their source",
      "path.asymmetric: the reply is right, its way is not",
    ],
    confirm: [
      "`ip route get CLIENT` on the backend: does it lead to the balancer?",
      "`sysctl net.netfilter.nf_conntrack_tcp_be_liberal` and `conntrack -S` (invalid) on the balancer",
    ],
    remedy: [
      "make the balancer the backends' gateway for clients, or masquerade (full NAT)",
      "drop INVALID packets instead of forwarding them: `nft add rule … ct state invalid drop`",
    ],
  },
  "path.arp-conflict": {
    summary: "several hosts answer ARP for the VIP",
    means:
      "A backend (or a second balancer) answers ARP for the VIP beside the balancer. Clients or routers learn its MAC and send straight to it: load goes to one backend, connections break when the entry changes.",
    found:
      "ARP replies for the VIP with two MACs, frames to the VIP sent to a backend's MAC without passing the balancer, or a change of the VIP's MAC without a VRRP transition.",
    alternatives: ["lb.failover: the MAC changes once, with VRRP", "lb.split-brain: both MACs are balancers'"],
    confirm: [
      "`arping -D -I IF VIP` from the segment: more than one answer?",
      "on real servers: `sysctl net.ipv4.conf.all.arp_ignore net.ipv4.conf.all.arp_announce`",
    ],
    remedy: [
      "`arp_ignore=1` and `arp_announce=2` on every real server, the VIP on lo or a dummy interface",
      "clear the router's entry afterwards: `ip neigh del VIP dev IF`",
    ],
  },
  "path.mtu-blackhole": {
    summary: "large packets vanish",
    means:
      "Small packets pass, those above a size do not, and the ICMP message that would say so is lost or ignored. Handshakes and small requests work; uploads or large answers hang.",
    found:
      "Segments above a size are repeated and never acknowledged while smaller ones are. The difference to 1500 names the tunnel (IPIP 20, GRE 24, GUE 28 and more, VXLAN 50).",
    alternatives: [
      "path.loss: small segments are lost too",
      "path.icmp-missteered: the message exists but reaches the wrong host",
    ],
    confirm: [
      "`ping -M do -s SIZE` across the tunnel, with sizes around the reported one",
      "is the MSS in SYNs lowered by the tunnel's overhead? the finding says",
    ],
    remedy: [
      "clamp: `nft … tcp flags syn tcp option maxseg size set rt mtu`, or a smaller MTU or advmss on the backends' route",
      "raise the MTU between balancer and backends by the overhead",
      "let ICMP type 3 code 4 and ICMPv6 type 2 through",
    ],
  },
  "path.icmp-missteered": {
    summary: "too-big messages reach the wrong member",
    means:
      "An ICMP message about a flow was hashed by its own addresses and went to a member that does not have the flow. Path MTU discovery never works for it.",
    found: "An ICMP too-big at one member that quotes a flow which lives on another (RFC 7690).",
    alternatives: ["path.mtu-blackhole: no message at all", "ecmp.rehash: the flow itself had moved"],
    confirm: ["`nstat IcmpInDestUnreachs` on the members; compare who has the quoted flow"],
    remedy: [
      "hash ICMP errors by the packet that they quote: `sysctl net.ipv4.fib_multipath_hash_policy=1` does for layer 4 on current kernels; switches differ",
      "send the message to all members (pmtud), or clamp the MSS",
    ],
  },
  "path.icmp-unreachable": {
    summary: "a router says that a flow cannot pass",
    means: "A router or host answered with ICMP unreachable or prohibited for flows of users: they fail at once.",
    found: "ICMP errors of type 3 (or ICMPv6 type 1) that quote a flow, by their code and sender.",
    alternatives: ["backend.refusing: port unreachable for UDP comes from the backend itself"],
    confirm: [
      "who is the sender? `ip route get` and firewall rules there; `admin prohibited` is a rule, `host unreachable` is ARP or a route",
    ],
    remedy: ["mend the route or the rule on the box that sent it", "take the backend out while it cannot be reached"],
  },
  "path.loss": {
    summary: "packets are lost on one part of the way",
    means:
      "One backend's, member's or leg's connections repeat far more segments than the others: a bad link, queue or port.",
    found:
      "Retransmission rates per backend, member and leg, compared with the rest by an exact test; the p-value is given.",
    alternatives: [
      "capture.loss: the capture missed packets; acknowledgments of data that was never seen tell",
      "path.mtu-blackhole: only large segments are hit",
    ],
    confirm: [
      "`ethtool -S IF | grep -iE 'err|drop|discard'` and `ip -s link` along the way; `tc -s qdisc`",
      "`mtr -T -P PORT` in both directions",
    ],
    remedy: ["replace cable, optics or port; look for a shaper or a full queue", "take the member out until then"],
  },
  "path.spray": {
    summary: "packets of one flow alternate between members",
    means:
      "Packets of the same flow go to different load balancers within a round trip. Members without shared state answer with resets; with it, packets overtake each other.",
    found: "The member changes again and again inside single flows.",
    alternatives: ["ecmp.rehash: each flow moves once", "several copies of a capture under different names"],
    confirm: ["the routers' hash: per packet, or with fields that change (flow label, fragments)?"],
    remedy: [
      "hash per flow: `sysctl net.ipv4.fib_multipath_hash_policy=1`, `per-flow` on routers",
      "keep flow labels constant or out of the hash",
    ],
  },
};
