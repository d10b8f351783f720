import { type GridColumn, grid, topFor } from "./grid.ts";
import { type DashboardState, placed } from "./state.ts";
import type { Scene, View } from "./view.ts";

/** A view that is one table. */
export interface TableSpec<Row> extends Pick<View, "id" | "title" | "hasCharts"> {
  rows(scene: Scene): readonly Row[];
  columns(scene: Scene): readonly GridColumn<Row>[];
  /** Numbers of the columns that rows can be sorted by, in the order of the key; the first is how they come. */
  sortable: readonly number[];
  /** Said in place of no rows. */
  empty(scene: Scene): string;
  opens?(row: Row, scene: Scene): Partial<DashboardState> | null;
}

export function tableView<Row>(spec: TableSpec<Row>): View {
  const sortedRows = (scene: Scene): { rows: readonly Row[]; sorted: number } => {
    const rows = spec.rows(scene);
    const sorted = spec.sortable[scene.state.places[spec.id].sort] ?? -1;
    const order = sorted < 0 ? undefined : spec.columns(scene)[sorted]?.sort;
    return { rows: order ? rows.toSorted(order) : rows, sorted };
  };
  return {
    id: spec.id,
    title: spec.title,
    ...(spec.hasCharts ? { hasCharts: true as const } : {}),
    sorts: spec.sortable.length,
    count: (scene) => spec.rows(scene).length,
    draw: (scene) => {
      const { rows, sorted } = sortedRows(scene);
      const { page, width, height } = scene;
      if (rows.length === 0) return [page.paint.quiet(` ${spec.empty(scene)}`)];
      const { cursor, top } = clamped(scene, spec, rows.length);
      return grid(rows, spec.columns(scene), { cursor, top, height, sorted }, width, page);
    },
    opens: (scene) => {
      const { rows } = sortedRows(scene);
      const row = rows[clamped(scene, spec, rows.length).cursor];
      return row === undefined ? null : (spec.opens?.(row, scene) ?? null);
    },
  };
}

/** Rows come and go between two pictures: the mark stays on one that is there. */
function clamped<Row>(
  { state, height }: Scene,
  { id }: TableSpec<Row>,
  count: number,
): { cursor: number; top: number } {
  const place = state.places[id];
  // a picture on paper has no mark
  if (place.cursor < 0) return { cursor: -1, top: 0 };
  const cursor = Math.max(0, Math.min(count - 1, place.cursor));
  return { cursor, top: topFor(cursor, place.top, height - 1, count) };
}

/** The state with the first line shown kept where it is drawn, so that the next step scrolls from there. */
export function settled(state: DashboardState, count: number, rows: number): DashboardState {
  const place = state.places[state.view];
  const cursor = Math.max(0, Math.min(count - 1, place.cursor));
  const top = topFor(cursor, place.top, rows, count);
  return top === place.top && cursor === place.cursor ? state : placed(state, { ...place, cursor, top });
}
