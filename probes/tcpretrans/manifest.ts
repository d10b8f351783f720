import { connectionColumns, headDocument } from "../../src/probe/event-columns.ts";
import type { ProbeManifest } from "../../src/probe/manifest.ts";
import { flagsText } from "../../src/probe/tcp-flags.ts";
import { createDecoder, type TcpretransEvent } from "./decode.ts";

export const tcpretrans: ProbeManifest<TcpretransEvent> = {
  name: "tcpretrans",
  minKernel: "5.9",
  capabilities: ["CAP_BPF", "CAP_PERFMON"],
  slots: [
    {
      hears: "segments sent again",
      alternatives: [
        { program: "retransmit_with_error", kind: "tp_btf", target: "tcp_retransmit_skb", minArguments: 3 },
        { program: "retransmit", kind: "tp_btf", target: "tcp_retransmit_skb" },
      ],
    },
    {
      hears: "SYN-ACKs sent again",
      alternatives: [{ program: "retransmit_synack", kind: "tp_btf", target: "tcp_retransmit_synack" }],
    },
  ],
  createDecoder,
  columns: [
    ...connectionColumns<TcpretransEvent>().filter(({ title }) => title !== "PID" && title !== "COMM"),
    { title: "STATE", width: 12, cell: (event) => event.state ?? "-" },
    { title: "WHAT", width: 7, cell: (event) => event.what },
    { title: "FLAGS", width: 11, cell: (event) => flagsText(event.flags) },
    { title: "SEQ", width: 10, align: "right", cell: (event) => (event.seq === null ? "-" : String(event.seq)) },
    { title: "LEN", width: 6, align: "right", cell: (event) => String(event.length) },
    { title: "RTO", width: 3, align: "right", cell: (event) => String(event.timeouts) },
    { title: "CONG", width: 8, cell: (event) => event.congestion ?? "-" },
    { title: "NETNS", width: 10, cell: (event) => String(event.netns) },
    { title: "ERROR", width: 9, cell: (event) => event.error ?? "-" },
  ],
  document: (event) => ({
    ...headDocument(event),
    what: event.what,
    seq: event.seq,
    length: event.length,
    flags: flagsText(event.flags),
    congestion: event.congestion,
    timeouts: event.timeouts,
    error: event.error,
  }),
};
