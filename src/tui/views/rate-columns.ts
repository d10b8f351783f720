import type { LiveRates, PerWindow, WindowName } from "../../live/live-model.ts";
import type { GridColumn } from "../grid.ts";
import { short } from "../quantities.ts";

interface Rated {
  windows: PerWindow<LiveRates>;
}

/** New connections per second, of whatever has rates. */
export function newPerSecond<Row extends Rated>(window: WindowName): GridColumn<Row> {
  return {
    title: "conn/s",
    width: 7,
    align: "right",
    cell: ({ windows }) => short(windows[window].connectionsPerSecond),
    sort: (a, b) => b.windows[window].connectionsPerSecond - a.windows[window].connectionsPerSecond,
  };
}

/** Harmful resets per second, red where there are any. */
export function resetsPerSecond<Row extends Rated>(window: WindowName): GridColumn<Row> {
  return {
    title: "rst/s",
    width: 6,
    align: "right",
    cell: ({ windows }) => short(windows[window].resetsPerSecond),
    paint: ({ windows }, page) => (windows[window].resetsPerSecond > 0 ? page.paint.bad : null),
    sort: (a, b) => b.windows[window].resetsPerSecond - a.windows[window].resetsPerSecond,
  };
}
