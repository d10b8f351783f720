import type { Comparison, FindingChange, VipComparison } from "../../compare/comparison.ts";
import { NODE_TIER, type Side } from "../../compare/side.ts";
import { formatCount, formatDate, formatNumberOf, formatSeconds } from "../format-quantity.ts";
import { type Page, printable, wrap } from "../text/page.ts";
import { changeSentence, MEASURE_NAMES } from "./change-sentence.ts";
import type { Diff } from "./diff.ts";
import { memberTable, testTable } from "./diff-tables.ts";
import { verdictOf } from "./verdict.ts";

/** VIPs shown without `--full`. */
const SHOWN_VIPS = 3;
/** Reasons of what cannot be compared, and caveats, shown without it. */
const SHOWN_NOTES = 6;

/** What `diff` prints: the verdict, both sides, the numbers VIP by VIP, and what could not be compared. */
export function diffText(diff: Diff, page: Page): string {
  const { comparison } = diff;
  const shown = page.full ? comparison.vips : comparison.vips.slice(0, SHOWN_VIPS);
  const hidden = comparison.vips.length - shown.length;
  const blocks = [
    [...verdictLines(diff, page), ...sideLines(diff, page)],
    findingLines(comparison, page),
    ...shown.map((vip) => vipLines(vip, comparison.incomparable, page)),
    hidden > 0 ? [`  … ${formatNumberOf(hidden, "more VIP")}: --full`] : [],
    notComparedLines(comparison, page),
    methodLines(comparison, page),
  ];
  return blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join("\n"))
    .join("\n\n");
}

function verdictLines(diff: Diff, page: Page): string[] {
  const { result, sentence } = verdictOf(diff);
  const { findings, changes } = diff.comparison;
  const isBad =
    changes.some(
      ({ measure, difference }) => difference > 0 && ["reset", "refused", "timeout", "failed"].includes(measure),
    ) || findings.appeared.some(({ isSure, finding }) => isSure && finding.severity === "critical");
  const [sign, paint] =
    result === "unchanged"
      ? ["✓", page.paint.good]
      : isBad
        ? ["✗", page.paint.bad]
        : [result === "unknown" ? "?" : "!", page.paint.risk];
  return wrap(printable(sentence), page.width - 2).map((line, i) =>
    i === 0 ? `${paint(sign)} ${page.paint.title(line)}` : `  ${page.paint.title(line)}`,
  );
}

function sideLines({ before, after }: Diff, page: Page): string[] {
  const line = (label: string, { name, start, durationSeconds, connections, points }: Side) => {
    const facts = [
      printable(name),
      formatNumberOf(connections.length, "connection"),
      ...(start === null ? [] : [`${formatSeconds(durationSeconds)} from ${formatDate(start)}`]),
      formatNumberOf(points.length, "point"),
    ];
    return wrap(facts.join(" · "), page.width - 11).map(
      (text, i) => `  ${page.paint.quiet((i === 0 ? label : "").padEnd(8))} ${text}`,
    );
  };
  return [...line("before", before), ...line("after", after)];
}

function findingLines({ findings }: Comparison, page: Page): string[] {
  const line = (sign: string, { finding, isSure }: FindingChange) => {
    const paint = finding.severity === "critical" ? page.paint.bad : page.paint.risk;
    const doubt = isSure ? "" : " (the other side may have it, and not show it)";
    return wrap(`${finding.id} ${printable(finding.title)}${doubt}`, page.width - 4).map((text, i) =>
      i === 0 ? `${paint(sign)} ${text}` : `    ${text}`,
    );
  };
  return [
    ...findings.appeared.flatMap((change) => line("+", change)),
    ...findings.gone.flatMap((change) => line("-", change)),
  ];
}

function vipLines(one: VipComparison, incomparable: Comparison["incomparable"], page: Page): string[] {
  const { vip, protocol, mode, opened, differences } = one;
  const modes = new Set([mode.before, mode.after].filter((name) => name !== null));
  const traits = [
    protocol === "udp" ? "udp" : "",
    [...modes].join(" → "),
    `${formatCount(opened.before)} connections opened before, ${formatCount(opened.after)} after`,
  ];
  const tiers = one.tiers
    .filter(({ tier }) => !incomparable.some(({ subject }) => subject?.vip === vip && subject.tier === tier))
    .flatMap(({ tier, members }) =>
      memberTable(tier === NODE_TIER ? "load balancer" : `given by ${tier} to`, members, page),
    );
  const told = differences.filter(
    ({ status, measure }) => status === "changed" && ["backend-shares", "member-shares", "failed"].includes(measure),
  );
  return [
    `${page.paint.title(vip)} ${page.paint.quiet(traits.filter((trait) => trait !== "").join(" · "))}`,
    ...testTable(one, page),
    ...tiers,
    ...memberTable("backend", one.backends, page),
    ...told.flatMap((difference) =>
      wrap(`${page.paint.risk("!")} ${changeSentence(difference)}`, page.width - 4).map((line, i) =>
        i === 0 ? `  ${line}` : `    ${line}`,
      ),
    ),
  ];
}

function notComparedLines({ incomparable, caveats }: Comparison, page: Page): string[] {
  const texts = [
    ...incomparable.map(({ measure, subject, why }) => {
      const of = subject === null ? "" : ` of ${subject.vip}`;
      return `${measure === "all" ? "nothing" : MEASURE_NAMES[measure]}${of} ${measure === "all" ? "can" : "cannot"} be compared: ${why}`;
    }),
    ...caveats,
  ];
  const shown = page.full ? texts : texts.slice(0, SHOWN_NOTES);
  const hidden = texts.length - shown.length;
  return [
    ...shown.flatMap((text) =>
      wrap(printable(text), page.width - 4).map((line, i) =>
        i === 0 ? `${page.paint.quiet("·")} ${line}` : `    ${line}`,
      ),
    ),
    ...(hidden > 0 ? [`  … ${formatNumberOf(hidden, "more remark")}: --full`] : []),
  ];
}

/** What a change is called by. */
function methodLines({ method: { alpha, tests } }: Comparison, page: Page): string[] {
  if (tests === 0) return [];
  const text = `${formatNumberOf(tests, "test")}, held against each other (Holm): of ${Math.round(1 / alpha)} comparisons of what is the same, one calls a change`;
  return wrap(text, page.width).map(page.paint.quiet);
}
