import { connectionColumns, headDocument } from "../../src/probe/event-columns.ts";
import type { KernelFacts, ProbeManifest } from "../../src/probe/manifest.ts";
import { flagsText } from "../../src/probe/tcp-flags.ts";
import { createDecoder, type TcprstEvent } from "./decode.ts";

/** From Linux 6.10 on the tracepoint tells of every reset, and why. */
const tellsAll = (kernel: KernelFacts): boolean => (kernel.tracepointArguments("tcp_send_reset") ?? 0) >= 3;
const WITHOUT_FUNCTION =
  "this kernel shows no resets sent without a socket (refused, no-state): neither fentry nor kprobe attaches to tcp_v4_send_reset";

export const tcprst: ProbeManifest<TcprstEvent> = {
  name: "tcprst",
  minKernel: "5.9",
  capabilities: ["CAP_BPF", "CAP_PERFMON"],
  slots: [
    {
      hears: "resets sent",
      alternatives: [
        { program: "sent_with_reason", kind: "tp_btf", target: "tcp_send_reset", minArguments: 3 },
        {
          program: "sent",
          kind: "tp_btf",
          target: "tcp_send_reset",
          lacks: "this kernel gives no reason for the resets it sends; Linux 6.10 and later do",
        },
      ],
    },
    {
      hears: "resets received",
      alternatives: [{ program: "received", kind: "tp_btf", target: "tcp_receive_reset" }],
    },
    {
      hears: "resets sent without a socket, IPv4",
      isNeedless: tellsAll,
      alternatives: [
        { program: "fentry_v4_send_reset", kind: "fentry", target: "tcp_v4_send_reset" },
        { program: "kprobe_v4_send_reset", kind: "kprobe", target: "tcp_v4_send_reset" },
      ],
      without: WITHOUT_FUNCTION,
    },
    {
      hears: "resets sent without a socket, IPv6",
      isNeedless: tellsAll,
      alternatives: [
        { program: "fentry_v6_send_reset", kind: "fentry", target: "tcp_v6_send_reset" },
        { program: "kprobe_v6_send_reset", kind: "kprobe", target: "tcp_v6_send_reset" },
      ],
      without: WITHOUT_FUNCTION,
    },
  ],
  createDecoder,
  columns: [
    ...connectionColumns<TcprstEvent>(),
    { title: "DIR", width: 8, cell: (event) => event.direction },
    { title: "STATE", width: 12, cell: (event) => event.state ?? "-" },
    { title: "ANSWERS", width: 11, cell: ({ answered }) => (answered === null ? "-" : flagsText(answered.flags)) },
    {
      title: "BACKLOG",
      width: 9,
      cell: ({ backlog }) => (backlog === null ? "-" : `${backlog.length}/${backlog.limit}`),
    },
    { title: "NETNS", width: 10, cell: (event) => String(event.netns) },
    { title: "CAUSE", width: 9, cell: (event) => event.cause ?? "-" },
    { title: "REASON", width: 24, cell: (event) => event.reason ?? "-" },
  ],
  document: (event) => ({
    ...headDocument(event),
    direction: event.direction,
    reason: event.reason,
    cause: event.cause,
    answered: event.answered === null ? null : { ...event.answered, flags: flagsText(event.answered.flags) },
    backlog: event.backlog,
  }),
};
