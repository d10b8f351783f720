import { html, type Markup } from "./markup.ts";

/** Something counted over time, as bars. */
export interface BarChart {
  title: string;
  /** One bar each, 0 or more. */
  counts: readonly number[];
  /** What the bars mean: their colour, and a word in the caption. */
  kind: "new" | "bad" | "risk";
  /** Texts under the axis with their places, 0 to 1. */
  ticks: readonly { at: number; text: string }[];
  /** A stretch of the time to mark, places 0 to 1. */
  window: { from: number; to: number; label: string } | null;
}

const WIDTH = 960;
const HEIGHT = 96;
const LEFT = 48;
const TOP = 18;
const BOTTOM = 20;
/** Narrower than this a mark cannot be seen. */
const LEAST_BAND = 3;

/** A chart as SVG that needs nothing else; a screen reader gets its title. */
export function svgChart({ title, counts, kind, ticks, window }: BarChart): Markup {
  const most = Math.max(1, ...counts);
  const floor = TOP + HEIGHT;
  const place = (share: number) => LEFT + share * (WIDTH - LEFT);
  const step = (WIDTH - LEFT) / counts.length;
  const bars = counts.map((count, index) => {
    if (!(count > 0)) return null;
    const height = Math.max(1, (count / most) * HEIGHT);
    return html`<rect class="bar ${kind}" x="${fixed(LEFT + index * step)}" y="${fixed(floor - height)}" width="${fixed(Math.max(0.5, step - (step > 4 ? 1 : 0)))}" height="${fixed(height)}"/>`;
  });
  return html`<figure><figcaption>${title}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${floor + BOTTOM}" role="img" aria-label="${title}">
${window === null ? null : band(window, place, floor)}
<line class="axis" x1="${LEFT}" y1="${floor}" x2="${WIDTH}" y2="${floor}"/>
<text x="${LEFT - 6}" y="${TOP + 8}" text-anchor="end">${most}</text><text x="${LEFT - 6}" y="${floor}" text-anchor="end">0</text>
${bars}
${ticks.map(({ at, text }) => html`<text x="${fixed(place(at))}" y="${floor + 14}" text-anchor="${anchor(at)}">${text}</text>`)}
</svg></figure>`;
}

function band(window: NonNullable<BarChart["window"]>, place: (share: number) => number, floor: number): Markup {
  const from = place(clamp(window.from));
  const width = Math.max(LEAST_BAND, place(clamp(window.to)) - from);
  const isLate = window.from > 0.7;
  return html`<rect class="band" x="${fixed(Math.min(from, WIDTH - LEAST_BAND))}" y="${TOP}" width="${fixed(width)}" height="${floor - TOP}"/>
<text x="${fixed(isLate ? Math.min(WIDTH, from + width) : from)}" y="${TOP - 5}" text-anchor="${isLate ? "end" : "start"}">${window.label}</text>`;
}

function anchor(at: number): string {
  return at < 0.02 ? "start" : at > 0.98 ? "end" : "middle";
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share));
}

function fixed(number: number): string {
  return String(Math.round(number * 100) / 100);
}
