import type {
  CountDifference,
  Difference,
  MemberRow,
  TimingDifference,
  VipComparison,
} from "../../compare/comparison.ts";
import { formatCount, formatSeconds, formatShare } from "../format-quantity.ts";
import type { Page } from "../text/page.ts";
import { type Column, table } from "../text/table.ts";
import { authorText, MEASURE_NAMES, points } from "./change-sentence.ts";

const SHOWN_ROWS = 12;

/** A VIP's tests side by side; those of single backends and of shares stand in their own tables. */
export function testTable({ differences }: VipComparison, page: Page): string[] {
  const rows = differences.filter(
    (one): one is CountDifference | TimingDifference =>
      one.kind !== "shares" &&
      (page.full ||
        one.status === "changed" ||
        (one.subject.backend === undefined && one.subject.member === undefined)) &&
      !one.measure.endsWith("-presence") &&
      (page.full || one.measure !== "failed"),
  );
  return rows.length === 0 ? [] : table(rows, TEST_COLUMNS(page), page);
}

const TEST_COLUMNS = ({ paint }: Page): Column<CountDifference | TimingDifference>[] => [
  { title: "", cell: nameOf },
  { title: "before", align: "right", cell: (one) => shownValue(one, "before") },
  { title: "after", align: "right", cell: (one) => shownValue(one, "after") },
  { title: "change", align: "right", cell: changeOf },
  { title: "chance", align: "right", cell: ({ adjustedPValue }) => chanceText(adjustedPValue) },
  {
    title: "",
    cell: statusOf,
    paint: ({ status }) => (status === "changed" ? paint.risk : paint.quiet),
  },
];

function nameOf(one: CountDifference | TimingDifference): string {
  const { backend, member } = one.subject;
  const place = backend ?? member;
  const name =
    one.kind === "count" && one.detail !== null
      ? `reset by ${authorText(one.detail)}`
      : `${MEASURE_NAMES[one.measure]}${one.kind === "timing" ? ` ${one.quantile}` : ""}`;
  return place === undefined ? name : `${name} ${place}`;
}

function shownValue(one: CountDifference | TimingDifference, side: "before" | "after"): string {
  if (one.kind === "timing") return formatSeconds(one[side][one.quantile]);
  return formatShare(one[side].events, one[side].trials);
}

function changeOf(one: CountDifference | TimingDifference): string {
  if (one.difference === 0) return "-";
  const sign = one.difference > 0 ? "+" : "-";
  return `${sign}${one.kind === "timing" ? formatSeconds(Math.abs(one.difference)) : points(one.difference)}`;
}

/** `<0.001`, `0.012`, `1`: the chance of it were nothing changed, all tests considered. */
function chanceText(p: number): string {
  if (p < 0.001) return "<0.001";
  return p >= 0.995 ? "1" : p.toPrecision(2);
}

function statusOf({ status, explanation }: Difference): string {
  if (status === "changed") return "changed";
  if (status === "slight") return "too little to mind";
  if (status !== "explained") return "";
  return explanation === "load" ? "other load" : "was watched longer";
}

/** Backends or members side by side; fewer than two need no table. */
export function memberTable(title: string, rows: readonly MemberRow[], page: Page): string[] {
  if (rows.length < 2) return [];
  const sum = (side: "before" | "after") => rows.reduce((total, row) => total + row[side].opened, 0);
  const totals = { before: sum("before"), after: sum("after") };
  const shown = page.full ? rows : rows.slice(0, SHOWN_ROWS);
  const hidden = rows.length - shown.length;
  const share = (side: "before" | "after"): Column<MemberRow> => ({
    title: `${side} share`,
    align: "right",
    cell: (row) => formatShare(row[side].opened, totals[side]),
  });
  const count = (side: "before" | "after"): Column<MemberRow> => ({
    title: "opened",
    align: "right",
    rank: 1,
    cell: (row) => formatCount(row[side].opened),
  });
  const failed = (side: "before" | "after"): Column<MemberRow> => ({
    title: "failed",
    align: "right",
    cell: (row) => formatCount(row[side].failed),
    paint: (row) => (row[side].failed > 0 ? page.paint.bad : null),
  });
  return [
    ...table(
      shown,
      [
        { title, cell: ({ name }) => name },
        share("before"),
        count("before"),
        failed("before"),
        share("after"),
        count("after"),
        failed("after"),
      ],
      page,
    ),
    ...(hidden > 0 ? [`  … ${formatCount(hidden)} more: --full`] : []),
  ];
}
