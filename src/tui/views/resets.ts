import type { LiveResetCount } from "../../live/live-model.ts";
import { sparkline } from "../../report/text/sparkline.ts";
import { clock, short } from "../quantities.ts";
import { tableView } from "../table-view.ts";
import { matches } from "../view.ts";

/** Resets that did harm: who sent them, why, and when. */
export const resetsView = tableView<LiveResetCount>({
  id: "resets",
  title: "Resets",
  hasCharts: true,
  sortable: [2, 6],
  rows: ({ model, state }) =>
    model.resets.filter(({ vip, backend, by, cause }) => matches(state.filter, [vip, backend, by, cause])),
  empty: ({ state }) =>
    state.filter === "" ? "✓ no reset that did harm in the last 15 minutes" : `no reset matches ${state.filter}`,
  columns: ({ state: { window } }) => [
    { title: "who", width: 9, cell: ({ by }) => by },
    { title: "why", width: 13, cell: ({ cause }) => cause },
    {
      title: "resets",
      width: 7,
      align: "right",
      cell: ({ counts }) => short(counts[window]),
      sort: (a, b) => b.counts[window] - a.counts[window],
    },
    { title: "VIP", width: 18, grows: true, cell: ({ vip }) => vip },
    { title: "backend", width: 18, rank: 2, cell: ({ backend }) => backend },
    // ninety tens of seconds: the last of them, as many as there is room for
    { title: "last 5 min", width: 30, rank: 3, cell: ({ over }) => sparkline(over.slice(-30)) },
    { title: "last", width: 8, rank: 1, cell: ({ last }) => clock(last), sort: (a, b) => b.last - a.last },
  ],
  opens: ({ vip, backend }) => ({
    view: "flows",
    scope: { vip, ...(backend.startsWith("(") ? {} : { backend }) },
    filter: "reset",
  }),
});
