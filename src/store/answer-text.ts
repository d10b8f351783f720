import { csvField } from "../report/flows/flow-csv.ts";
import { formatBytes, formatCount, formatSeconds } from "../report/format-quantity.ts";
import { type Page, printable } from "../report/text/page.ts";
import { type Column, table } from "../report/text/table.ts";
import type { Answer, AnswerValue } from "./answer.ts";
import { flagsOf, type ListedQuestion } from "./answer-document.ts";
import type { AnswerColumn } from "./questions/question.ts";

/** An answer as a table. */
export function answerText({ columns, rows }: Answer, page: Page): string {
  if (rows.length === 0) return "nothing";
  const layout = columns.map((column, place): Column<readonly AnswerValue[]> => {
    const isNumber = column.unit !== undefined ? column.unit !== "time" : typeof rows[0]?.[place] === "number";
    return {
      title: printable(column.title),
      align: isNumber ? "right" : "left",
      cell: (row) => cellText(row[place] ?? null, column.unit),
    };
  });
  return table(rows, layout, page).join("\n");
}

/** An answer as CSV, numbers as they are: see `csvOf` of flows. */
export function answerCsv({ columns, rows }: Answer): string {
  const lines = [columns.map(({ name }) => csvField(name)), ...rows.map((row) => row.map(csvField))];
  return lines.map((fields) => fields.join(",")).join("\n");
}

/** The questions that have names, with the flags that each listens to. */
export function questionsText(questions: readonly ListedQuestion[], page: Page): string {
  const columns: Column<ListedQuestion>[] = [
    { title: "question", cell: ({ id }) => id },
    { title: "answers", cell: ({ summary }) => summary },
    { title: "flags besides --from --to --last", rank: 1, cell: (one) => flagsOf(one).slice(3).join(" ") },
  ];
  return table(questions, columns, page).join("\n");
}

function cellText(value: AnswerValue, unit: AnswerColumn["unit"]): string {
  if (value === null) return "-";
  if (typeof value === "string") return unit === "time" ? timeText(value) : printable(value);
  switch (unit) {
    case "count":
      return Number.isInteger(value) ? formatCount(value) : value.toFixed(1);
    case "bytes":
      return formatBytes(value);
    case "seconds":
      return formatSeconds(value);
    case "share":
      return percentText(value);
    default:
      return String(value);
  }
}

/** `2026-11-20 14:07:41`, UTC. */
function timeText(epoch: string): string {
  const date = new Date(Number(epoch.replace(/\..*/, "")) * 1000);
  return Number.isNaN(date.getTime()) ? epoch : date.toISOString().replace("T", " ").slice(0, 19);
}

/** A share whose whole is not known any more: what is not nothing never reads so. */
function percentText(share: number): string {
  const percent = 100 * share;
  if (percent > 0 && percent < 0.05) return "<0.1%";
  return `${percent.toFixed(1)}%`;
}
