import type { Evidence, Finding, Severity } from "../../diagnose/finding.ts";
import type { Analysis } from "../analysis.ts";
import { FileNames } from "../file-names.ts";
import { formatNumberOf } from "../format-quantity.ts";
import { columnsOf, type Page, printable, wrap } from "./page.ts";
import { windowText } from "./time-window.ts";

const LABEL_COLUMNS = 12;
/** Frames shown of a finding's evidence, and of one that is not the first. */
const EVIDENCE = 4;
const EVIDENCE_BRIEF = 1;

/** A sign for each severity: colour is never the only one. */
export const SIGNS: Readonly<Record<Severity, string>> = { critical: "✗", warning: "!", info: "·" };

/** The finding to look at first, with all that is known of it. */
export function findingInFull(analysis: Analysis, finding: Finding, page: Page): string[] {
  const { explanation, symptoms = [], displayFilter, remedy } = finding;
  const limit = page.full ? Number.POSITIVE_INFINITY : EVIDENCE;
  return [
    ...findingTitle(finding, page),
    ...wrap(printable(explanation), page.width - 2).map((line) => `  ${line}`),
    ...labelled("where", [whereText(finding)], page),
    ...labelled("since", [windowText(analysis, finding) ?? ""], page),
    ...labelled("evidence", evidenceTexts(analysis, finding.evidence, limit), page),
    ...labelled("cause", causeTexts(finding), page),
    ...labelled("explains", symptoms.map(printable), page),
    ...labelledFilter(displayFilter, page),
    ...labelled("remedy", remedy.map(printable), page),
  ];
}

/** Another finding: what, where, since when, one frame, and the first thing to do. */
export function findingInBrief(analysis: Analysis, finding: Finding, page: Page): string[] {
  const title = findingTitle(finding, page);
  if (finding.severity === "info") return title;
  return [
    ...title,
    ...labelled("where", [whereText(finding)], page),
    ...labelled("since", [windowText(analysis, finding) ?? ""], page),
    ...labelled("cause", causeTexts(finding), page),
    ...labelled("evidence", evidenceTexts(analysis, finding.evidence, EVIDENCE_BRIEF), page),
    ...labelled("remedy", finding.remedy.slice(0, 1).map(printable), page),
  ];
}

/** What explains it, where it is told all the same. */
function causeTexts({ explainedBy }: Finding): string[] {
  return explainedBy === undefined ? [] : [`explained by ${printable(explainedBy)}`];
}

/** `✗ TITLE` and under it, or behind it where there is room, the id, how bad and how sure. */
function findingTitle(finding: Finding, page: Page): string[] {
  const { id, severity, confidence, title, connections } = finding;
  const paint = { critical: page.paint.bad, warning: page.paint.risk, info: page.paint.quiet }[severity];
  const tag = [
    id,
    severity,
    `confidence ${confidence.toFixed(2)}`,
    ...(connections.length > 0 ? [formatNumberOf(connections.length, "connection")] : []),
  ].join(" · ");
  const text = printable(title);
  const sign = paint(SIGNS[severity]);
  const emphasis = severity === "info" ? (line: string) => line : page.paint.title;
  const room = page.width - 2 - columnsOf(text) - columnsOf(tag) - 3;
  if (room >= 0) return [`${sign} ${emphasis(text)}${" ".repeat(room + 3)}${page.paint.quiet(tag)}`];
  const [first = "", ...more] = wrap(text, page.width - 2);
  return [`${sign} ${emphasis(first)}`, ...more.map((line) => `  ${emphasis(line)}`), `  ${page.paint.quiet(tag)}`];
}

/** `VIP 192.0.2.10:443 · backend 10.3.0.12:8443 · at lb3`. */
export function whereText({ where }: Finding): string {
  const parts = [
    where.vip === undefined ? "" : `VIP ${where.vip}`,
    where.backend === undefined ? "" : `backend ${where.backend}`,
    where.member === undefined ? "" : `member ${where.member}`,
    where.node === undefined || where.node === where.member ? "" : `at ${where.node}`,
  ];
  return printable(parts.filter((part) => part !== "").join(" · "));
}

/** `lb3.pcap #17 RST answers the request`, each frame once. */
export function evidenceTexts({ captures }: Analysis, evidence: readonly Evidence[], limit: number): string[] {
  const names = new FileNames(captures);
  const texts = evidence.map(({ capture, frame, note }) => {
    const { file, number } = names.frame(capture, frame);
    return `${file} ${number} ${printable(note)}`;
  });
  return [...new Set(texts)].slice(0, limit);
}

/** Texts behind a label, each beginning on a line of its own; empty ones are left out. */
function labelled(label: string, texts: readonly string[], page: Page): string[] {
  const indent = " ".repeat(4 + LABEL_COLUMNS);
  const lines = texts
    .filter((text) => text !== "")
    .flatMap((text) =>
      wrap(text, page.width - indent.length - 2).map((line, index) => (index === 0 ? line : `  ${line}`)),
    );
  return lines.map((line, index) =>
    index === 0 ? `    ${page.paint.quiet(label.padEnd(LABEL_COLUMNS))}${line}` : `${indent}${line}`,
  );
}

/** A display filter, broken only between its parts so that it can be copied. */
function labelledFilter(filter: string, page: Page): string[] {
  if (filter === "") return [];
  const room = page.width - 4 - LABEL_COLUMNS;
  const lines: string[] = [];
  for (const part of printable(filter).split(/(?<=&& |\|\| )/)) {
    const last = lines.at(-1);
    if (last !== undefined && columnsOf(last) + columnsOf(part.trimEnd()) <= room)
      lines[lines.length - 1] = last + part;
    else lines.push(part);
  }
  return lines.map((line, index) =>
    index === 0
      ? `    ${page.paint.quiet("see it".padEnd(LABEL_COLUMNS))}${line.trimEnd()}`
      : `${" ".repeat(4 + LABEL_COLUMNS)}${line.trimEnd()}`,
  );
}
