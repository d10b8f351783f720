import { UDP } from "../../decode/packet.ts";
import { connState } from "../../flow/conn-state.ts";
import { legOutcome } from "../../flow/leg-outcome.ts";
import { endpointText } from "../../path/endpoints.ts";
import { formatBytes, formatCount, formatNumberOf, formatSeconds } from "../format-quantity.ts";
import type { LegList } from "../leg-list.ts";
import { type Page, printable } from "../text/page.ts";
import { type Column, table } from "../text/table.ts";
import { firstByteOf, handshakeOf } from "./leg-sort.ts";

export interface FlowTableOptions {
  /** Time of the first packet of all, ns since the run's base. */
  start: number;
  /** Legs that matched, before the limit. */
  matched: number;
  /** Whether there is more than one observation point. */
  manyPoints: boolean;
}

/** Legs as a table with a line below that says of how many. */
export function flowTable(list: LegList, places: readonly number[], options: FlowTableOptions, page: Page): string {
  const { matched, manyPoints } = options;
  const all = formatNumberOf(list.count, "leg");
  if (list.count === 0) return "no TCP or UDP conversation in it";
  if (places.length === 0) return matched === 0 ? `no leg of ${formatCount(list.count)} matches` : `0 of ${all}`;
  const limited = places.length < matched ? `${formatCount(places.length)} of ${formatCount(matched)} matching, ` : "";
  const columns = columnsFor(list, options.start, page).filter(({ title }) => manyPoints || title !== "seen at");
  const footer = limited === "" ? `${formatCount(matched)} of ${all}` : `${limited}${all} in all`;
  return [...table(places, columns, page), page.paint.quiet(footer)].join("\n");
}

function columnsFor(list: LegList, start: number, page: Page): Column<number>[] {
  const leg = (place: number) => list.at(place).leg;
  const isBad = (place: number) => ["refused", "reset", "timeout"].includes(legOutcome(leg(place)));
  return [
    { title: "id", rank: 4, cell: (place) => list.at(place).id },
    { title: "start s", align: "right", cell: (place) => relative(leg(place).start, start) },
    { title: "client", cell: (place) => endpointText(leg(place).src, leg(place).srcPort) },
    { title: "called", cell: (place) => endpointText(leg(place).dst, leg(place).dstPort) },
    { title: "proto", rank: 8, cell: (place) => (leg(place).protocol === UDP ? "udp" : "tcp") },
    {
      title: "outcome",
      cell: (place) => legOutcome(leg(place)),
      paint: (place) => (isBad(place) ? page.paint.bad : null),
    },
    { title: "state", rank: 6, cell: (place) => connState(leg(place)) },
    { title: "up", align: "right", rank: 3, cell: (place) => formatBytes(leg(place).up.payloadBytes) },
    { title: "down", align: "right", rank: 3, cell: (place) => formatBytes(leg(place).down.payloadBytes) },
    {
      title: "lasts",
      align: "right",
      rank: 2,
      cell: (place) => formatSeconds((leg(place).end - leg(place).start) / 1e9),
    },
    { title: "connect", align: "right", rank: 5, cell: (place) => formatSeconds(handshakeOf(leg(place)) / 1e9) },
    { title: "first byte", align: "right", rank: 7, cell: (place) => formatSeconds(firstByteOf(leg(place)) / 1e9) },
    {
      title: "retrans",
      align: "right",
      rank: 4,
      cell: (place) => formatCount(leg(place).up.retransmits + leg(place).down.retransmits),
    },
    { title: "history", rank: 9, cell: (place) => leg(place).history },
    { title: "seen at", rank: 1, cell: (place) => printable(list.at(place).point) },
  ];
}

function relative(time: number, start: number): string {
  return Number.isFinite(time) ? ((time - start) / 1e9).toFixed(6) : "-";
}
