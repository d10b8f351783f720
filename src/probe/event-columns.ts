import { addressText, endpointText } from "../topology/address.ts";
import type { EventHead } from "./event-head.ts";
import type { EventColumn } from "./manifest.ts";

/** Wide enough for IPv4 and most of IPv6: a longer one pushes its line. */
const ADDRESS_WIDTH = 21;

/** When, who, and both ends: the columns that bcc's tools begin with. */
export function connectionColumns<Event extends EventHead>(): EventColumn<Event>[] {
  return [
    { title: "TIME", width: 12, cell: ({ timeNs }) => clockTime(timeNs) },
    { title: "PID", width: 7, cell: ({ pid }) => (pid === null ? "-" : String(pid)) },
    { title: "COMM", width: 15, cell: ({ comm }) => comm ?? "-" },
    { title: "LADDR", width: ADDRESS_WIDTH, cell: ({ local }) => addressText(local.address) },
    { title: "LPORT", width: 5, cell: ({ local }) => String(local.port) },
    { title: "RADDR", width: ADDRESS_WIDTH, cell: ({ remote }) => addressText(remote.address) },
    { title: "RPORT", width: 5, cell: ({ remote }) => String(remote.port) },
  ];
}

/** What every event's JSON begins with. */
export function headDocument(event: EventHead) {
  return {
    time: epochText(event.timeNs),
    local: endpointText(event.local),
    remote: endpointText(event.remote),
    netns: event.netns,
    pid: event.pid,
    comm: event.comm,
    state: event.state,
  };
}

/** Epoch seconds with nine decimals: a double cannot hold them. */
export function epochText(timeNs: bigint): string {
  const digits = timeNs.toString().padStart(10, "0");
  return `${digits.slice(0, -9)}.${digits.slice(-9)}`;
}

/** `13:04:59.123`, of the host's time zone. */
export function clockTime(timeNs: bigint): string {
  const ms = Number(timeNs / 1_000_000n);
  const at = new Date(ms);
  const two = (n: number) => String(n).padStart(2, "0");
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(ms % 1000).padStart(3, "0")}`;
}
