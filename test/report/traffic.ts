import { at, inOrder, type TimedPacket } from "../../fixtures/packets/capture-file.ts";
import { type TcpConversation, tcpConversation } from "../../fixtures/packets/conversation.ts";
import { packet } from "../../fixtures/packets/packet.ts";

export const VIP = "192.0.2.10:443";
const BACKENDS = ["10.2.0.11:8443", "10.2.0.12:8443"];

/** A request and its answer, closed by the client. */
export function exchange(client: string, server: string, start: number): TcpConversation {
  return tcpConversation({ client, server, start, rtt: 0.002 })
    .handshake()
    .send("up", 300)
    .send("down", 4000, { after: 0.004 })
    .fin("up");
}

/** A conversation of each fate, a tenth of a second apart. */
export function fates(): Record<string, TcpConversation> {
  const begin = (last: number, start: number) =>
    tcpConversation({ client: `10.1.0.${last}:4000${last}`, server: VIP, start, rtt: 0.002 });
  return {
    ok: exchange("10.1.0.1:40001", VIP, 0),
    again: exchange("10.1.0.2:40002", VIP, 0.1),
    refused: begin(3, 0.2).syn().rst("down", "refused"),
    noSocket: begin(4, 0.3).handshake().send("up", 200, { ack: false }).rst("down", "no-socket"),
    serverAborts: begin(5, 0.4).handshake().send("up", 200).rst("down", "abort"),
    clientAborts: begin(6, 0.5).handshake().send("down", 2000).rst("up", "abort"),
    lateData: begin(7, 0.6)
      .handshake()
      .send("up", 100)
      .fin("up", { half: true })
      .send("down", 500, { ack: false })
      .rst("up", "no-socket"),
    unanswered: begin(8, 0.7).syn({ retries: [1, 3] }),
    lossy: begin(9, 0.8).handshake().send("up", 100, { ack: false }).retransmit("up").ack("down").fin("up"),
  };
}

/** A DNS question and its answer. */
export function lookup(client: string, start: number): TimedPacket[] {
  const [address = "", port = "0"] = client.split(":");
  const up = packet()
    .ethernet()
    .ipv4({ src: address, dst: "192.0.2.53" })
    .udp({ src: Number(port), dst: 53 });
  const down = packet()
    .ethernet()
    .ipv4({ src: "192.0.2.53", dst: address })
    .udp({ src: 53, dst: Number(port) });
  return [at(start, up.payload("question")), at(start + 0.003, down.payload("an answer"))];
}

/** Both arms of a DNAT balancer that has all fates, and some DNS on the client's side. */
export function bothArms(): Record<string, TimedPacket[]> {
  const conversations = Object.values(fates());
  return {
    "lb1-eth0.pcap": inOrder(
      ...conversations.map((one) => one.packets()),
      lookup("10.1.0.1:5301", 0.05),
      lookup("10.1.0.2:5302", 0.15),
    ),
    "lb1-eth1.pcap": inOrder(
      ...conversations.map((one, index) => one.viaNat({ server: BACKENDS[index % BACKENDS.length] ?? "" }).packets()),
    ),
  };
}

/** Both arms of a DNAT balancer with two backends in turn, the second of which refuses. */
export function refusingBackend(): Record<"lb1-eth0.pcap" | "lb1-eth1.pcap", TimedPacket[]> {
  const calls = Array.from({ length: 20 }, (_, i) => {
    const client = `10.1.0.${1 + (i % 5)}:${41001 + i}`;
    const server = BACKENDS[i % BACKENDS.length] ?? "";
    const start = i / 10;
    const call =
      i % 2 === 0
        ? exchange(client, VIP, start)
        : tcpConversation({ client, server: VIP, start, rtt: 0.002 }).syn().rst("down", "refused");
    return { call, server };
  });
  return {
    "lb1-eth0.pcap": inOrder(...calls.map(({ call }) => call.packets())),
    "lb1-eth1.pcap": inOrder(...calls.map(({ call, server }) => call.viaNat({ server }).packets())),
  };
}
