import type { FlowAnswer, LiveModel } from "../live/live-model.ts";
import type { Page } from "../report/text/page.ts";
import type { DashboardState, ViewId } from "./state.ts";

/** What a view is drawn from; the same gives the same lines. */
export interface Scene {
  model: LiveModel;
  state: DashboardState;
  /** The connections that the flows view asked for; null until they have come. */
  flows: FlowAnswer | null;
  page: Page;
  /** Columns and lines there are for it. */
  width: number;
  height: number;
}

/** One of the dashboard's views: a table over the model. */
export interface View {
  id: ViewId;
  title: string;
  /** Rows that there are behind the filter. */
  count(scene: Scene): number;
  /** Ways to sort its rows. */
  sorts: number;
  /** At most `height` lines of at most `width` columns. */
  draw(scene: Scene): string[];
  /** What Enter leads to from the marked row. */
  opens?(scene: Scene): Partial<DashboardState> | null;
  /** True where the charts belong under it. */
  hasCharts?: true;
}

/** True where all words of the filter are in one of the texts, in any case. */
export function matches(filter: string, texts: readonly (string | null)[]): boolean {
  if (filter === "") return true;
  const all = texts.join(" ").toLowerCase();
  return filter
    .toLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word));
}
