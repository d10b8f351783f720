import type { LiveBackend } from "../../live/live-model.ts";
import { short, shortSeconds, shortShare } from "../quantities.ts";
import { tableView } from "../table-view.ts";
import { matches } from "../view.ts";
import { severityPaint, worstOf } from "./finding-marks.ts";
import { newPerSecond, resetsPerSecond } from "./rate-columns.ts";
import { whoText } from "./vips.ts";

/** Backends side by side: share, errors, times. */
export const backendsView = tableView<LiveBackend>({
  id: "backends",
  title: "Backends",
  hasCharts: true,
  sortable: [3, 2, 6, 8, 9],
  rows: ({ model, state }) => model.backends.filter(({ vip, backend }) => matches(state.filter, [vip, backend])),
  empty: ({ state }) => (state.filter === "" ? "no backend seen yet" : `no backend matches ${state.filter}`),
  columns: ({ model, state: { window } }) => [
    {
      title: "backend",
      width: 18,
      grows: true,
      cell: ({ backend }) => backend,
      paint: ({ findings }, page) => severityPaint(worstOf(model, findings), page),
    },
    { title: "VIP", width: 18, rank: 3, cell: ({ vip }) => vip },
    newPerSecond(window),
    {
      title: "share",
      width: 6,
      align: "right",
      cell: ({ share }) => shortShare(share[window]),
      sort: (a, b) => b.share[window] - a.share[window],
    },
    { title: "expect", width: 6, align: "right", rank: 1, cell: ({ expectedShare }) => shortShare(expectedShare) },
    { title: "active", width: 6, align: "right", rank: 2, cell: ({ active }) => short(active) },
    resetsPerSecond(window),
    { title: "who", width: 12, rank: 4, cell: ({ windows }) => whoText(windows[window].resetsBy) },
    {
      title: "rexmt/s",
      width: 7,
      align: "right",
      rank: 1,
      cell: ({ windows }) => short(windows[window].retransmitsPerSecond),
      sort: (a, b) => b.windows[window].retransmitsPerSecond - a.windows[window].retransmitsPerSecond,
    },
    {
      title: "p99",
      width: 6,
      align: "right",
      cell: ({ windows }) => shortSeconds(windows[window].connectP99),
      sort: (a, b) => (b.windows[window].connectP99 || 0) - (a.windows[window].connectP99 || 0),
    },
    { title: "1st byte", width: 8, align: "right", rank: 5, cell: ({ firstByteP50 }) => shortSeconds(firstByteP50) },
  ],
  opens: ({ vip, backend }) => ({ view: "flows", scope: { vip, backend } }),
});
