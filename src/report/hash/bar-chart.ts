import type { Page } from "../text/page.ts";

export interface Bar {
  label: string;
  value: number;
  /** The value as it stands behind the bar. */
  text: string;
}

const MOST_COLUMNS = 48;
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"] as const;

/** A bar for each value over one scale from 0, the text of the value behind it. */
export function barChart(bars: readonly Bar[], page: Page): string[] {
  const labelWidth = Math.max(...bars.map(({ label }) => label.length));
  const textWidth = Math.max(...bars.map(({ text }) => text.length));
  const columns = Math.max(8, Math.min(MOST_COLUMNS, page.width - labelWidth - textWidth - 5));
  const most = Math.max(...bars.map(({ value }) => value), Number.MIN_VALUE);
  return bars.map(({ label, value, text }) => {
    const eighths = Math.round((value / most) * columns * 8);
    const bar = "█".repeat(eighths >>> 3) + EIGHTHS[eighths & 7]!;
    return `  ${label.padEnd(labelWidth)}  ${bar === "" ? text : `${bar} ${text}`}`;
  });
}
