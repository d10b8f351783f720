import type { ProbeCost } from "../../capture/live-source.ts";
import type { DropCount, LiveSourceState } from "../../live/live-model.ts";
import { short, shortSeconds, shortShare } from "../quantities.ts";
import { tableView } from "../table-view.ts";
import { matches, type Scene } from "../view.ts";

type Row =
  | { kind: "source"; source: LiveSourceState }
  | { kind: "probe"; probe: ProbeCost }
  | { kind: "drop"; drop: DropCount }
  /** What cannot be counted here, or not all of it. */
  | { kind: "note"; note: string };

/** Where the packets come from, what is lost on the way, what watching costs, and what the kernel drops. */
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
      cell: nameOf,
      paint: (row, page) => (row.kind === "source" && row.source.state === "failed" ? page.paint.bad : null),
    },
    {
      title: "is",
      width: 14,
      cell: isWhat,
    },
    {
      title: "pkts or events",
      width: 14,
      align: "right",
      cell: (row) => numberText(packetsOf(row)),
    },
    {
      title: "lost",
      width: 6,
      align: "right",
      cell: (row) => numberText(lostOf(row)),
      paint: (row, page) => ((lostOf(row) ?? 0) > 0 ? page.paint.risk : null),
    },
    {
      title: "per s",
      width: 6,
      align: "right",
      cell: (row) => numberText(perSecondOf(row)),
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
    ...(model.drops?.notes ?? []).map((note): Row => ({ kind: "note", note: `drops: ${note}` })),
    ...(model.drops?.counts ?? []).map((drop): Row => ({ kind: "drop", drop })),
  ].filter((row) => matches(state.filter, [nameOf(row)]));
}

function nameOf(row: Row): string {
  switch (row.kind) {
    case "source":
      return row.source.name;
    case "probe":
      return row.probe.name;
    case "drop":
      return row.drop.reason;
    case "note":
      return row.note;
  }
}

function isWhat(row: Row): string {
  switch (row.kind) {
    case "source":
      return `${row.source.kind} ${row.source.state}`;
    case "probe":
      return row.probe.attached;
    case "drop":
      return "kernel drops";
    case "note":
      return "";
  }
}

function packetsOf(row: Row): number | null {
  switch (row.kind) {
    case "source":
      return row.source.packets;
    case "probe":
      return row.probe.events;
    case "drop":
      return row.drop.packets;
    case "note":
      return null;
  }
}

function lostOf(row: Row): number | null {
  if (row.kind === "source") return row.source.lost;
  return row.kind === "probe" ? row.probe.lost : null;
}

function perSecondOf(row: Row): number | null {
  if (row.kind === "source") return row.source.packetsPerSecond;
  return row.kind === "drop" ? row.drop.packetsPerSecond : null;
}

function numberText(value: number | null): string {
  return value === null ? "" : short(value);
}

function clockText({ clockOffset, clockUncertainty }: LiveSourceState): string {
  if (!Number.isFinite(clockOffset) || !Number.isFinite(clockUncertainty)) return "";
  return `${clockOffset < 0 ? "-" : "+"}${shortSeconds(Math.abs(clockOffset))} ±${shortSeconds(clockUncertainty)}`;
}
