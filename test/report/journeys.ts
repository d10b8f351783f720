import type { TimedPacket } from "../../fixtures/packets/capture-file.ts";
import { inOrder } from "../../fixtures/packets/capture-file.ts";
import { type TcpConversation, tcpConversation } from "../../fixtures/packets/conversation.ts";
import type { Segment } from "../../fixtures/packets/leg.ts";
import { packet } from "../../fixtures/packets/packet.ts";
import { proxyV2 } from "../../fixtures/packets/proxy-header.ts";
import { clientHello } from "../../fixtures/packets/tls.ts";

export const CLIENT = "10.1.0.21:40821";
export const VIP = "192.0.2.10:443";
export const BACKEND = "10.3.0.12:8443";

const MAC = {
  client: "02:00:00:00:00:01",
  routerOut: "02:00:00:00:00:02",
  routerIn: "02:00:00:00:00:03",
  lb1: "02:00:00:00:01:01",
  lb1Back: "02:00:00:00:01:02",
  lb3: "02:00:00:00:03:01",
  backend: "02:00:00:00:09:12",
};

type Captures = Record<string, TimedPacket[]>;

/** Frames between two neighbours, both ways. */
function link(up: string, down: string) {
  return { up: { src: up, dst: down }, down: { src: down, dst: up } };
}

function tls(options: { rtt?: number } = {}): TcpConversation {
  return tcpConversation({
    client: CLIENT,
    server: VIP,
    rtt: 0.001,
    position: 0,
    clientTtl: 64,
    serverTtl: 62,
    ...options,
  })
    .handshake()
    .send("up", clientHello({ serverName: "shop.example" }))
    .send("down", 4000, { after: 0.004 });
}

/** Client, router, DNAT balancer with two arms, backend; a segment is lost before the backend and sent again. */
export function dnat(): Captures {
  const talk = tls()
    .send("up", 300, { ack: false })
    .retransmit("up")
    .ack("down")
    .silence(300)
    .keepalive("up")
    .send("up", 200)
    .fin("up");
  const lost = talk.leg().segments.find(({ payload }) => payload.length === 300)?.timeSeconds ?? 0;
  const c1 = talk.viaMacs({ delay: 0, ttl: 0, ...link(MAC.client, MAC.routerOut) });
  const lbIn = talk.viaMacs({ delay: 80e-6, ...link(MAC.routerIn, MAC.lb1) });
  const lbOut = talk.viaNat({ server: BACKEND, delay: 130e-6, ttl: -2, ...link(MAC.lb1Back, MAC.backend) });
  const arrives = ({ payload, timeSeconds }: Segment) => payload.length !== 300 || timeSeconds > lost + 0.1;
  const backend = lbOut.viaMacs({ delay: 60e-6, ttl: 0, ...link(MAC.lb1Back, MAC.backend) }).filter(arrives);
  return {
    "c1-eth0.pcap": c1.packets(),
    "lb1-eth0.pcap": lbIn.packets(),
    "lb1-eth1.pcap": lbOut.packets(),
    "rs2-eth0.pcap": backend.packets(),
  };
}

/** A full NAT seen by the balancer alone, with a burst of data large enough to be folded. */
export function fullNat(): Captures {
  const talk = tls().send("down", 60_000).fin("down");
  return {
    "lb1-eth0.pcap": talk.packets(),
    "lb1-eth1.pcap": talk
      .viaNat({ client: "10.2.0.2:1025", server: BACKEND, ...link(MAC.lb1Back, MAC.backend) })
      .packets(),
  };
}

/** A terminating proxy that names the client to the backend. */
export function proxy(): Captures {
  const request = "GET /cart?id=7 HTTP/1.1\r\nHost: shop.example\r\n\r\n";
  const response = `HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n${"x".repeat(900)}`;
  const front = tcpConversation({ client: CLIENT, server: VIP, rtt: 0.001, position: 0 })
    .handshake()
    .send("up", request)
    .send("down", response, { after: 0.02 })
    .fin("up");
  const back = tcpConversation({
    client: "10.2.0.2:51234",
    server: BACKEND,
    start: 0.0035,
    rtt: 0.0004,
    position: 0,
    serverTtl: 64,
  })
    .handshake()
    .send("up", proxyV2({ source: CLIENT, destination: VIP }))
    .send("up", request)
    .send("down", response, { after: 0.012 })
    .fin("up");
  return {
    "c1-eth0.pcap": front.packets(),
    "lb1-eth0.pcap": inOrder(
      front.viaMacs({ delay: 60e-6, ...link(MAC.routerIn, MAC.lb1) }).packets(),
      back.viaMacs({ delay: 0, ttl: 0, ...link(MAC.lb1, MAC.backend) }).packets(),
    ),
    "rs2-eth0.pcap": back.viaMacs({ delay: 40e-6, ttl: 0, ...link(MAC.lb1, MAC.backend) }).packets(),
  };
}

