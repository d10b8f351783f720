import { UDP } from "../../decode/packet.ts";
import type { Connection } from "../../path/connection.ts";
import type { Analysis } from "../analysis.ts";
import { connectionName } from "../document/joined-connection.ts";
import { bestLeg } from "../figures/best-legs.ts";
import { connectTime, firstByteTime } from "../figures/leg-times.ts";
import { formatBytes, formatCount, formatNumberOf, formatSeconds } from "../format-quantity.ts";
import { type Page, printable } from "../text/page.ts";
import { type Column, table } from "../text/table.ts";

/**
 * Connections as a table with a line below that says of how many.
 *
 * @param matched how many matched, before the limit
 */
export function connectionTable(
  analysis: Analysis,
  connections: readonly Connection[],
  matched: number,
  page: Page,
): string {
  const total = analysis.subject.connections.length;
  const all = formatNumberOf(total, "connection");
  if (connections.length === 0) {
    return matched === 0 ? `no connection of ${formatCount(total)} matches` : `0 of ${all}`;
  }
  const limited = connections.length < matched ? `${formatCount(connections.length)} of ` : "";
  const footer =
    limited === "" ? `${formatCount(matched)} of ${all}` : `${limited}${formatCount(matched)} matching, ${all} in all`;
  return [...table(connections, columnsFor(analysis, page), page), page.paint.quiet(footer)].join("\n");
}

function columnsFor({ subject }: Analysis, page: Page): Column<Connection>[] {
  const { set } = subject.connected;
  // a health check may end as it likes
  const isBad = (one: Connection) => !one.healthCheck && ["refused", "reset", "timeout"].includes(subject.outcome(one));
  const best = (one: Connection, side: 0 | 1) => set.view(bestLeg(set, one, side)).side(side);
  return [
    { title: "id", rank: 2, cell: ({ id }) => connectionName(id) },
    { title: "start s", align: "right", rank: 3, cell: ({ start }) => relative(start, subject.start) },
    { title: "client", cell: ({ client }) => subject.text(client) },
    { title: "VIP", rank: 1, cell: ({ vip }) => subject.text(vip) },
    { title: "backend", cell: ({ backend }) => (backend === null ? "?" : subject.text(backend)) },
    { title: "proto", rank: 11, cell: ({ protocol }) => (protocol === UDP ? "udp" : "tcp") },
    { title: "mode", rank: 6, cell: ({ mode }) => mode ?? "-" },
    {
      title: "outcome",
      cell: (one) => (one.healthCheck ? `${subject.outcome(one)} (check)` : subject.outcome(one)),
      paint: (one) => (isBad(one) ? page.paint.bad : null),
    },
    { title: "reset by", rank: 4, cell: (one) => resetText(subject.mainReset(one)) },
    { title: "up", align: "right", rank: 7, cell: (one) => formatBytes(best(one, 0).payloadBytes) },
    { title: "down", align: "right", rank: 7, cell: (one) => formatBytes(best(one, 1).payloadBytes) },
    { title: "lasts", align: "right", rank: 5, cell: ({ start, end }) => formatSeconds((end - start) / 1e9) },
    { title: "connect", align: "right", rank: 9, cell: (one) => formatSeconds(connectTime(set, one) / 1e9) },
    { title: "first byte", align: "right", rank: 10, cell: (one) => formatSeconds(firstByteTime(set, one) / 1e9) },
    {
      title: "retrans",
      align: "right",
      rank: 8,
      cell: (one) => formatCount(best(one, 0).retransmits + best(one, 1).retransmits),
    },
    { title: "path", rank: 12, cell: (one) => printable(nodesOf(set, one).join(" ")) },
  ];
}

/** Who reset a connection and why, where there was a reset. */
function resetText(verdict: { by: string; cause: string } | null): string {
  return verdict === null ? "-" : `${verdict.by}: ${verdict.cause}`;
}

/** Nodes that saw a connection, client-most first. */
function nodesOf(set: Analysis["subject"]["connected"]["set"], { legs }: Connection): string[] {
  const names = legs.map((ref) => set.pointOf(ref).nodeName);
  return names.filter((name, i) => name !== names[i - 1]);
}

function relative(time: number, start: number): string {
  return Number.isFinite(time) ? ((time - start) / 1e9).toFixed(6) : "-";
}
