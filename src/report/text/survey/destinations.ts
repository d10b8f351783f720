import { UDP } from "../../../decode/packet.ts";
import { endpointText } from "../../../path/endpoints.ts";
import { formatCount, formatSeconds, formatShare } from "../../format-quantity.ts";
import type { Destination, DestinationAtPoint, DestinationDetails } from "../../survey/destinations.ts";
import type { Survey } from "../../survey/survey.ts";
import { type Page, type Paint, pointLabel } from "../page.ts";
import { type Column, fits, table } from "../table.ts";
import { hiddenRows } from "./hidden-rows.ts";
import { outcomeColumns } from "./outcome-columns.ts";

/** One line: an endpoint as one point saw it; the name is given once. */
interface Row extends DestinationAtPoint {
  name: string;
  /** The name, in every row. */
  fullName: string;
  pointName: string;
  times: DestinationDetails;
}

const SHOWN_ROWS = 12;

/** Endpoints called by many, a line for each point that saw them. */
export function destinationTables(survey: Survey, page: Page): string[] {
  const { points } = survey;
  const destinations = survey.destinations.calledByMany();
  const all = destinations.flatMap((one) => one.atPoints.map((atPoint, index) => ({ one, atPoint, index })));
  if (all.length === 0) return [];
  const rows: Row[] = all.slice(0, page.full ? all.length : SHOWN_ROWS).map(({ one, atPoint, index }) => ({
    ...atPoint,
    name: index === 0 ? endpointName(one) : "",
    fullName: endpointName(one),
    pointName: pointLabel(points[atPoint.point]?.name ?? "?", page),
    times: atPoint.details(),
  }));
  const names: Column<Row>[] = [{ title: "endpoint", cell: (row) => row.name }];
  if (points.length > 1) names.push({ title: "seen at", cell: (row) => row.pointName });
  const title = page.paint.title("Called by many");
  const hidden = hiddenRows(all.length - rows.length);
  const counted = [...names, ...counts(page.paint)];
  const whole = [...counted, ...TIMES];
  if (fits(rows, whole, page)) return [title, ...table(rows, whole, page), ...hidden];
  return [title, ...table(rows, counted, page), ...hidden, ...timeTable(rows, [...names, ...TIMES], page)];
}

/** Of the same rows, those that have a time. */
function timeTable(rows: readonly Row[], columns: readonly Column<Row>[], page: Page): string[] {
  const timed = rows.filter(({ times }) => !Number.isNaN(times.handshakeP50) || !Number.isNaN(times.firstByteP50));
  if (timed.length === 0) return [];
  const named = timed.map((row, index) => ({
    ...row,
    name: row.fullName === timed[index - 1]?.fullName ? "" : row.fullName,
  }));
  return ["", page.paint.title("How fast they answer"), ...table(named, columns, page)];
}

function endpointName({ address, port, protocol }: Destination): string {
  return `${endpointText(address, port)}${protocol === UDP ? " udp" : ""}`;
}

const counts = (paint: Paint): readonly Column<Row>[] => [
  { title: "legs", align: "right", cell: (row) => formatCount(row.legs) },
  { title: "clients", align: "right", rank: 2, cell: (row) => formatCount(row.times.callers) },
  ...outcomeColumns<Row>(paint),
  {
    title: "RST c/s",
    align: "right",
    rank: 3,
    cell: (row) => `${formatCount(row.resetsUp)}/${formatCount(row.resetsDown)}`,
  },
  { title: "retrans", align: "right", rank: 1, cell: (row) => formatShare(row.retransmits, row.packets) },
];

const TIMES: readonly Column<Row>[] = [
  { title: "connect p50", align: "right", cell: (row) => formatSeconds(row.times.handshakeP50) },
  { title: "p99", align: "right", cell: (row) => formatSeconds(row.times.handshakeP99) },
  { title: "first byte p50", align: "right", cell: (row) => formatSeconds(row.times.firstByteP50) },
];
