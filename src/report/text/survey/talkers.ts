import { addressText } from "../../../topology/address.ts";
import { formatBytes, formatCount, formatShare } from "../../format-quantity.ts";
import type { Survey } from "../../survey/survey.ts";
import type { Talker } from "../../survey/talkers.ts";
import { type Page, pointLabel } from "../page.ts";
import { type Column, table } from "../table.ts";

const SHOWN = 5;

/** The addresses with most bytes and those that opened most, in one table. */
export function talkerTable(survey: Survey, page: Page): string[] {
  const talkers = survey.talkers?.top(page.full ? Number.POSITIVE_INFINITY : SHOWN) ?? [];
  if (talkers.length === 0) return [];
  const { points } = survey;
  const columns: Column<Talker>[] = [
    { title: "client", cell: ({ address }) => addressText(address) },
    ...(points.length > 1
      ? [{ title: "seen at", cell: ({ point }: Talker) => pointLabel(points[point]?.name ?? "?", page) }]
      : []),
    { title: "opened", align: "right", cell: ({ opened }) => formatCount(opened) },
    { title: "bytes", align: "right", cell: ({ bytes }) => formatBytes(bytes) },
    {
      title: "of the point's",
      align: "right",
      cell: ({ bytes, point }) => formatShare(bytes, points[point]?.bytes ?? 0),
    },
  ];
  return [page.paint.title("Top talkers, by bytes and by connections opened"), ...table(talkers, columns, page)];
}
