import { type TcpConversation, tcpConversation } from "../../fixtures/packets/conversation.ts";
import type { Seen } from "./examine.ts";

/** The addresses that the balancers' tests share. */
export const VIP = "192.0.2.10:443";
export const backend = (index: number): string => `10.3.0.${11 + (index % 3)}:8443`;
export const client = (index: number): string => `10.1.0.${1 + (index % 20)}:${40001 + index}`;

/** One client's connection through a DNAT balancer, captured on both of its sides; `where: "near"` does not pass it. */
export function throughNat(index: number, start: number, script: (conversation: TcpConversation) => void): Seen {
  const conversation = tcpConversation({ client: client(index), server: VIP, start });
  script(conversation);
  return {
    "lb1:eth0": conversation.packets(),
    "lb1:eth1": conversation.viaNat({ server: backend(index), delay: 50e-6 }).packets(),
  };
}

/** One client's connection that a proxy terminates, and the one that it opens `wait` seconds later. */
export function throughProxy(
  index: number,
  start: number,
  script: (front: TcpConversation, back: TcpConversation) => void,
  { wait = 0.0005, to = backend(index) }: { wait?: number; to?: string } = {},
): Seen {
  const front = tcpConversation({ client: client(index), server: VIP, start, rtt: 0.0002 });
  const back = tcpConversation({ client: `10.3.0.1:${50001 + index}`, server: to, start: start + wait, rtt: 0.0002 });
  script(front, back);
  return { "lb1:eth0": front.packets(), "lb1:eth1": back.packets() };
}

/** A request that no other connection sends, so that a proxy's two sides can be told to belong together. */
export const request = (index: number): string => `GET /${index}/${"x".repeat(40)}${index * 7919} HTTP/1.1\r\n\r\n`;
export const answer = (index: number): string => `HTTP/1.1 200 OK\r\nx: ${index * 104729}${"y".repeat(40)}\r\n\r\n`;
