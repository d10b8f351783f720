import type { ConnectionDocument } from "../analysis-contract.ts";
import { formatBytes, formatCount, formatNumberOf, formatSeconds } from "../format-quantity.ts";
import { type Page, printable } from "../text/page.ts";
import { type Column, table } from "../text/table.ts";

/** A connection as a line of the table shows it, whether a capture or a store tells of it. */
export interface ConnectionLine
  extends Pick<
    ConnectionDocument,
    "id" | "client" | "vip" | "backend" | "protocol" | "mode" | "outcome" | "healthCheck" | "reset"
  > {
  /** As the column shows it, see `startTitle`. */
  start: string;
  bytes: ConnectionDocument["bytes"];
  /** Seconds; NaN where it was not seen. */
  lasts: number;
  connect: number;
  firstByte: number;
  retransmits: number;
  /** Nodes that saw it, client-most first. */
  path: readonly string[];
}

export interface ConnectionTableOptions {
  /** How many matched, before the limit, and how many there are. */
  matched: number;
  total: number;
  /** Header of the starts: in captures seconds since the first packet. */
  startTitle: string;
}

/** Connections as a table with a line below that says of how many. */
export function connectionTable(
  lines: readonly ConnectionLine[],
  { matched, total, startTitle }: ConnectionTableOptions,
  page: Page,
): string {
  const all = formatNumberOf(total, "connection");
  if (total === 0) return "no TCP or UDP conversation in it";
  if (lines.length === 0) {
    return matched === 0 ? `no connection of ${formatCount(total)} matches` : `0 of ${all}`;
  }
  const limited = lines.length < matched ? `${formatCount(lines.length)} of ` : "";
  const footer =
    limited === "" ? `${formatCount(matched)} of ${all}` : `${limited}${formatCount(matched)} matching, ${all} in all`;
  return [...table(lines, columnsFor(startTitle, page), page), page.paint.quiet(footer)].join("\n");
}

function columnsFor(startTitle: string, page: Page): Column<ConnectionLine>[] {
  // a health check may end as it likes
  const isBad = (one: ConnectionLine) => !one.healthCheck && ["refused", "reset", "timeout"].includes(one.outcome);
  return [
    { title: "id", rank: 2, cell: ({ id }) => id },
    { title: startTitle, align: "right", rank: 3, cell: ({ start }) => start },
    { title: "client", cell: ({ client }) => client },
    { title: "VIP", rank: 1, cell: ({ vip }) => vip },
    { title: "backend", cell: ({ backend }) => backend ?? "?" },
    { title: "proto", rank: 11, cell: ({ protocol }) => protocol },
    { title: "mode", rank: 6, cell: ({ mode }) => mode ?? "-" },
    {
      title: "outcome",
      cell: ({ healthCheck, outcome }) => (healthCheck ? `${outcome} (check)` : outcome),
      paint: (one) => (isBad(one) ? page.paint.bad : null),
    },
    { title: "reset by", rank: 4, cell: ({ reset }) => (reset === null ? "-" : `${reset.by}: ${reset.cause}`) },
    { title: "up", align: "right", rank: 7, cell: ({ bytes }) => formatBytes(bytes.up) },
    { title: "down", align: "right", rank: 7, cell: ({ bytes }) => formatBytes(bytes.down) },
    { title: "lasts", align: "right", rank: 5, cell: ({ lasts }) => formatSeconds(lasts) },
    { title: "connect", align: "right", rank: 9, cell: ({ connect }) => formatSeconds(connect) },
    { title: "first byte", align: "right", rank: 10, cell: ({ firstByte }) => formatSeconds(firstByte) },
    { title: "retrans", align: "right", rank: 8, cell: ({ retransmits }) => formatCount(retransmits) },
    { title: "path", rank: 12, cell: ({ path }) => printable(path.join(" ")) },
  ];
}
