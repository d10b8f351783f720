import type { Column } from "../ladder/column.ts";
import type { LadderRow, PacketsRow } from "../ladder/ladder-row.ts";
import { type LaneText, laneLabel } from "../ladder/lane-text.ts";
import type { Layout } from "../ladder/layout.ts";
import { rowText } from "../ladder/row-text.ts";
import { wayOf } from "../ladder/way.ts";
import { printable, wrap } from "../text/page.ts";
import { html, type Markup } from "./markup.ts";

/** Width of a letter of the drawing's monospaced font, and what its texts are set in; the style says the same. */
export const LETTER = 8;
const LINE = 17;
/** The same of what is written on arrows. */
const LANE_LETTER = 7.25;
/** From the top to the names, the parts, and where lifelines begin. */
const NAMES = 14;
const ROLES = 31;
const HEAD = 40;
/** Above and below a row's texts. */
const PADDING = 4;
/** A stub that ends between two nodes takes this share of the lane. */
const STUB = 0.45;
const ARROW = 7;
const CROSS = 5;

/** What is drawn, and how wide. */
export interface Drawing {
  columns: readonly Column[];
  rows: readonly LadderRow[];
  /** A text for each row; empty for those that have no time of their own. */
  times: readonly string[];
  /** In letters. */
  layout: Layout;
}

/**
 * A ladder as a picture of its natural size, that needs nothing else: a lifeline for each node, dashed where nobody
 * captured, an arrow for each row, and what it is at the right. Texts are letters of a monospaced font, so that they fit
 * wherever the reader's fonts come from.
 *
 * @param label what a screen reader says of it
 */
export function ladderSvg({ columns, rows, times, layout }: Drawing, label: string): Markup {
  const { shown, laneWidth, timeWidth, textWidth } = layout;
  const left = (timeWidth + 2) * LETTER;
  const step = (laneWidth + 1) * LETTER;
  const right = left + (shown.length - 1) * step;
  const textAt = right + 2 * LETTER;
  const width = textAt + textWidth * LETTER;
  let y = HEAD;
  const drawn: Markup[] = [];
  const pauses: Markup[] = [];
  rows.forEach((row, i) => {
    const lines = wrap(printable(rowText(row)), textWidth);
    const middle = y + PADDING + LINE / 2;
    const texts = lines.map(
      (line, n) => html`<text x="${textAt}" y="${middle + 4 + n * LINE}">${clipped(line, textWidth)}</text>`,
    );
    const height = lines.length * LINE + 2 * PADDING;
    if (row.kind === "packets") {
      const way = wayMarkup(row, columns, shown, { left, step, y: middle });
      drawn.push(
        html`<g class="${row.steps[0]!.weight}"><text class="time" x="${left - 2 * LETTER}" y="${middle + 4}" text-anchor="end">${times[i] ?? ""}</text>${way}${texts}</g>\n`,
      );
    } else {
      // over the lifelines: nothing happens there
      pauses.push(html`<rect class="pause" x="${left - 4}" y="${y}" width="${right - left + 8}" height="${height}"/>`);
      for (const place of shown.keys()) {
        const x = left + place * step;
        pauses.push(html`<line class="waiting" x1="${x}" y1="${y}" x2="${x}" y2="${y + height}"/>`);
      }
      drawn.push(html`<g class="dull">${texts}</g>\n`);
    }
    y += height;
  });
  const lifelines = shown.map((column, place) => {
    const x = left + place * step;
    return html`<line class="life${columns[column]!.isSeen ? "" : " unseen"}" x1="${x}" y1="${HEAD}" x2="${x}" y2="${y}"/>`;
  });
  return html`<svg width="${width}" height="${y + PADDING}" viewBox="0 0 ${width} ${y + PADDING}" role="img" aria-label="${label}">
${shown.map((column, place) => headMarkup(columns[column]!, left + place * step, { laneWidth, place, last: shown.length - 1 }))}
${lifelines}${pauses}
${drawn}</svg>`;
}

