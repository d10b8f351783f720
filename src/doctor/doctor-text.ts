import { formatNumberOf, formatSeconds } from "../report/format-quantity.ts";
import { columnsOf, type Page, printable, wrap } from "../report/text/page.ts";
import type { Result } from "./check.ts";
import { type CheckedVerdict, type Examination, tally } from "./examine.ts";
import type { Part } from "./registry.ts";
import { ROLE_NAMES } from "./roles.ts";

const SIGNS: Readonly<Record<Result, string>> = { critical: "✗", warning: "!", unknown: "?", info: "·", ok: "✓" };
const TITLES: Readonly<Record<Part, string>> = { run: "Live commands on this host", host: "This host" };
const LABEL_COLUMNS = 8;
/** Lines longer than this are hard to read, however wide the terminal. */
const LONGEST_LINE = 110;

/** The whole report: the verdict, then each part, what is wrong before what is right. */
export function doctorText(examination: Examination, page: Page): string {
  const { verdicts } = examination;
  const width = Math.min(page.width, LONGEST_LINE);
  const narrow = { ...page, width };
  const blocks = [headline(examination, narrow)];
  for (const part of ["run", "host"] as const) {
    const own = verdicts.filter((verdict) => verdict.part === part);
    if (own.length > 0) blocks.push([page.paint.title(TITLES[part]), ...partLines(own, narrow)]);
  }
  blocks.push(closing(examination, narrow));
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n");
}

function headline(examination: Examination, page: Page): string[] {
  const { hostName, kernelRelease, since, roles, verdicts } = examination;
  const host = verdicts.filter(({ part }) => part === "host");
  const { critical, warning } = tally(host);
  const lacks = verdicts.filter(({ part, result }) => part === "run" && result === "critical").length;
  const wrong = [
    critical > 0
      ? page.paint.bad(`${formatNumberOf(critical, "setting")} ${critical === 1 ? "breaks" : "break"} connections`)
      : "",
    warning > 0 ? page.paint.risk(`${formatNumberOf(warning, "risk")}`) : "",
    lacks > 0 ? page.paint.bad("probes cannot run here") : "",
  ].filter((text) => text !== "");
  const what = [...roles.because].map(([role, why]) => `${ROLE_NAMES[role]} (${why})`);
  return [
    wrong.length > 0
      ? wrong.join(" · ")
      : page.paint.good("nothing is wrong with this host, as far as can be seen from it"),
    ...wrap(
      [
        printable(hostName ?? "a host"),
        kernelRelease === null ? "" : `Linux ${printable(kernelRelease)}`,
        since.uptimeSeconds === null ? "" : `up ${formatSeconds(Math.max(1, Math.round(since.uptimeSeconds)))}`,
        since.watchedSeconds === null ? "" : `watched for ${formatSeconds(since.watchedSeconds)}`,
      ]
        .filter((text) => text !== "")
        .join(" · "),
      page.width,
    ),
    ...wrap(
      what.length > 0
        ? `taken for a ${printable(what.join(", "))}`
        : "no role could be told: --role says what it is for",
      page.width,
    ),
  ].map((line, index) => (index === 0 ? line : page.paint.quiet(line)));
}

function partLines(verdicts: readonly CheckedVerdict[], page: Page): string[] {
  const order: readonly Result[] = ["critical", "warning", "unknown", "info"];
  const bad = order.flatMap((result) => verdicts.filter((verdict) => verdict.result === result));
  const good = verdicts.filter(({ result }) => result === "ok");
  return [
    ...bad.flatMap((verdict) => badLines(verdict, page)),
    ...good.flatMap((verdict) => titleLines(verdict, page)),
  ];
}

function badLines(verdict: CheckedVerdict, page: Page): string[] {
  const { why, seen, remedy, result } = verdict;
  const values = Object.entries(seen).map(([name, value]) => `${name}=${value}`);
  const isBrief = result === "info" && !page.full;
  return [
    ...titleLines(verdict, page),
    ...wrap(printable(why), page.width - 4).map((line) => `    ${line}`),
    ...(isBrief ? [] : labelled("seen", values.length === 0 ? [] : [values.join(" · ")], page)),
    ...labelled("mend", remedy, page),
  ];
}

/** `✗ TITLE` and its id, at the right where there is room. */
function titleLines({ id, result, title, seen }: CheckedVerdict, page: Page): string[] {
  const paints: Readonly<Record<Result, (text: string) => string>> = {
    critical: page.paint.bad,
    warning: page.paint.risk,
    unknown: page.paint.quiet,
    info: page.paint.quiet,
    ok: page.paint.good,
  };
  const text = printable(title);
  const isBad = result === "critical" || result === "warning";
  const emphasis = isBad ? page.paint.title : (line: string) => line;
  const showsId = result !== "ok" || page.full;
  const sign = `  ${paints[result](SIGNS[result])} `;
  const room = page.width - 4 - columnsOf(text) - columnsOf(id) - 2;
  const values = Object.entries(seen).map(([name, value]) => `${name}=${value}`);
  const more =
    result === "ok" && page.full ? labelled("seen", values.length === 0 ? [] : [values.join(" · ")], page) : [];
  if (!showsId)
    return wrap(text, page.width - 4).map((line, index) => (index === 0 ? `${sign}${line}` : `    ${line}`));
  if (room >= 0) return [`${sign}${emphasis(text)}${" ".repeat(room + 2)}${page.paint.quiet(id)}`, ...more];
  const [first = "", ...rest] = wrap(text, page.width - 4);
  return [
    `${sign}${emphasis(first)}`,
    ...rest.map((line) => `    ${emphasis(line)}`),
    `    ${page.paint.quiet(id)}`,
    ...more,
  ];
}

/** Texts behind a label, each on a line of its own; commands are not broken, so that they can be copied. */
function labelled(label: string, texts: readonly string[], page: Page): string[] {
  const indent = " ".repeat(4 + LABEL_COLUMNS);
  const lines = texts.flatMap((text) =>
    label === "mend" && /^[a-z]+ -|=|\|/.test(text)
      ? [printable(text)]
      : wrap(printable(text), page.width - indent.length - 2, "  "),
  );
  return lines.map((line, index) =>
    index === 0 ? `    ${page.paint.quiet(label.padEnd(LABEL_COLUMNS))}${line}` : `${indent}${line}`,
  );
}

function closing({ verdicts, silent, unseen }: Examination, page: Page): string[] {
  const mendsBySysctl = verdicts.some(
    ({ result, remedy }) => result !== "ok" && remedy.some((text) => text.includes("sysctl -w")),
  );
  const quiet =
    silent.length === 0
      ? ""
      : `${formatNumberOf(silent.length, "check does", "checks do")} not apply here${page.full ? `: ${silent.join(", ")}` : ""}`;
  return [
    unseen.length === 0 ? "" : `? not looked at: ${printable(unseen.join("; "))}`,
    mendsBySysctl ? "sysctl -w lasts until the next boot: keep what helps in /etc/sysctl.d/" : "",
    quiet,
  ]
    .filter((text) => text !== "")
    .flatMap((text) => wrap(text, page.width).map((line) => page.paint.quiet(line)));
}
