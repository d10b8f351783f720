import type { Analysis } from "../analysis.ts";
import { connectionName } from "../document/joined-connection.ts";
import { formatNumberOf } from "../format-quantity.ts";
import { foldRows } from "../ladder/fold-rows.ts";
import { hopsOf, type LadderHop } from "../ladder/hop-list.ts";
import type { Ladder } from "../ladder/ladder.ts";
import type { LadderRow } from "../ladder/ladder-row.ts";
import { layOut } from "../ladder/layout.ts";
import { rowText } from "../ladder/row-text.ts";
import { ladderSvg, lettersIn } from "./ladder-svg.ts";
import { html, type Markup } from "./markup.ts";

/** Rows of a ladder; what is left out of the middle is counted in a row of its own. */
const MOST_ROWS = 32;
/** What a page 1024 wide has room for, beside its margins. */
const WIDTH = 930;

/** One connection of a finding, packet by packet; it scrolls by itself where the page is narrower. */
export function ladderFigure({ subject, timeBase }: Analysis, ladder: Ladder): Markup {
  const { connected, connection, columns, steps } = ladder;
  const rows = foldRows(steps, { full: false, rows: MOST_ROWS });
  const start = steps[0]!.event.time;
  const times = rows.map((row) => (row.kind === "packets" ? ((row.time - start) / 1e9).toFixed(6) : ""));
  const timeWidth = times.reduce((most, time) => Math.max(most, time.length), 0);
  const layout = layOut(columns, rows, timeWidth, lettersIn(WIDTH));
  const { endpoints } = connected;
  const way = [connection.client, connection.vip, connection.backend]
    .filter((endpoint, i, all) => endpoint !== null && endpoint !== all[i - 1])
    .map((endpoint) => endpoints.text(endpoint!))
    .join(" → ");
  const name = connectionName(connection.id);
  const hidden = columns.filter((_, column) => !layout.shown.includes(column)).map((column) => column.name);
  const facts = [
    ...(connection.mode === null ? [] : [connection.mode]),
    subject.outcome(connection),
    formatNumberOf(steps.length, "packet"),
    `begins ${timeText(timeBase.toEpoch(start))}`,
    ...(hidden.length === 0 ? [] : [`no room for ${hidden.join(", ")}`]),
  ];
  const label = `The packets of ${name} between ${columns.map((column) => column.name).join(", ")}; a list follows`;
  return html`<details class="journey" open><summary>One of its connections: <span class="mono">${name} ${way}</span></summary>
<p class="quiet">${facts.join(" · ")}</p>
${hopList(hopsOf(ladder))}
<div class="ladder" tabindex="0" role="region" aria-label="Ladder of ${name}, scrolls sideways">
${ladderSvg({ columns, rows, times, layout }, label)}
</div>
<ol class="unseen-list" aria-label="Packets of ${name}">${rows.map((row, i) => html`<li>${rowSentence(row, times[i] ?? "", ladder)}</li>`)}</ol>
<p class="quiet legend">${legend(ladder, rows)}</p></details>`;
}

function hopList(hops: readonly LadderHop[]): Markup | null {
  if (hops.length === 0) return null;
  return html`<p class="mono hops">${hops.map(({ nodes, kind, from, to }, i) => {
    const where = nodes.length > 1 ? `between ${nodes.join(" and ")}` : `${nodes[0]}`;
    const what = to.startsWith(kind) ? "" : `${kind} `;
    return html`${i === 0 ? "" : html`<br>`}${`${where}: ${what}${from === "" || to.includes("→") ? to : `${from} → ${to}`}`}`;
  })}</p>`;
}

/** `0.000038 s, client to lb1 to rs2: SYN`: what a row shows, for who cannot see it. */
function rowSentence(row: LadderRow, time: string, { columns }: Ladder): string {
  if (row.kind !== "packets") return rowText(row);
  const { journey, event } = row.steps[0]!;
  const names = journey.stops.map(({ column }) => columns[column]!.name);
  const towards = event.direction === "up" ? "towards the backend" : "towards the client";
  const end = journey.endsHere ? ", seen no further" : "";
  return `${time} s, ${towards}, seen at ${names.join(", ")}${end}: ${rowText(row)}`;
}

function legend({ columns }: Ladder, rows: readonly LadderRow[]): string {
  const first = rows.flatMap((row) => (row.kind === "packets" ? [row.steps[0]!] : []));
  const parts = ["seconds on the left, milliseconds on the arrows"];
  if (columns.some(({ isSeen }) => !isSeen)) parts.push("dashed: not captured there");
  if (first.some(({ journey }) => journey.beginsHere)) parts.push("a dot: made there");
  if (first.some(({ journey }) => journey.endsHere)) parts.push("a cross: seen no further");
  if (rows.some(({ kind }) => kind === "left-out")) parts.push("l4scope trace --full shows every packet");
  return parts.join(" · ");
}

/** `14:07:52.627123` of epoch seconds with nanoseconds. */
function timeText(epochSeconds: string): string {
  const [seconds = "0", fraction = ""] = epochSeconds.split(".");
  const date = new Date(Number(seconds) * 1000);
  if (Number.isNaN(date.getTime())) return `${epochSeconds} s`;
  return `${date.toISOString().slice(11, 19)}.${fraction.padEnd(6, "0").slice(0, 6)}`;
}
