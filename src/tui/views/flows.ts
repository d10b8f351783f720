import type { LiveFlow } from "../../live/live-model.ts";
import { clock, short, shortSeconds } from "../quantities.ts";
import { FLOW_SORTS } from "../state.ts";
import { tableView } from "../table-view.ts";
import type { Scene } from "../view.ts";

/** Connections: asked of the session, which filters and sorts them, so that all of them need not be here. */
export const flowsView = tableView<LiveFlow>({
  id: "flows",
  title: "Flows",
  // the session sorts: the columns only show by which
  sortable: FLOW_SORTS.map((_, i) => [4, 5, 6, 7, 8, 9][i]!),
  rows: ({ flows }) => flows?.flows ?? [],
  empty: emptyText,
  columns: () => [
    { title: "client", width: 21, cell: ({ client }) => client },
    { title: "VIP", width: 18, rank: 4, cell: ({ vip }) => vip },
    { title: "backend", width: 18, grows: true, cell: ({ backend }) => backend ?? "-" },
    {
      title: "outcome",
      width: 16,
      cell: outcomeText,
      paint: ({ outcome }, page) => (outcome === "ok" || outcome === "open" ? null : page.paint.bad),
    },
    { title: "start", width: 8, rank: 1, cell: ({ start }) => clock(start) },
    { title: "lasted", width: 7, align: "right", rank: 3, cell: ({ start, end }) => shortSeconds(end - start) },
    { title: "bytes", width: 6, align: "right", rank: 2, cell: ({ bytes }) => short(bytes.up + bytes.down) },
    { title: "pkts", width: 6, align: "right", rank: 6, cell: ({ packets }) => short(packets.up + packets.down) },
    {
      title: "rexmt",
      width: 6,
      align: "right",
      rank: 5,
      cell: ({ retransmits }) => short(retransmits.up + retransmits.down),
    },
    { title: "connect", width: 8, align: "right", rank: 6, cell: ({ handshake }) => shortSeconds(handshake) },
  ],
  opens: ({ id }) => ({ overlay: { kind: "ladder", id, top: 0 } }),
});

function outcomeText({ outcome, reset, active }: LiveFlow): string {
  if (reset !== null && outcome !== "ok") return `${outcome} ${reset.by} ${reset.cause}`;
  return active && outcome === "open" ? "open" : outcome;
}

function emptyText({ flows, state }: Scene): string {
  if (flows === null) return "asking…";
  const scope = Object.values(state.scope).join(" ");
  return state.filter === "" && scope === ""
    ? "no connection seen yet"
    : `no connection matches ${scope} ${state.filter}`;
}