/** Layer-2 direct return: the balancer rewrites the MAC on its one arm, answers pass it by. */
export function directReturn(): Captures {
  const talk = tls().fin("up");
  const routed = talk.viaMacs({ delay: 50e-6, ...link(MAC.routerIn, MAC.lb1) });
  const arrives = talk.viaMacs({ delay: 70e-6, only: "up", ...link(MAC.routerIn, MAC.lb1) });
  const leaves = talk.viaMacs({ delay: 90e-6, only: "up", ...link(MAC.lb1, MAC.backend) });
  const received = talk.viaMacs({ delay: 140e-6, ...link(MAC.lb1, MAC.backend) });
  const answered = { src: MAC.backend, dst: MAC.routerIn };
  const downOnly = (leg: typeof routed) => leg.filter(({ direction }) => direction === "down");
  const upOnly = (leg: typeof routed) => leg.filter(({ direction }) => direction === "up");
  const answersAt = (delay: number) =>
    downOnly(talk.viaMacs({ delay, ttl: -2, up: { src: MAC.lb1, dst: MAC.backend }, down: answered }));
  return {
    "r-eth1.pcap": inOrder(upOnly(routed).packets(), answersAt(50e-6).packets()),
    "lb1-eth0.pcap": inOrder(arrives.packets(), leaves.packets()),
    "rs2-eth0.pcap": inOrder(upOnly(received).packets(), answersAt(140e-6).packets()),
  };
}

/** IPIP to the backend, direct return from it. */
export function tunnel(): Captures {
  const talk = tls().fin("up");
  const outer = packet().ipv4({ src: "10.2.0.2", dst: "10.2.0.12" });
  const into = { outer, delay: 90e-6, ...link(MAC.lb1, MAC.backend) };
  const there = { ...into, delay: 130e-6 };
  const answers = talk.viaMacs({
    delay: 130e-6,
    ttl: -2,
    up: { src: MAC.lb1, dst: MAC.backend },
    down: { src: MAC.backend, dst: MAC.routerIn },
  });
  const routed = talk.viaMacs({ delay: 50e-6, ...link(MAC.routerIn, MAC.lb1) });
  const isDown = ({ direction }: { direction: string }) => direction === "down";
  return {
    "r-eth1.pcap": routed.packets(),
    "lb1-eth0.pcap": inOrder(
      talk.viaMacs({ delay: 70e-6, only: "up", ...link(MAC.routerIn, MAC.lb1) }).packets(),
      talk.viaTunnel(into).packets(),
    ),
    "rs2-eth0.pcap": inOrder(talk.viaTunnel(there).packets(), answers.filter(isDown).packets()),
  };
}

/** ECMP sends a connection of lb1 on to lb3, which does not know it. */
export function moved(): Captures {
  const talk = tls().silence(1);
  const before = talk.end;
  talk.send("up", 200, { ack: false }).rst("down", "no-socket", { ttl: 63 });
  const isLater = ({ timeSeconds }: { timeSeconds: number }) => timeSeconds > before + 0.5;
  const isEarlier = (segment: { timeSeconds: number }) => !isLater(segment);
  // behind the router; the reset is lb3's own, and has lost nothing of its TTL there
  const toLb1 = { delay: 0, ttl: -1, ...link(MAC.routerIn, MAC.lb1) };
  const toLb3 = { delay: 0, ttl: -1, ...link(MAC.routerIn, MAC.lb3) };
  const behind = talk
    .viaNat({ server: BACKEND, delay: 70e-6, ttl: -2, ...link(MAC.lb1Back, MAC.backend) })
    .filter(isEarlier);
  // somebody else, so that the captures of lb1 and its backend go on to the end
  const other = tcpConversation({ client: "10.1.0.22:50001", server: VIP, start: 2, serverTtl: 62 })
    .handshake()
    .fin("up");
  const otherBehind = other.viaNat({ server: BACKEND, delay: 70e-6, ttl: -2, ...link(MAC.lb1Back, MAC.backend) });
  return {
    "r-eth1.pcap": inOrder(
      talk.viaMacs(toLb1).filter(isEarlier).packets(),
      talk.viaMacs(toLb3).filter(isLater).packets(),
      other.viaMacs(toLb1).packets(),
    ),
    "lb1-eth0.pcap": inOrder(
      talk
        .viaMacs({ ...toLb1, delay: 40e-6 })
        .filter(isEarlier)
        .packets(),
      other.viaMacs({ ...toLb1, delay: 40e-6 }).packets(),
    ),
    "lb1-eth1.pcap": inOrder(behind.packets(), otherBehind.packets()),
    "lb3-eth0.pcap": talk
      .viaMacs({ ...toLb3, delay: 40e-6 })
      .filter(isLater)
      .packets(),
    "rs2-eth0.pcap": inOrder(
      ...[behind, otherBehind].map((leg) =>
        leg.viaMacs({ delay: 30e-6, ttl: 0, ...link(MAC.lb1Back, MAC.backend) }).packets(),
      ),
    ),
  };
}
