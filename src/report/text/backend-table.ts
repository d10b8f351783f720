import type { BackendRow } from "../figures/backend-rows.ts";
import { formatCount, formatSeconds, formatShare } from "../format-quantity.ts";
import type { Page } from "./page.ts";
import { type Column, table } from "./table.ts";

const SHOWN_ROWS = 12;
/** From this share of packets on, what was sent again is worth its column on any page. */
const LOSSY = 0.01;

/** A VIP's backends side by side; columns that would hold nothing are left out. */
export function backendTable(rows: readonly BackendRow[], page: Page): string[] {
  const shown = page.full ? rows : rows.slice(0, SHOWN_ROWS);
  const hidden = rows.length - shown.length;
  return [
    ...table(shown, columns(rows, page), page),
    ...(hidden > 0 ? [`  … ${formatCount(hidden)} more: --full`] : []),
  ];
}

function columns(rows: readonly BackendRow[], { paint }: Page): Column<BackendRow>[] {
  const percent = (share: number) => (Number.isNaN(share) ? "-" : `${(100 * share).toFixed(1)}%`);
  const failures = (title: string, of: (row: BackendRow) => number): Column<BackendRow> => ({
    title,
    align: "right",
    cell: (row) => formatCount(of(row)),
    paint: (row) => (of(row) > 0 ? paint.bad : null),
  });
  const time = (title: string, rank: number, of: (row: BackendRow) => number): Column<BackendRow>[] =>
    rows.every((row) => Number.isNaN(of(row)))
      ? []
      : [{ title, align: "right", rank, cell: (row) => formatSeconds(of(row)) }];
  const isLossy = rows.some(({ retransmits, packets }) => retransmits > packets * LOSSY);
  const hasTimeouts = rows.some(({ timeouts }) => timeouts > 0);
  return [
    { title: "backend", cell: (row) => row.backend },
    { title: "connections", align: "right", cell: (row) => formatCount(row.connections) },
    { title: "share", align: "right", cell: (row) => percent(row.share) },
    { title: "expected", align: "right", rank: 4, cell: (row) => percent(row.expectedShare) },
    failures("resets", ({ resets }) => resets),
    ...(hasTimeouts ? [failures("timeouts", ({ timeouts }) => timeouts)] : []),
    {
      title: "retrans",
      align: "right",
      rank: isLossy ? 0 : 3,
      cell: (row) => formatShare(row.retransmits, row.packets),
    },
    ...time("connect p50", 1, ({ connectP50 }) => connectP50),
    ...time("p99", 5, ({ connectP99 }) => connectP99),
    ...time("first byte p50", 2, ({ firstByteP50 }) => firstByteP50),
  ];
}
