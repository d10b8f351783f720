import { formatCount } from "../../format-quantity.ts";
import type { ResetShape } from "../../reset-shape.ts";
import type { ResetCounts } from "../../survey/resets.ts";
import type { Survey } from "../../survey/survey.ts";
import type { Page } from "../page.ts";
import { type Column, table } from "../table.ts";

/** What the resets look like and which side they came from; who really sent them takes more than one point to tell. */
export function resetTable(survey: Survey, page: Page): string[] {
  const { legs, byShape } = survey.resets;
  if (legs === 0) return [];
  const seen = byShape.filter(({ fromClient, fromServer }) => fromClient + fromServer > 0);
  return [page.paint.title("Resets by shape, the first of each leg"), ...table(seen, COLUMNS, page)];
}

const ON_THE_WIRE: Readonly<Record<ResetShape, string>> = {
  refused: "RST+ACK, seq 0, answers a SYN",
  "no-socket": "bare RST, seq is the ack it answers",
  abort: "RST+ACK in sequence",
  "after-close": "after a FIN",
  other: "none of these",
};

const MEANING: Readonly<Record<ResetShape, string>> = {
  refused: "nobody listens there, or a box says so",
  "no-socket": "the sender knows no such connection",
  abort: "a process gave up its connection",
  "after-close": "late data; mostly harmless",
  other: "half a capture, or a forger",
};

const COLUMNS: readonly Column<ResetCounts>[] = [
  { title: "shape", cell: ({ shape }) => shape },
  { title: "client side", align: "right", cell: ({ fromClient }) => formatCount(fromClient) },
  { title: "server side", align: "right", cell: ({ fromServer }) => formatCount(fromServer) },
  { title: "on the wire", rank: 2, cell: ({ shape }) => ON_THE_WIRE[shape] },
  { title: "usually", rank: 1, cell: ({ shape }) => MEANING[shape] },
];
