import type { EndpointWords } from "../topology/address.ts";
import { parseHostOrderAddress } from "./addresses-in-hex.ts";
import type { Host } from "./host.ts";
import { type SocketState, tcpStateOf } from "./tcp-states.ts";

/** One socket of this network namespace. */
export interface Socket {
  local: EndpointWords;
  remote: EndpointWords;
  state: SocketState;
  /** Of a listener: connections that wait to be accepted; else bytes not read. */
  receiveQueue: number;
}

/** /proc/net/{tcp,tcp6,udp,udp6}, socket by socket; nothing where the file is absent. */
export function* readSockets(host: Host, name: "tcp" | "tcp6" | "udp" | "udp6"): Generator<Socket> {
  yield* parseSockets(host.readText(`/proc/net/${name}`) ?? "");
}

/** `   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 …` (net/ipv4/tcp_ipv4.c, tcp4_seq_show). */
export function* parseSockets(text: string): Generator<Socket> {
  for (const line of text.split("\n")) {
    const [, local = "", remote = "", state = "", queues = ""] = line.trim().split(/\s+/);
    const from = endpointOf(local);
    const to = endpointOf(remote);
    const word = tcpStateOf(Number.parseInt(state, 16));
    if (from === null || to === null || word === undefined) continue;
    yield { local: from, remote: to, state: word, receiveQueue: Number.parseInt(queues.split(":")[1] ?? "", 16) || 0 };
  }
}

function endpointOf(text: string): EndpointWords | null {
  const [hex = "", port = ""] = text.split(":");
  const address = parseHostOrderAddress(hex);
  return address === null || port.length !== 4 ? null : { address, port: Number.parseInt(port, 16) };
}
