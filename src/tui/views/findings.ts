import type { LiveFinding } from "../../live/live-model.ts";
import { SIGNS } from "../../report/text/finding-lines.ts";
import { age, clock } from "../quantities.ts";
import { tableView } from "../table-view.ts";
import { matches } from "../view.ts";
import { severityPaint, sinceOf } from "./finding-marks.ts";

/** What is wrong: open findings first, then those that are over. */
export const findingsView = tableView<LiveFinding>({
  id: "findings",
  title: "Findings",
  sortable: [],
  rows: ({ model, state }) =>
    model.findings.filter(({ finding, state: holds }) =>
      matches(state.filter, [
        finding.id,
        finding.title,
        finding.severity,
        holds,
        finding.where.vip ?? null,
        finding.where.backend ?? null,
        finding.where.node ?? null,
        finding.where.member ?? null,
      ]),
    ),
  empty: ({ state }) =>
    state.filter === ""
      ? "✓ nothing found: no check spoke since the session began"
      : `no finding matches ${state.filter}`,
  columns: ({ model }) => [
    {
      title: " ",
      width: 1,
      cell: ({ state, finding }) => (state === "open" ? SIGNS[finding.severity] : state === "over" ? "○" : "×"),
      paint: ({ state, finding }, page) =>
        state === "open" ? severityPaint(finding.severity, page) : page.paint.quiet,
    },
    { title: "finding", width: 22, cell: ({ finding }) => finding.id },
    { title: "since", width: 8, cell: (row) => clock(sinceOf(row)) },
    {
      title: "for",
      width: 7,
      align: "right",
      cell: (row) => age((Number.isNaN(row.closed) ? model.now : row.closed) - sinceOf(row)),
    },
    { title: "sure", width: 4, align: "right", rank: 1, cell: ({ finding }) => finding.confidence.toFixed(2) },
    {
      title: "what",
      width: 34,
      grows: true,
      cell: ({ state, finding }) => (state === "open" ? finding.title : `(${state}) ${finding.title}`),
    },
  ],
  opens: ({ key }) => ({ overlay: { kind: "finding", key, top: 0 } }),
});
