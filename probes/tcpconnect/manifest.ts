import { connectionColumns, headDocument } from "../../src/probe/event-columns.ts";
import type { ProbeManifest } from "../../src/probe/manifest.ts";
import { createDecoder, type TcpconnectEvent } from "./decode.ts";

const WITHOUT_CALLS =
  "this kernel lets no fexit program hear of connect() itself: calls that fail before a SYN (no route) are not seen";

export const tcpconnect: ProbeManifest<TcpconnectEvent> = {
  name: "tcpconnect",
  minKernel: "5.9",
  capabilities: ["CAP_BPF", "CAP_PERFMON"],
  slots: [
    {
      hears: "state changes",
      alternatives: [{ program: "state_changed", kind: "tp_btf", target: "inet_sock_set_state" }],
    },
    {
      hears: "failing calls, IPv4",
      alternatives: [{ program: "connect_done_v4", kind: "fexit", target: "tcp_v4_connect" }],
      without: WITHOUT_CALLS,
    },
    {
      hears: "failing calls, IPv6",
      alternatives: [{ program: "connect_done_v6", kind: "fexit", target: "tcp_v6_connect" }],
      without: WITHOUT_CALLS,
    },
  ],
  constants: (programs) => ({
    hears_calls: programs.has("connect_done_v4") && programs.has("connect_done_v6") ? 1 : 0,
  }),
  createDecoder,
  columns: [
    ...connectionColumns<TcpconnectEvent>(),
    { title: "LAT_MS", width: 9, align: "right", cell: (event) => (event.latencySeconds * 1e3).toFixed(3) },
    { title: "SYN_RE", width: 6, align: "right", cell: (event) => String(event.synRetransmits) },
    { title: "NETNS", width: 10, cell: (event) => String(event.netns) },
    { title: "OUTCOME", width: 11, cell: (event) => event.outcome },
    { title: "ERROR", width: 13, cell: (event) => event.error ?? "-" },
  ],
  document: (event) => ({
    ...headDocument(event),
    outcome: event.outcome,
    error: event.error,
    latency: event.latencySeconds,
    synRetransmits: event.synRetransmits,
  }),
  untracked: "connects were not followed, for more were under way than the map has room for",
};
