import type { LiveFinding, LiveModel } from "../live/live-model.ts";
import { SIGNS } from "../report/text/finding-lines.ts";
import { type Page, printable, wrap } from "../report/text/page.ts";
import { KEYS } from "./keys.ts";
import { age, clock } from "./quantities.ts";
import { severityPaint, sinceOf } from "./views/finding-marks.ts";

/** All keys, from the one table. */
export function helpRows(width: number, page: Page): string[] {
  const keyColumns = 10;
  return [
    page.paint.title(" Keys"),
    "",
    ...KEYS.map(({ shown, help }) => ` ${shown.padEnd(keyColumns)}  ${help}`.slice(0, width)),
    "",
    ...indented(
      "Red: users are hurt now. Yellow: a risk. Grey: beside the point. A sign says the same: ✗ critical, ! warning, · information, ○ over, × withdrawn.",
      width,
      1,
      1,
    ),
  ];
}

/** A finding in full; of one that is gone, that. */
export function findingRows(model: LiveModel, key: string, width: number, page: Page): string[] {
  const found = model.findings.find((one) => one.key === key);
  if (found === undefined) return [page.paint.quiet(" This finding is gone: it was over for too long, or was none.")];
  const { finding } = found;
  const paint = severityPaint(finding.severity, page) ?? page.paint.title;
  const text = (label: string, lines: readonly string[]) => labelled(label, lines, width, page);
  const { vip, backend, node, member } = finding.where;
  const where = [
    vip && `VIP ${vip}`,
    backend && `backend ${backend}`,
    member && `member ${member}`,
    node && node !== member && `at ${node}`,
  ].filter((part): part is string => typeof part === "string");
  return [
    ...indented(`${SIGNS[finding.severity]} ${printable(finding.title)}`, width, 1, 3).map(paint),
    page.paint.quiet(
      `   ${finding.id} · ${finding.severity} · confidence ${finding.confidence.toFixed(2)} · ${finding.affected.connections} connections`,
    ),
    ...indented(printable(finding.explanation), width, 3, 3),
    "",
    ...text("where", [where.join(" · ")]),
    ...text("since", [sinceText(model, found)]),
    ...text(
      "evidence",
      finding.evidence.map(({ file, frame, note }) => `${file} #${frame} ${note}`),
    ),
    ...text("see it", [finding.displayFilter]),
    ...text("remedy", finding.remedy),
    "",
    page.paint.quiet(" w writes this and its packets to files · Esc goes back"),
  ];
}

/** A text broken between words, its first line and the others each that far in. */
function indented(text: string, width: number, first: number, later: number): string[] {
  return wrap(text, width - Math.max(first, later) - 1).map((line, i) => " ".repeat(i === 0 ? first : later) + line);
}

function sinceText(model: LiveModel, found: LiveFinding): string {
  const since = sinceOf(found);
  const { state, closed, lastSeen } = found;
  if (state === "open") return `${clock(since)}, for ${age(model.now - since)}; last seen ${clock(lastSeen)}`;
  return `${clock(since)} to ${clock(closed)} (${state})`;
}

function labelled(label: string, texts: readonly string[], width: number, page: Page): string[] {
  const indent = 13;
  const lines = texts.filter((text) => text !== "").flatMap((text) => wrap(printable(text), width - indent - 1));
  return lines.map(
    (line, i) => `${i === 0 ? page.paint.quiet(`   ${label.padEnd(indent - 3)}`) : " ".repeat(indent)}${line}`,
  );
}

/** @param text as the session drew it; undefined while it is drawing, null where it has no packets of it any more */
export function ladderRows(id: string, text: string | null | undefined, page: Page): string[] {
  if (text === undefined) return [page.paint.quiet(` drawing ${id}…`)];
  if (text === null) {
    return [
      page.paint.quiet(` no packets of ${id} in memory any more: only recent ones are kept`),
      page.paint.quiet(" l4scope record keeps those of broken connections"),
    ];
  }
  return text.split("\n");
}
