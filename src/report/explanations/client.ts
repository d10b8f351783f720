import type { Explanation } from "./explanation.ts";

export const CLIENT: Readonly<Record<string, Explanation>> = {
  "client.aborting": {
    summary: "clients reset their own connections",
    means:
      "Clients end connections with a reset in the middle of a transfer instead of closing them. The load balancer and the backends only pass it on. Users may see failed requests; often nobody does, because the client had given up on purpose.",
    found:
      "A reset with ACK, in sequence, sent by the client's side before the answer was complete: an abort by a process that holds the socket (SO_LINGER 0, or closed with unread data). A reset after a complete response and FIN does not count.",
    alternatives: [
      "path.injected-reset: the reset only pretends to come from the client; its TTL, IP ID or timestamps differ from the client's own packets, or data follows it",
      "backend.slow: clients with a timeout give up on slow answers; look at the time between request and reset",
      "path.direct-reply: clients reset answers that come from an address they never called",
    ],
    confirm: [
      "compare the time from request to reset over the aborted connections: one value (5 s, 30 s) is a client's timeout",
      "see whether the clients share a version, a network or a proxy in front of them",
      "on a client: `l4scope probe tcprst`, or strace for close() and SO_LINGER",
    ],
    remedy: [
      "where it is a timeout, mend what is slow or raise the client's timeout",
      "where clients close without reading the whole answer, let them drain it, or accept the noise and leave it out with --ignore",
    ],
  },
};
