import type { Analysis } from "../analysis.ts";
import { pointsOf } from "../capture-facts.ts";
import type { VipFigures } from "../figures/vip-figures.ts";
import { formatDate, formatNumberOf, formatSeconds } from "../format-quantity.ts";
import { columnsOf, type Page } from "./page.ts";

/** What was read, in a line or two. */
export function headline(analysis: Analysis, vips: readonly VipFigures[], page: Page): string[] {
  return joinFacts(headlineFacts(analysis, vips), page.width).map(page.paint.title);
}

/** Connections, VIPs, time, packets, points, clocks: what there is to say of each. */
export function headlineFacts(analysis: Analysis, vips: readonly VipFigures[]): string[] {
  const { captures, subject, timeBase } = analysis;
  const packets = captures.reduce((sum, one) => sum + one.packets, 0);
  const points = new Set(captures.flatMap(pointsOf)).size;
  const facts = [formatNumberOf(subject.users.length, "connection")];
  const balanced = vips.filter(({ backends }) => backends.length > 0);
  const [main] = balanced;
  if (main !== undefined && balanced.length === 1) facts.push(vipFact(main));
  else if (balanced.length > 1)
    facts.push(
      `${formatNumberOf(balanced.length, "VIP")}: ${balanced.slice(0, 2).map(vipFact).join(", ")}${balanced.length > 2 ? ", …" : ""}`,
    );
  if (subject.end >= subject.start) {
    facts.push(
      `${formatSeconds((subject.end - subject.start) / 1e9)} from ${formatDate(timeBase.toEpoch(subject.start))}`,
    );
  }
  facts.push(`${formatNumberOf(packets, "packet")} from ${formatNumberOf(points, "point")}`);
  const clocks = clockFact(analysis);
  if (clocks !== null) facts.push(clocks);
  return facts;
}

function vipFact({ vip, mode, backends }: VipFigures): string {
  return `${vip}${mode === null ? "" : ` (${mode})`} → ${formatNumberOf(backends.length, "backend")}`;
}

/** How far the captures' clocks are apart, as far as connections bound them; null for one clock. */
function clockFact({ subject }: Analysis): string | null {
  const known = subject.connected.clocks.filter(({ uncertainty }) => Number.isFinite(uncertainty));
  if (known.length < 2 || known.every(({ samples }) => samples === 0)) return null;
  const offsets = known.map(({ offset }) => offset);
  const apart = Math.max(...offsets) - Math.min(...offsets);
  const unsure = Math.max(...known.map(({ uncertainty }) => uncertainty));
  return `clocks within ${formatSeconds(Math.max(apart, unsure) / 1e9)}`;
}

/** Facts behind one another with dots between, broken only at these. */
export function joinFacts(facts: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const fact of facts) {
    const last = lines.at(-1);
    if (last !== undefined && columnsOf(last) + 3 + columnsOf(fact) <= width)
      lines[lines.length - 1] = `${last} · ${fact}`;
    else lines.push(fact);
  }
  return lines;
}
