import type { BackendRow } from "../figures/backend-rows.ts";
import { formatCount, formatSeconds, formatShare } from "../format-quantity.ts";
import type { Page } from "./page.ts";
import { type Column, table } from "./table.ts";

const SHOWN_ROWS = 12;
/** From this share of packets on, what was sent again is worth its column on any page. */
const LOSSY = 0.01;

/** A VIP's backends side by side. */
export function backendTable(rows: readonly BackendRow[], page: Page): string[] {
  const shown = page.full ? rows : rows.slice(0, SHOWN_ROWS);
  const hidden = rows.length - shown.length;
  return [
    ...table(
      shown,
      columns(
        page,
        rows.some(({ timeouts }) => timeouts > 0),
        rows.some(({ retransmits, packets }) => retransmits > packets * LOSSY),
      ),
      page,
    ),
    ...(hidden > 0 ? [`  … ${formatCount(hidden)} more: --full`] : []),
  ];
}

function columns({ paint }: Page, hasTimeouts: boolean, isLossy: boolean): Column<BackendRow>[] {
  const percent = (share: number) => (Number.isNaN(share) ? "-" : `${(100 * share).toFixed(1)}%`);
  return [
    { title: "backend", cell: (row) => row.backend },
    { title: "connections", align: "right", cell: (row) => formatCount(row.connections) },
    { title: "share", align: "right", cell: (row) => percent(row.share) },
    { title: "expected", align: "right", rank: 3, cell: (row) => percent(row.expectedShare) },
    {
      title: "resets",
      align: "right",
      cell: (row) => formatCount(row.resets),
      paint: (row) => (row.resets > 0 ? paint.bad : null),
    },
    ...(hasTimeouts
      ? [
          {
            title: "timeouts",
            align: "right" as const,
            rank: 1,
            cell: (row: BackendRow) => formatCount(row.timeouts),
            paint: (row: BackendRow) => (row.timeouts > 0 ? paint.bad : null),
          },
        ]
      : []),
    {
      title: "retrans",
      align: "right",
      rank: isLossy ? 0 : 2,
      cell: (row) => formatShare(row.retransmits, row.packets),
    },
    { title: "connect p50", align: "right", cell: (row) => formatSeconds(row.connectP50) },
    { title: "p99", align: "right", rank: 4, cell: (row) => formatSeconds(row.connectP99) },
    { title: "first byte p50", align: "right", rank: 1, cell: (row) => formatSeconds(row.firstByteP50) },
  ];
}
