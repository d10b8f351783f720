/** States of TCP sockets as the kernel numbers them, from 1 (include/net/tcp_states.h), in the words of ss. */
export const TCP_STATES = [
  "ESTABLISHED",
  "SYN_SENT",
  "SYN_RECV",
  "FIN_WAIT1",
  "FIN_WAIT2",
  "TIME_WAIT",
  "CLOSE",
  "CLOSE_WAIT",
  "LAST_ACK",
  "LISTEN",
  "CLOSING",
  "NEW_SYN_RECV",
] as const;

export type SocketState = (typeof TCP_STATES)[number];

/** The state of a number; undefined where the kernel has none such. */
export function tcpStateOf(number: number): SocketState | undefined {
  return TCP_STATES[number - 1];
}
