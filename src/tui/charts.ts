import asciichart from "asciichart";
import type { LiveSeries } from "../live/live-model.ts";
import { columnsOf, type Page } from "../report/text/page.ts";
import { short, shortSeconds } from "./quantities.ts";

const SCALE = 7;
/** Below this a chart says less than its numbers would. */
export const LEAST_CHART_ROWS = 4;

interface Chart {
  title: string;
  values: readonly number[];
  label(value: number): string;
}

/** Charts side by side, as many as there is room for, each over the last seconds that fit. */
export function chartRows(series: LiveSeries, width: number, height: number, page: Page): string[] {
  const all: Chart[] = [
    { title: "new/s", values: series.opened, label: short },
    { title: "resets/s", values: series.resets, label: short },
    { title: "retransmits/s", values: series.retransmits, label: short },
    { title: "connect p50", values: series.connectP50, label: shortSeconds },
    { title: "connect p99", values: series.connectP99, label: shortSeconds },
  ];
  const across = width >= 170 ? 4 : width >= 120 ? 3 : 2;
  const chosen =
    across === 2 ? all.slice(0, 2) : across === 3 ? [all[0]!, all[1]!, all[4]!] : [all[0]!, all[1]!, all[2]!, all[4]!];
  const each = Math.floor(width / across);
  const drawn = chosen.map((chart) => chartLines(chart, each - 1, height, page));
  return Array.from({ length: height }, (_, row) =>
    drawn
      .map((lines) => lines[row]!)
      .join(" ")
      .trimEnd(),
  );
}

/** A title line and the chart under it: `height` lines of `width` columns each. */
function chartLines({ title, values, label }: Chart, width: number, height: number, page: Page): string[] {
  const columns = width - SCALE - 2;
  // asciichart throws on what is no number; a second without connections has no connect time
  const shown = values.slice(-columns).map((value) => (Number.isFinite(value) ? value : 0));
  const most = Math.max(0, ...shown);
  const head = padded(` ${title}${most > 0 ? `, most ${label(most)}` : ": none"}`, width);
  const empty = Array.from({ length: height - 1 }, () => " ".repeat(width));
  if (shown.length === 0 || most === 0) return [page.paint.quiet(head), ...empty];
  const lines = asciichart
    .plot(shown, { height: height - 2, min: 0, max: most, format: (value) => label(value).padStart(SCALE) })
    .split("\n")
    .slice(0, height - 1);
  return [page.paint.quiet(head), ...lines.map((line) => padded(line.trimEnd(), width))];
}

function padded(line: string, width: number): string {
  const columns = columnsOf(line);
  return columns >= width ? [...line].slice(0, width).join("") : line + " ".repeat(width - columns);
}
