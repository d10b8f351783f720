import { columnsOf, type Page } from "./page.ts";

export interface Column<Row> {
  /** Its header, units included. */
  title: string;
  align?: "left" | "right";
  /** Columns of the highest number are left out first where the page is too narrow; 0 never is. */
  rank?: number;
  cell: (row: Row) => string;
  /** Colours a cell that is laid out. */
  paint?: (row: Row) => ((text: string) => string) | null;
}

const GAP = "  ";
const MARGIN = "  ";

/** Rows under a header, aligned, no wider than the page as far as leaving out columns helps. */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[], page: Page): string[] {
  const cells = columns.map(({ cell }) => rows.map(cell));
  const widths = columns.map(({ title }, c) => widest([title, ...cells[c]!]));
  const shown = fitting(columns, widths, page.width);
  const line = (parts: readonly string[]) => `${MARGIN}${parts.join(GAP)}`.trimEnd();
  const header = line(shown.map((c) => pad(columns[c]!.title, widths[c]!, columns[c]!.align)));
  const body = rows.map((row, r) =>
    line(
      shown.map((c) => {
        const column = columns[c]!;
        const text = pad(cells[c]![r]!, widths[c]!, column.align);
        return column.paint?.(row)?.(text) ?? text;
      }),
    ),
  );
  return [page.paint.quiet(header), ...body];
}

/** Whether a table needs to leave out no column. */
export function fits<Row>(rows: readonly Row[], columns: readonly Column<Row>[], page: Page): boolean {
  const widths = columns.map(({ title, cell }) => widest([title, ...rows.map(cell)]));
  return fitting(columns, widths, page.width).length === columns.length;
}

function widest(texts: readonly string[]): number {
  return texts.reduce((most, text) => Math.max(most, columnsOf(text)), 0);
}

/** Numbers of the columns that fit. */
function fitting<Row>(columns: readonly Column<Row>[], widths: readonly number[], width: number): number[] {
  let shown = columns.map((_, index) => index);
  for (;;) {
    const total = shown.reduce((sum, c) => sum + widths[c]! + GAP.length, MARGIN.length - GAP.length);
    if (total <= width) return shown;
    const ranks = shown.map((c) => columns[c]!.rank ?? 0);
    const worst = Math.max(...ranks);
    if (worst === 0) return shown;
    const leaving = shown[ranks.lastIndexOf(worst)];
    shown = shown.filter((c) => c !== leaving);
  }
}

function pad(text: string, width: number, align: "left" | "right" = "left"): string {
  const space = " ".repeat(Math.max(0, width - columnsOf(text)));
  return align === "left" ? text + space : space + text;
}
