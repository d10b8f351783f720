import { filesOf, type TrackedCapture } from "../../../flow/tracked-capture.ts";
import { pointsOf } from "../../capture-facts.ts";
import { formatBytes, formatCount, formatSeconds } from "../../format-quantity.ts";
import { keepEnd, type Page, printable } from "../page.ts";
import { type Column, table } from "../table.ts";

const PATH_COLUMNS = 36;

/** What was read: each file, its packets, and when it began and ended after the first packet of all. */
export function fileTable(captures: readonly TrackedCapture[], page: Page): string[] {
  const start = Math.min(...captures.map(({ firstTime }) => firstTime).filter((time) => !Number.isNaN(time)));
  const room = page.full ? Number.POSITIVE_INFINITY : Math.max(PATH_COLUMNS, page.width - 64);
  const files = captures.flatMap((capture) => filesOf(capture).map((file) => ({ ...file, capture })));
  const columns: Column<(typeof files)[number]>[] = [
    { title: "file", cell: ({ path }) => keepEnd(printable(path === "-" ? "- (stdin)" : path), room) },
    { title: "format", rank: 1, cell: ({ capture }) => capture.format },
    { title: "packets", align: "right", cell: ({ packets }) => formatCount(packets) },
    { title: "bytes", align: "right", cell: ({ bytes }) => formatBytes(bytes) },
    { title: "begins", align: "right", rank: 2, cell: ({ firstTime }) => after(firstTime, start) },
    { title: "ends", align: "right", rank: 2, cell: ({ lastTime }) => after(lastTime, start) },
    { title: "points", rank: 3, cell: ({ capture }) => keepEnd(printable(pointsOf(capture).join(" ")), room) },
  ];
  return [page.paint.title("Captures"), ...table(files, columns, page)];
}

function after(time: number, start: number): string {
  return Number.isNaN(time) ? "-" : `+${formatSeconds((time - start) / 1e9)}`;
}
