import { connectionColumns, headDocument } from "../../src/probe/event-columns.ts";
import type { ProbeManifest } from "../../src/probe/manifest.ts";
import { createDecoder, type TcplifeEvent } from "./decode.ts";

export const tcplife: ProbeManifest<TcplifeEvent> = {
  name: "tcplife",
  minKernel: "5.9", // bpf_skc_to_tcp_sock; ring buffers are of 5.8
  capabilities: ["CAP_BPF", "CAP_PERFMON"],
  slots: [
    {
      hears: "state changes",
      alternatives: [{ program: "state_changed", kind: "tp_btf", target: "inet_sock_set_state" }],
    },
  ],
  createDecoder,
  columns: [
    ...connectionColumns<TcplifeEvent>(),
    { title: "TX_KB", width: 8, align: "right", cell: (event) => (event.sentBytes / 1024).toFixed(2) },
    { title: "RX_KB", width: 8, align: "right", cell: (event) => (event.receivedBytes / 1024).toFixed(2) },
    { title: "MS", width: 9, align: "right", cell: (event) => (event.durationSeconds * 1e3).toFixed(2) },
    { title: "ROLE", width: 7, cell: (event) => event.role },
    { title: "NETNS", width: 10, cell: (event) => String(event.netns) },
    { title: "ENDED", width: 14, cell: (event) => event.ended },
  ],
  document: (event) => ({
    ...headDocument(event),
    role: event.role,
    duration: event.durationSeconds,
    handshake: event.handshakeSeconds,
    bytes: { sent: event.sentBytes, received: event.receivedBytes },
    retransmits: event.retransmits,
    smoothedRtt: event.smoothedRttSeconds,
    ended: event.ended,
    errno: event.errno,
  }),
  untracked: "connections that began before the probe, or beyond the map's room, ended untold",
};
