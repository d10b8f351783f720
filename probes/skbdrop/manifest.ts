import { clockTime, epochText } from "../../src/probe/event-columns.ts";
import { HOST_ORDER } from "../../src/probe/event-head.ts";
import { kernelBtf } from "../../src/probe/kernel-btf.ts";
import { type KernelSymbols, kernelSymbols } from "../../src/probe/kernel-symbols.ts";
import type { ProbeManifest } from "../../src/probe/manifest.ts";
import { flagsText } from "../../src/probe/tcp-flags.ts";
import { addressText, endpointText } from "../../src/topology/address.ts";
import { createSkbdropDecoder, placeText, reasonText, type SkbdropEvent } from "./decode.ts";

/** Bytes of struct place and struct drops. */
const PLACE_BYTES = 16;
const DROPS_BYTES = 32;
const PROTOCOLS: ReadonlyMap<number, string> = new Map([
  [1, "icmp"],
  [4, "ipip"],
  [6, "tcp"],
  [17, "udp"],
  [47, "gre"],
  [58, "icmp6"],
  [112, "vrrp"],
  [132, "sctp"],
]);

export const skbdrop: ProbeManifest<SkbdropEvent> = {
  name: "skbdrop",
  minKernel: "5.8",
  capabilities: ["CAP_BPF", "CAP_PERFMON"],
  slots: [
    {
      hears: "packets dropped",
      alternatives: [
        { program: "dropped_for_reason", kind: "tp_btf", target: "kfree_skb", minArguments: 3 },
        {
          program: "dropped_without_reason",
          kind: "tp_btf",
          target: "kfree_skb",
          lacks: "this kernel gives no reason for the packets it drops; Linux 5.17 and later do",
        },
      ],
    },
  ],
  createDecoder: (context) => createSkbdropDecoder(context, symbolsOrNone),
  columns: [
    { title: "TIME", width: 12, cell: ({ timeNs }) => clockTime(timeNs) },
    { title: "PACKETS", width: 8, align: "right", cell: ({ packets }) => String(packets) },
    { title: "PROTO", width: 6, cell: protocolText },
    { title: "SADDR", width: 21, cell: (event) => (isIp(event) ? addressText(event.remote.address) : "-") },
    { title: "SPORT", width: 5, cell: ({ remote }) => (remote.port === 0 ? "-" : String(remote.port)) },
    { title: "DADDR", width: 21, cell: (event) => (isIp(event) ? addressText(event.local.address) : "-") },
    { title: "DPORT", width: 5, cell: ({ local }) => (local.port === 0 ? "-" : String(local.port)) },
    { title: "FLAGS", width: 8, cell: ({ flags }) => flagsText(flags) || "-" },
    { title: "NETNS", width: 10, cell: ({ netns }) => String(netns) },
    { title: "REASON", width: 22, cell: ({ reason }) => reason ?? "-" },
    { title: "PLACE", width: 24, cell: ({ place }) => place },
  ],
  document: (event) => ({
    time: epochText(event.timeNs),
    reason: event.reason,
    place: event.place,
    packets: event.packets,
    protocol: protocolText(event),
    src: isIp(event) ? endpointText(event.remote) : null,
    dst: isIp(event) ? endpointText(event.local) : null,
    flags: event.flags === 0 ? null : flagsText(event.flags),
    length: event.length,
    ifindex: event.ifindex,
    netns: event.netns,
  }),
  totals: (probe) => {
    const reasons = kernelBtf().enumNames("skb_drop_reason") ?? new Map<number, string>();
    const symbols = symbolsOrNone();
    const counts = new Map<string, { reason: string | null; place: string; packets: number }>();
    const map = probe.map("drops");
    map.readAll((keys, values, count) => {
      const key = new DataView(keys.buffer, keys.byteOffset, count * PLACE_BYTES);
      const value = new DataView(values.buffer, values.byteOffset, count * DROPS_BYTES * map.valuesPerKey);
      for (let i = 0; i < count; i++) {
        const reason = reasonText(key.getUint32(i * PLACE_BYTES + 8, HOST_ORDER), reasons);
        const place = placeText(key.getBigUint64(i * PLACE_BYTES, HOST_ORDER), symbols);
        const total = counts.get(`${reason} ${place}`) ?? { reason, place, packets: 0 };
        counts.set(`${reason} ${place}`, total);
        for (let cpu = 0; cpu < map.valuesPerKey; cpu++) {
          total.packets += Number(value.getBigUint64((i * map.valuesPerKey + cpu) * DROPS_BYTES, HOST_ORDER));
        }
      }
    });
    return [...counts.values()]
      .sort((a, b) => b.packets - a.packets)
      .map(({ reason, place, packets }) => ({
        sentence: `${packets} dropped in all: ${reason ?? "no reason given"} at ${place}`,
        document: { total: packets, reason, place },
      }));
  },
  untracked: "drops were not counted, of more reasons and places than the map has room for",
};

function isIp({ protocol }: SkbdropEvent): boolean {
  return protocol !== null;
}

function protocolText({ protocol, etherType }: SkbdropEvent): string {
  if (protocol === null) return etherType === 0x0806 ? "arp" : `0x${etherType.toString(16).padStart(4, "0")}`;
  return PROTOCOLS.get(protocol) ?? String(protocol);
}

let areHidden = false;

/** Places are told by their addresses where names may not be seen. */
function symbolsOrNone(): KernelSymbols | null {
  if (areHidden) return null;
  try {
    return kernelSymbols();
  } catch {
    areHidden = true;
    return null;
  }
}
