import { formatBytes, formatCount, formatShare } from "../../format-quantity.ts";
import type { PointCounts } from "../../survey/points.ts";
import type { Survey } from "../../survey/survey.ts";
import { type Page, pointLabel } from "../page.ts";
import { type Column, table } from "../table.ts";
import { outcomeColumns } from "./outcome-columns.ts";

/** What each observation point saw, and how its legs ended. */
export function outcomeTable(survey: Survey, page: Page): string[] {
  if (survey.points.length === 0) return [];
  return [page.paint.title("Outcomes by observation point"), ...table(survey.points, columns(page), page)];
}

const columns = (page: Page): readonly Column<PointCounts>[] => [
  { title: "point", cell: (point) => pointLabel(point.name, page) },
  { title: "packets", align: "right", rank: 1, cell: (point) => formatCount(point.packets) },
  { title: "bytes", align: "right", rank: 2, cell: (point) => formatBytes(point.bytes) },
  { title: "legs", align: "right", cell: (point) => formatCount(point.legs) },
  ...outcomeColumns<PointCounts>(page.paint),
  { title: "one-way", align: "right", rank: 4, cell: (point) => formatCount(point.oneWay) },
  { title: "retrans", align: "right", rank: 3, cell: (point) => formatShare(point.retransmits, point.legPackets) },
];
