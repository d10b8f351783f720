import type { LiveVip, ResetsBy } from "../../live/live-model.ts";
import { sparkline } from "../../report/text/sparkline.ts";
import { chance, short, shortSeconds } from "../quantities.ts";
import { tableView } from "../table-view.ts";
import { matches } from "../view.ts";
import { severityPaint, worstOf } from "./finding-marks.ts";
import { newPerSecond, resetsPerSecond } from "./rate-columns.ts";

const MOST_BARS = 8;

/** VIPs: what they carry, who resets, how evenly it is shared. */
export const vipsView = tableView<LiveVip>({
  id: "vips",
  title: "VIPs",
  hasCharts: true,
  sortable: [1, 2, 5, 9],
  rows: ({ model, state }) =>
    model.vips.filter(({ vip, mode, scheduler }) => matches(state.filter, [vip, mode, scheduler])),
  empty: ({ state }) => (state.filter === "" ? "no VIP seen yet" : `no VIP matches ${state.filter}`),
  columns: ({ model, state: { window } }) => [
    {
      title: "VIP",
      width: 18,
      grows: true,
      cell: ({ vip }) => vip,
      paint: ({ findings }, page) => severityPaint(worstOf(model, findings), page),
    },
    newPerSecond(window),
    {
      title: "active",
      width: 7,
      align: "right",
      cell: ({ active }) => short(active),
      sort: (a, b) => b.active - a.active,
    },
    {
      title: "in b/s",
      width: 6,
      align: "right",
      rank: 3,
      cell: ({ windows }) => short(windows[window].bitsPerSecond.up),
    },
    {
      title: "out b/s",
      width: 7,
      align: "right",
      rank: 2,
      cell: ({ windows }) => short(windows[window].bitsPerSecond.down),
    },
    resetsPerSecond(window),
    { title: "who", width: 12, rank: 1, cell: ({ windows }) => whoText(windows[window].resetsBy) },
    {
      title: "p50",
      width: 6,
      align: "right",
      rank: 2,
      cell: ({ windows }) => shortSeconds(windows[window].connectP50),
    },
    { title: "p99", width: 6, align: "right", cell: ({ windows }) => shortSeconds(windows[window].connectP99) },
    {
      title: "balance",
      width: MOST_BARS + 17,
      rank: 4,
      cell: ({ balance }) => {
        const { shares, skew, pValue } = balance[window];
        if (shares.length === 0) return "";
        const bars = sparkline(shares.toSorted((a, b) => b - a).slice(0, MOST_BARS));
        return Number.isNaN(skew) ? bars : `${bars} ${skew.toFixed(2)} ${chance(pValue)}`;
      },
      sort: (a, b) => (b.balance[window].skew || 0) - (a.balance[window].skew || 0),
    },
  ],
  opens: ({ vip }) => ({ view: "backends", filter: vip }),
});

const SHORT_NAMES: Readonly<Record<keyof ResetsBy, string>> = {
  client: "cl",
  backend: "be",
  lb: "lb",
  middlebox: "mid",
  unknown: "?",
};

/** `lb 92% be 8%`: who sent the resets, the two that sent most. */
export function whoText(by: ResetsBy): string {
  const all = Object.entries(by) as [keyof ResetsBy, number][];
  const total = all.reduce((sum, [, count]) => sum + count, 0);
  if (total === 0) return "";
  return all
    .filter(([, count]) => count > 0)
    .sort((a, b) => b[1] - a[1])
    .slice(0, 2)
    .map(([who, count]) => `${SHORT_NAMES[who]} ${Math.round((100 * count) / total)}%`)
    .join(" ");
}
