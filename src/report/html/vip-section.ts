import type { Finding } from "../../diagnose/finding.ts";
import type { Analysis } from "../analysis.ts";
import { type BackendRow, backendRows } from "../figures/backend-rows.ts";
import { type TimeSeries, timeSeries } from "../figures/time-series.ts";
import { schedulerWords, type VipFigures } from "../figures/vip-figures.ts";
import { formatCount, formatSeconds, formatShare } from "../format-quantity.ts";
import { timeOfDay } from "../text/clock-time.ts";
import { html, type Markup } from "./markup.ts";
import { type BarChart, svgChart } from "./svg-chart.ts";
import { tierTables } from "./tier-tables.ts";

const PIECES = 160;
const TICKS = 5;

/** A VIP: its backends side by side, and what happened over time. */
export function vipSection(analysis: Analysis, figures: VipFigures, worst: Finding | undefined): Markup {
  const { vip, mode, scheduler, connections } = figures;
  const traits = [mode ?? "", schedulerWords(scheduler), `${formatCount(connections.length)} connections`]
    .filter((trait) => trait !== "")
    .join(" · ");
  return html`<h2><span class="mono">${vip}</span> <span class="quiet">${traits}</span></h2>
<div class="scroll">${backendTable(backendRows(analysis.subject, figures))}</div>
${tierTables(analysis.subject, figures)}
${charts(analysis, timeSeries(analysis.subject, connections, PIECES), worst)}`;
}

function backendTable(rows: readonly BackendRow[]): Markup {
  const percent = (share: number) => (Number.isNaN(share) ? "-" : `${(100 * share).toFixed(1)}%`);
  const number = (text: string, isBad = false) => html`<td class="number${isBad ? " bad" : ""}">${text}</td>`;
  const titles = [
    "connections",
    "share",
    "expected",
    "resets",
    "timeouts",
    "retransmits",
    "connect p50",
    "p99",
    "first byte p50",
  ];
  return html`<table><thead><tr><th>backend</th>${titles.map((title) => html`<th class="number">${title}</th>`)}</tr></thead>
<tbody>${rows.map(
    (row) =>
      html`<tr><td class="mono">${row.backend}</td>${[
        number(formatCount(row.connections)),
        number(percent(row.share)),
        number(percent(row.expectedShare)),
        number(formatCount(row.resets), row.resets > 0),
        number(formatCount(row.timeouts), row.timeouts > 0),
        number(formatShare(row.retransmits, row.packets)),
        number(formatSeconds(row.connectP50)),
        number(formatSeconds(row.connectP99)),
        number(formatSeconds(row.firstByteP50)),
      ]}</tr>`,
  )}</tbody></table>`;
}

function charts({ timeBase }: Analysis, series: TimeSeries | null, worst: Finding | undefined): Markup | null {
  if (series === null) return null;
  const length = series.width * series.opened.length;
  const share = (time: number) => (time - series.start) / length;
  const ticks = Array.from({ length: TICKS }, (_, index) => {
    const at = index / (TICKS - 1);
    return { at, text: timeOfDay(series.start + at * length, timeBase, length < 60e9 ? 1 : 0) };
  });
  const window =
    worst === undefined
      ? null
      : {
          from: share(worst.window.from),
          to: share(worst.window.to),
          label: `${worst.id} ${timeOfDay(worst.window.from, timeBase)}`,
        };
  const piece = formatSeconds(series.width / 1e9);
  const all: BarChart[] = [
    { title: `new connections, per ${piece}`, counts: series.opened, kind: "new", ticks, window },
    { title: `resets and refusals, per ${piece}`, counts: series.resets, kind: "bad", ticks, window },
    { title: `retransmissions, per ${piece}`, counts: series.retransmits, kind: "risk", ticks, window },
  ];
  const shown = all.filter(({ counts }) => counts.some((count) => count > 0));
  const none = all.filter((chart) => !shown.includes(chart)).map(({ title }) => title.replace(/,.*/, ""));
  return html`${shown.map(svgChart)}${none.length > 0 ? html`<p class="quiet">No ${none.join(", no ")}.</p>` : null}`;
}