/** Widths that a ladder may be laid out for, in letters. */
export function lettersIn(pixels: number): number {
  return Math.floor(pixels / LETTER);
}

/** The name of a node and its part, over its lifeline; the first and last may reach outwards. */
function headMarkup(
  { name, role, isNextTo }: Column,
  x: number,
  { laneWidth, place, last }: { laneWidth: number; place: number; last: number },
): Markup {
  const room = place === 0 || place === last ? laneWidth + 6 : laneWidth;
  const text = printable(name);
  const part = role === null || role === name ? "" : isNextTo ? `${role} side` : role;
  return html`<text class="name" x="${x}" y="${NAMES}" text-anchor="middle">${clipped(text, room)}${text.length > room ? html`<title>${text}</title>` : null}</text>
<text class="part" x="${x}" y="${ROLES}" text-anchor="middle">${clipped(part, room)}</text>`;
}

interface Place {
  left: number;
  step: number;
  y: number;
}

function wayMarkup(row: PacketsRow, columns: readonly Column[], shown: readonly number[], at: Place): Markup | null {
  const way = wayOf(row, columns, shown);
  if (way === null) return null;
  const { left, step, y } = at;
  const x = (place: number) => left + place * step;
  const { beginsHere } = row.steps[0]!.journey;
  const sign = way.isUp ? 1 : -1;
  const lane = (place: number) => x(place) + (sign * step) / 2;
  const parts = way.stretches.map(({ from, to, isSeen, text }) => {
    const tip = x(to) - sign;
    // as in text: the rewrite beside the node that makes it, the time of the way at its end, that within a node beside it
    const delayLane = lane(isSeen ? to - sign : from);
    const labels =
      delayLane === lane(from)
        ? labelMarkup(text, delayLane, y, step)
        : [
            labelMarkup({ rewrite: text.rewrite, delay: "" }, lane(from), y, step),
            labelMarkup({ rewrite: "", delay: text.delay }, delayLane, y, step),
          ];
    return html`<line class="way${isSeen ? "" : " unseen"}" x1="${x(from)}" y1="${y}" x2="${tip - sign * ARROW}" y2="${y}"/><path class="tip" d="M${tip} ${y}l${-sign * ARROW} -4v8z"/>${labels}`;
  });
  const origin = way.stretches[0]?.from ?? way.end?.at;
  if (beginsHere && origin !== undefined) parts.push(html`<circle class="tip" cx="${x(origin)}" cy="${y}" r="3.5"/>`);
  if (way.end !== null) {
    const start = x(way.end.at);
    const cross = start + sign * step * STUB;
    parts.push(
      html`<line class="way" x1="${start}" y1="${y}" x2="${cross}" y2="${y}"/><path class="cross" d="M${cross - CROSS} ${y - CROSS}l${2 * CROSS} ${2 * CROSS}m0 ${-2 * CROSS}l${-2 * CROSS} ${2 * CROSS}"/>`,
    );
  }
  return html`${parts}`;
}

/** What is written on an arrow, as far as it fits. */
function labelMarkup(text: LaneText, x: number, y: number, room: number): Markup | null {
  const letters = Math.floor((room - 3 * ARROW) / LANE_LETTER) - 1;
  const label = [laneLabel(text), text.delay, text.rewrite].find((one) => one !== "" && one.length <= letters);
  if (label === undefined) return null;
  const width = (label.length + 1) * LANE_LETTER;
  return html`<rect class="ground" x="${x - width / 2}" y="${y - 6}" width="${width}" height="12"/><text class="lane" x="${x}" y="${y + 4}" text-anchor="middle">${label}</text>`;
}

function clipped(text: string, letters: number): string {
  const all = [...text];
  return all.length <= letters ? text : `${all.slice(0, Math.max(0, letters - 1)).join("")}…`;
}
