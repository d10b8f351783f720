import type { ProbeCost } from "../../capture/live-source.ts";
import type { LiveSourceState } from "../../live/live-model.ts";
import { short, shortSeconds, shortShare } from "../quantities.ts";
import { tableView } from "../table-view.ts";
import { matches, type Scene } from "../view.ts";

type Row = { kind: "source"; source: LiveSourceState } | { kind: "probe"; probe: ProbeCost };

/** Where the packets come from, what is lost on the way, and what watching costs. */
export const probesView = tableView<Row>({
  id: "probes",
  title: "Probes",
  sortable: [],
  rows: rowsOf,
  empty: () => "no source",
  columns: () => [
    {
      title: "source or probe",
      width: 20,
      grows: true,
      cell: (row) => (row.kind === "source" ? row.source.name : row.probe.name),
      paint: (row, page) => (row.kind === "source" && row.source.state === "failed" ? page.paint.bad : null),
    },
    {
      title: "is",
      width: 14,
      cell: (row) => (row.kind === "source" ? `${row.source.kind} ${row.source.state}` : row.probe.attached),
    },
    {
      title: "pkts or events",
      width: 14,
      align: "right",
      cell: (row) => short(row.kind === "source" ? row.source.packets : row.probe.events),
    },
    {
      title: "lost",
      width: 6,
      align: "right",
      cell: (row) => short(lostOf(row)),
      paint: (row, page) => (lostOf(row) > 0 ? page.paint.risk : null),
    },
    {
      title: "per s",
      width: 6,
      align: "right",
      cell: (row) => (row.kind === "source" ? short(row.source.packetsPerSecond) : ""),
    },
    {
      title: "lag",
      width: 6,
      align: "right",
      rank: 1,
      cell: (row) => (row.kind === "source" ? shortSeconds(row.source.lag) : ""),
    },
    {
      title: "ns each",
      width: 7,
      align: "right",
      rank: 1,
      cell: (row) => (row.kind === "probe" ? short(row.probe.nanosecondsPerEvent) : ""),
    },
    {
      title: "core",
      width: 6,
      align: "right",
      cell: (row) => (row.kind === "probe" ? shortShare(row.probe.coreShare) : ""),
    },
    {
      title: "clock",
      width: 16,
      align: "right",
      rank: 2,
      cell: (row) => (row.kind === "source" ? clockText(row.source) : ""),
    },
    {
      title: "why",
      width: 20,
      rank: 3,
      cell: (row) => (row.kind === "source" ? (row.source.failure ?? "") : ""),
    },
  ],
});

function rowsOf({ model, state }: Scene): Row[] {
  return [
    ...model.sources.map((source): Row => ({ kind: "source", source })),
    ...model.probes.map((probe): Row => ({ kind: "probe", probe })),
  ].filter((row) => matches(state.filter, [row.kind === "source" ? row.source.name : row.probe.name]));
}

function lostOf(row: Row): number {
  return row.kind === "source" ? row.source.lost : row.probe.lost;
}

function clockText({ clockOffset, clockUncertainty }: LiveSourceState): string {
  if (!Number.isFinite(clockOffset) || !Number.isFinite(clockUncertainty)) return "";
  return `${clockOffset < 0 ? "-" : "+"}${shortSeconds(Math.abs(clockOffset))} ±${shortSeconds(clockUncertainty)}`;
}
