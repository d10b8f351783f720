import { columnsOf, type Page, printable } from "../report/text/page.ts";

/** A column of fixed width, so that what is drawn twice stands where it stood. */
export interface GridColumn<Row> {
  /** Its header, units included. */
  title: string;
  width: number;
  /** Takes what is left of the width; one column at most. */
  grows?: true;
  align?: "left" | "right";
  /** Columns of the highest number are left out first where it is too narrow; 0 never is. */
  rank?: number;
  cell: (row: Row) => string;
  paint?: (row: Row, page: Page) => ((text: string) => string) | null;
  /** Rows in its order, largest first. */
  sort?: (a: Row, b: Row) => number;
}

const GAP = " ";
const CURSOR = "▸";

export interface GridView {
  /** Number of the marked row; -1 for none. */
  cursor: number;
  /** Number of the first row shown. */
  top: number;
  /** Lines for the header and the rows. */
  height: number;
  /** Number of the column that rows are sorted by; -1 for none. */
  sorted: number;
}

/** The part of a table that is on screen: a header and as many rows as fit; nothing of the others is laid out. */
export function grid<Row>(
  rows: readonly Row[],
  columns: readonly GridColumn<Row>[],
  view: GridView,
  width: number,
  page: Page,
): string[] {
  const shown = fitting(columns, width);
  const spare = width - totalOf(shown);
  const widths = shown.map((column) => column.width + (column.grows ? Math.max(0, spare) : 0));
  const sorted = columns[view.sorted];
  const header = shown.map((column, i) =>
    inColumns(column === sorted ? `${column.title}▾` : column.title, widths[i]!, column.align),
  );
  const lines = [page.paint.quiet(` ${header.join(GAP)}`.trimEnd())];
  const last = Math.min(rows.length, view.top + view.height - 1);
  for (let r = view.top; r < last; r++) {
    const row = rows[r]!;
    const cells = shown.map((column, i) => {
      const text = inColumns(column.cell(row), widths[i]!, column.align);
      return column.paint?.(row, page)?.(text) ?? text;
    });
    const isMarked = r === view.cursor;
    lines.push(`${isMarked ? page.paint.title(CURSOR) : " "}${cells.join(GAP)}`);
  }
  return lines;
}

/** The first row to show, so that the marked one is on screen: moved no further than needed. */
export function topFor(cursor: number, top: number, rows: number, count: number): number {
  const most = Math.max(0, count - rows);
  if (cursor < top) return Math.min(most, cursor);
  if (cursor >= top + rows) return Math.min(most, cursor - rows + 1);
  return Math.min(most, top);
}

/** A text in exactly so many columns; the end of what is too long gives way to an ellipsis. */
export function inColumns(text: string, width: number, align: "left" | "right" = "left"): string {
  const clean = printable(text);
  const columns = columnsOf(clean);
  if (columns > width) return width <= 0 ? "" : `${[...clean].slice(0, width - 1).join("")}…`;
  const space = " ".repeat(width - columns);
  return align === "left" ? clean + space : space + clean;
}

function totalOf(columns: readonly GridColumn<never>[] | readonly GridColumn<unknown>[]): number {
  return (columns as readonly { width: number }[]).reduce((sum, { width }) => sum + width + GAP.length, 1 - GAP.length);
}

function fitting<Row>(columns: readonly GridColumn<Row>[], width: number): GridColumn<Row>[] {
  let shown = [...columns];
  while (totalOf(shown as GridColumn<unknown>[]) > width) {
    const worst = Math.max(...shown.map(({ rank }) => rank ?? 0));
    if (worst === 0) return shown;
    const leaving = shown.findLast(({ rank }) => (rank ?? 0) === worst);
    shown = shown.filter((column) => column !== leaving);
  }
  return shown;
}
