import type { ChangeEffect } from "../../balance/what-if/change-effect.ts";
import { formatShare } from "../format-quantity.ts";
import { type Page, wrap } from "../text/page.ts";
import { type Column, table } from "../text/table.ts";
import { barChart } from "./bar-chart.ts";
import type { ShareReport } from "./hash-report.ts";
import { capital, changeText, partText, signed, timesText } from "./hash-words.ts";

interface Row {
  label: string;
  effect: ChangeEffect;
}

/** Moves beyond the least by this factor are worth a sign. */
const WASTEFUL = 1.5;

/** What the change should move, and who moves least and most. */
export function changeVerdict(report: ShareReport, page: Page): string[] {
  const { change, changed } = report;
  const rows = effectsOf(report);
  if (change === null || changed === null || rows.length === 0) return [];
  const sorted = rows.toSorted((a, b) => shareOf(a) - shareOf(b));
  const least = sorted[0]!;
  const most = sorted.at(-1)!;
  const must = `${capital(changeText(change))} should move ${partText(changed.idealShare)} of connections`;
  const moved = ({ label, effect }: Row) => `${label} moves ${formatShare(effect.moved, effect.established)}`;
  const sign = rows.some((row) => isWasteful(row, changed.idealShare)) ? "risk" : "good";
  if (rows.length === 1) return signed(sign, `${must}; ${moved(least)}`, page);
  return signed(sign, `${must}; ${moved(least)}, ${moved(most)}`, page);
}

/** Moved and broken connections, a line for each method, then the moves as bars. */
export function changeSection(report: ShareReport, page: Page): string[] {
  const { changed, ecmp, keys } = report;
  const rows = effectsOf(report);
  if (changed === null || rows.length === 0) return [];
  const { idealShare } = changed;
  const broken = (title: string, of: (effect: ChangeEffect["broken"]) => number | null): Column<Row> => ({
    title,
    align: "right",
    cell: ({ effect }) => {
      const count = of(effect.broken);
      return count === null ? "-" : formatShare(count, effect.established);
    },
  });
  const columns: Column<Row>[] = [
    { title: "method", cell: ({ label }) => label },
    {
      title: "moved",
      align: "right",
      cell: ({ effect }) => formatShare(effect.moved, effect.established),
      paint: (row) => (isWasteful(row, idealShare) ? page.paint.risk : null),
    },
    {
      title: "× least",
      align: "right",
      rank: 1,
      cell: ({ effect }) =>
        idealShare === 0 || effect.established === 0 ? "-" : timesText(effect.moved / effect.established / idealShare),
    },
    broken("broken: no table", ({ stateless }) => stateless),
    broken("table", ({ connectionTable }) => connectionTable),
  ];
  if (ecmp !== null) columns.push(broken("other LB", ({ otherBalancer }) => otherBalancer));
  if (rows.some(({ effect }) => effect.broken.secondChance !== null)) {
    columns.push(broken("2nd chance", ({ secondChance }) => secondChance));
  }
  if (rows.some(({ effect }) => effect.turnedAway > 0)) {
    columns.push({
      title: "new refused",
      align: "right",
      cell: ({ effect }) => formatShare(effect.turnedAway, keys.keys.length),
    });
  }
  const bars = rows.map(({ label, effect }) => ({
    label,
    value: effect.moved / Math.max(1, effect.established),
    text: formatShare(effect.moved, effect.established),
  }));
  const least = { label: "least possible", value: idealShare, text: partText(idealShare) };
  return [
    ...table(rows, columns, page),
    ...legend(report, rows, page),
    "",
    page.paint.quiet("  connections moved"),
    ...barChart([least, ...bars], page),
  ];
}

function legend({ ecmp, keys }: ShareReport, rows: readonly Row[], page: Page): string[] {
  const hasLost = rows.some(({ effect }) => effect.lost > 0);
  const facts = [
    "no table: every packet is hashed anew",
    `table: the load balancer remembers its connections (LRU kept)${hasLost ? ", so only the removed backends' break" : ""}`,
  ];
  if (ecmp !== null) {
    const rerouted = formatShare(ecmp.rerouted, keys.keys.length);
    facts.push(
      `other LB: the same, but ECMP goes from ${ecmp.from} to ${ecmp.to} load balancers (${ecmp.method}) and ${rerouted} of connections come to one that does not know them (LRU lost)`,
    );
  }
  if (rows.some(({ effect }) => effect.broken.secondChance !== null)) {
    facts.push(
      "2nd chance: no table, but a backend that does not know a connection passes it to the other of its row (GLB)",
    );
  }
  if (rows.some(({ effect }) => effect.turnedAway > 0)) {
    facts.push("new refused: new connections whose backend takes none; with the option fallback another is looked for");
  }
  if (rows.some(({ label }) => label.startsWith("resilient"))) {
    facts.push("resilient: its buckets have packets all the time, and only those of a removed member move");
  }
  return facts.flatMap((fact) => wrap(fact, page.width - 4, "  ").map((line) => page.paint.quiet(`  ${line}`)));
}

function shareOf({ effect }: Row): number {
  return effect.moved / Math.max(1, effect.established);
}

function isWasteful(row: Row, idealShare: number): boolean {
  return shareOf(row) > idealShare * WASTEFUL + 0.001;
}

function effectsOf({ answers }: ShareReport): Row[] {
  return answers.flatMap(({ chosen, answer }) =>
    answer?.effect == null ? [] : [{ label: chosen.label, effect: answer.effect }],
  );
}
