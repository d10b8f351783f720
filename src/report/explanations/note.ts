import type { Explanation } from "./explanation.ts";

export const NOTE: Readonly<Record<string, Explanation>> = {
  "note.dsr": {
    summary: "replies go straight to the client, by design",
    means:
      "Direct server return: requests pass the load balancer, replies do not. Nothing is wrong; times and bytes of replies cannot be seen at the balancer.",
    found:
      "Requests are passed on with another destination MAC or in a tunnel, replies never pass, and acknowledgments advance.",
    alternatives: ["path.asymmetric: the mode is NAT, which needs the replies"],
    confirm: ["`ipvsadm -Ln`: Route or Tunnel as the forwarding method"],
    remedy: ["capture on a backend or at the clients' router as well, to see replies"],
  },
  "note.health-checks": {
    summary: "health checks were seen and left out",
    means:
      "Connections that a load balancer makes to see whether backends live. They are kept out of every count and finding.",
    found: "From few addresses to every backend, in a steady rhythm, with no payload or always the same.",
    alternatives: ["a monitoring system or a scanner in the same rhythm"],
    confirm: ["compare the interval with the balancer's configuration"],
    remedy: ["nothing; a check that fails is counted as evidence for its backend"],
  },
  "note.late-data": {
    summary: "data after the receiver had closed",
    means:
      "A host sent on after the other side had closed, and got a bare reset. Harmless where the answer was complete.",
    found: "A bare reset in answer to data that arrived after that side's FIN.",
    alternatives: ["client.aborting: the reset came before the close"],
    confirm: ["was the response complete? compare lengths at the application"],
    remedy: ["nothing, or let the sender stop at the FIN"],
  },
};
