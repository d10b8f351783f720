import type { TimeBase } from "../../capture/time-base.ts";
import { UDP } from "../../decode/packet.ts";
import type { Finding } from "../../diagnose/finding.ts";
import { connectionOutcome } from "../../path/outcome.ts";
import { formatSeconds } from "../format-quantity.ts";
import { columnsOf, type Page, printable, wrap } from "../text/page.ts";
import { clockNotes } from "./clock-notes.ts";
import type { Column } from "./column.ts";
import { hopsOf, type LadderHop } from "./hop-list.ts";
import type { Ladder } from "./ladder.ts";
import type { Layout } from "./layout.ts";

/** What stands above a ladder: the connection, when and where it was seen, what rewrites it, the names of the columns. */
export function headLines(ladder: Ladder, layout: Layout, timeBase: TimeBase, page: Page): string[] {
  const { connected, connection, columns, steps, findings } = ladder;
  const { endpoints, set } = connected;
  const way = [connection.client, connection.vip, connection.backend]
    .filter((endpoint, i, all) => endpoint !== null && endpoint !== all[i - 1])
    .map((endpoint) => endpoints.text(endpoint!));
  const protocol = connection.protocol === UDP ? "udp" : "tcp";
  const outcome = connectionOutcome(set, connection);
  const last = steps.reduce((latest, { event }) => Math.max(event.time, latest), Number.NEGATIVE_INFINITY);
  const facts = [
    ...(connection.mode === null ? [] : [connection.mode]),
    `${outcome} after ${formatSeconds((last - steps[0]!.event.time) / 1e9)}`,
    ...(connection.backend !== null && connection.joinConfidence < 0.9
      ? [`joined by ${connection.joinKeys.join(", ")} (${connection.joinConfidence.toFixed(2)})`]
      : []),
  ];
  const points = [...new Set(columns.flatMap((column) => column.points))];
  const seen = [
    `${utc(timeBase.toEpoch(steps[0]!.event.time))}`,
    `seen at ${points.map(printable).join(", ")}`,
    ...clockNotes(ladder),
  ];
  const hidden = columns.flatMap(({ name }, i) => (layout.shown.includes(i) ? [] : [name]));
  return [
    ...list([`c${connection.id} ${protocol} ${way.join(" → ")}`, ...facts], page.width).map(page.paint.title),
    ...findings.flatMap((finding) => findingLines(finding, page)),
    ...list(seen, page.width).map(page.paint.quiet),
    ...hopsOf(ladder).flatMap((hop) => wrap(hopText(hop), page.width, "  ")),
    ...(hidden.length === 0 ? [] : [page.paint.quiet(`no room to draw ${hidden.map(printable).join(", ")}`)]),
    "",
    `${"seconds".padStart(layout.timeWidth)}  ${names(columns, layout, ({ name }) => printable(name))}`,
    `${" ".repeat(layout.timeWidth)}  ${names(columns, layout, roleText)}`.trimEnd(),
  ];
}

const SIGNS = { critical: "✗", warning: "!", info: "·" } as const;

/** What is wrong with the connection, as analyze tells it. */
function findingLines({ id, severity, title }: Finding, { paint, width }: Page): string[] {
  const colour = severity === "critical" ? paint.bad : severity === "warning" ? paint.risk : paint.quiet;
  return wrap(`${SIGNS[severity]} ${id}: ${title}`, width, "  ").map(colour);
}

/** Facts in a row, broken between them; one that takes more than a line is broken between words. */
function list(facts: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const fact of facts) {
    const line = lines.at(-1);
    if (line !== undefined && columnsOf(line) + 3 + columnsOf(fact) <= width)
      lines[lines.length - 1] = `${line} · ${fact}`;
    else lines.push(...wrap(line === undefined ? fact : `  ${fact}`, width, "  "));
  }
  return lines;
}

function hopText({ nodes, kind, from, to }: LadderHop): string {
  const where = nodes.length > 1 ? `between ${nodes.join(" and ")}` : `${nodes[0]}`;
  const what = to.startsWith(kind) ? "" : `${kind} `;
  return `${printable(where)}: ${what}${from === "" || to.includes("→") ? to : `${from} → ${to}`}`;
}

function roleText({ name, role, isNextTo }: Column): string {
  if (role === null || role === name) return "";
  return isNextTo ? `${role} side` : role;
}

/** Texts centred on the lifelines, each clear of its neighbours. */
function names(columns: readonly Column[], { shown, laneWidth }: Layout, textOf: (column: Column) => string): string {
  let line = "";
  shown.forEach((column, place) => {
    const letters = [...textOf(columns[column]!)];
    const isLast = place === shown.length - 1;
    const text =
      letters.length > laneWidth && !isLast ? `${letters.slice(0, laneWidth - 1).join("")}…` : letters.join("");
    const centre = place * (laneWidth + 1);
    const from = Math.max(place === 0 ? 0 : columnsOf(line) + 2, centre - Math.floor((columnsOf(text) - 1) / 2));
    if (text !== "") line = line.padEnd(from) + text;
  });
  return line;
}

/** `2026-11-20 14:07:41.123456 UTC` of epoch seconds with nanoseconds. */
function utc(epochSeconds: string): string {
  const [seconds = "0", fraction = ""] = epochSeconds.split(".");
  const date = new Date(Number(seconds) * 1000);
  if (Number.isNaN(date.getTime())) return `${epochSeconds} s`;
  return `${date.toISOString().replace("T", " ").slice(0, 19)}.${fraction.slice(0, 6)} UTC`;
}
