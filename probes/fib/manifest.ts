import { clockTime, epochText } from "../../src/probe/event-columns.ts";
import type { ProbeManifest } from "../../src/probe/manifest.ts";
import { NamespaceNames } from "../../src/probe/namespace-names.ts";
import { addressText, endpointText } from "../../src/topology/address.ts";
import { createFibDecoder, type FibEvent, type NextHop } from "./decode.ts";

const PROTOCOLS: ReadonlyMap<number, string> = new Map([
  [1, "icmp"],
  [6, "tcp"],
  [17, "udp"],
  [58, "icmp6"],
]);

export const fib: ProbeManifest<FibEvent> = {
  name: "fib",
  minKernel: "5.8",
  capabilities: ["CAP_BPF", "CAP_PERFMON"],
  slots: [
    {
      hears: "packets that leave",
      alternatives: [{ program: "leaves", kind: "tp_btf", target: "net_dev_queue" }],
    },
  ],
  createDecoder: (context) => createFibDecoder(context, new NamespaceNames()),
  columns: [
    { title: "TIME", width: 12, cell: ({ timeNs }) => clockTime(timeNs) },
    { title: "PROTO", width: 5, cell: ({ protocol }) => protocolText(protocol) },
    { title: "SADDR", width: 21, cell: ({ remote }) => addressText(remote.address) },
    { title: "SPORT", width: 5, cell: ({ remote }) => String(remote.port) },
    { title: "DADDR", width: 21, cell: ({ local }) => addressText(local.address) },
    { title: "DPORT", width: 5, cell: ({ local }) => String(local.port) },
    { title: "IN", width: 8, cell: ({ from }) => from ?? "-" },
    { title: "OUT", width: 8, cell: ({ hop }) => hop.interface },
    { title: "NEXTHOP", width: 21, cell: ({ hop }) => hopText(hop) },
    { title: "BEFORE", width: 21, cell: ({ before }) => (before === null ? "-" : hopText(before)) },
    { title: "PACKETS", width: 7, align: "right", cell: ({ packetsBefore }) => String(packetsBefore) },
  ],
  document: (event) => ({
    time: epochText(event.timeNs),
    change: event.change,
    protocol: protocolText(event.protocol),
    src: endpointText(event.remote),
    dst: endpointText(event.local),
    netns: event.netns,
    from: event.from,
    hop: event.hop,
    before: event.before,
    packetsBefore: event.packetsBefore,
  }),
  untracked: "packets could not be followed, for the map had no room",
};

function protocolText(protocol: number): string {
  return PROTOCOLS.get(protocol) ?? String(protocol);
}

function hopText({ interface: name, mac, address }: NextHop): string {
  return address ?? mac ?? name;
}
