import { stripVTControlCharacters } from "node:util";
import { UDP } from "../../decode/packet.ts";
import type { Finding } from "../../diagnose/finding.ts";
import type { Analysis } from "../analysis.ts";
import { backendRows } from "../figures/backend-rows.ts";
import { type TimeSeries, timeSeries } from "../figures/time-series.ts";
import { schedulerWords, type VipFigures } from "../figures/vip-figures.ts";
import { formatCount } from "../format-quantity.ts";
import { backendTable } from "./backend-table.ts";
import { chartColumns, charts, windowRows } from "./chart.ts";
import { timeOfDay } from "./clock-time.ts";
import { columnsOf, type Page } from "./page.ts";
import { sparkline } from "./sparkline.ts";
import { tierBlocks } from "./tier-blocks.ts";

/** From this many columns on there is room for charts without asking. */
const ROOMY = 120;
const SPARK_COLUMNS = 24;
const LEAST_SPARK_COLUMNS = 8;

/** A VIP: how its connections came and broke over time, and its backends side by side. */
export function vipSection(analysis: Analysis, figures: VipFigures, worst: Finding | undefined, page: Page): string[] {
  const { subject } = analysis;
  const { connections } = figures;
  const rows = backendRows(subject, figures);
  const lines = [title(figures, page)];
  const sparks = sparkRow(analysis, figures, page);
  if (sparks !== null) {
    const oneLine = `${lines[0]}   ${sparks}`;
    if (columnsOf(stripVTControlCharacters(oneLine)) <= page.width) lines[0] = oneLine;
    else lines.push(`  ${sparks}`);
  }
  lines.push(...backendTable(rows, page));
  if (page.full) lines.push(...tierBlocks(subject, figures, page));
  if (!page.full && page.width < ROOMY) return lines;
  const series = timeSeries(subject, connections, chartColumns(page));
  if (series === null || connections.length < 2) return lines;
  return [...lines, "", ...chartBlock(analysis, series, about(worst, figures) ? worst : undefined, page)];
}

/** Whether a finding is about a VIP, or about none in particular. */
function about(finding: Finding | undefined, { vip }: VipFigures): boolean {
  return finding !== undefined && (finding.where.vip === undefined || finding.where.vip === vip);
}

function title({ vip, mode, protocol, scheduler, connections }: VipFigures, page: Page): string {
  const traits = [
    protocol === UDP ? "udp" : "",
    mode ?? "",
    schedulerWords(scheduler),
    `${formatCount(connections.length)} connections`,
  ];
  return `${page.paint.title(vip)} ${page.paint.quiet(traits.filter((trait) => trait !== "").join(" · "))}`;
}

/** `new/s ▁▂▅▇ resets ▁▁█▂`; null where the run has no length, or nothing happened twice. */
function sparkRow({ subject }: Analysis, { connections }: VipFigures, page: Page): string | null {
  if (connections.length < 3) return null;
  const pieces = Math.max(LEAST_SPARK_COLUMNS, Math.min(SPARK_COLUMNS, Math.floor((page.width - 24) / 2)));
  const series = timeSeries(subject, connections, pieces);
  if (series === null) return null;
  const label = page.paint.quiet;
  const resets = series.resets.some((count) => count > 0) ? sparkline(series.resets) : "none";
  return `${label("new")} ${sparkline(series.opened)}  ${label("resets")} ${resets}`;
}

function chartBlock(analysis: Analysis, series: TimeSeries, worst: Finding | undefined, page: Page): string[] {
  const perSecond = (counts: readonly number[]) => counts.map((count) => count / (series.width / 1e9));
  const lines = charts(
    [
      { title: "new connections per second", values: perSecond(series.opened) },
      { title: "resets and refusals per second", values: perSecond(series.resets) },
      { title: "retransmissions per second", values: perSecond(series.retransmits) },
    ],
    page,
  );
  if (lines.length === 0 || worst === undefined || worst.severity === "info") return lines;
  const columns = series.opened.length;
  const length = series.width * columns;
  const share = (time: number) => (time - series.start) / length;
  const from = timeOfDay(worst.window.from, analysis.timeBase, 1);
  return [...lines, ...windowRows(share(worst.window.from), share(worst.window.to), `${worst.id} ${from}`, columns)];
}
