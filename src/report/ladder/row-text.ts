import { formatBytes, formatCount, formatNumberOf, formatSeconds } from "../format-quantity.ts";
import type { LadderRow, PacketsRow } from "./ladder-row.ts";

/** What a row says on the right of the ladder. */
export function rowText(row: LadderRow): string {
  switch (row.kind) {
    case "silence":
      return `… ${formatSeconds(row.seconds)} …`;
    case "left-out": {
      const bytes = `${formatBytes(row.bytesUp)} up, ${formatBytes(row.bytesDown)} down`;
      return `… ${formatNumberOf(row.packets, "packet")}, ${bytes} in ${formatSeconds(row.seconds)} …`;
    }
    case "packets":
      return packetsText(row);
  }
}

function packetsText({ steps, acknowledgments }: PacketsRow): string {
  const first = steps[0]!;
  const notes = first.notes.map((note) => `; ${note}`).join("");
  if (steps.length === 1) return first.label + notes;
  const bytes = steps.reduce((sum, { event }) => sum + event.length, 0);
  // the first one's own size gives way to that of all
  const what = first.label.replace(/^[\d.]+ [kMGTP]?B ?/, "");
  const acks = acknowledgments === 0 ? "" : `, ${formatNumberOf(acknowledgments, "ACK")}`;
  return `${formatBytes(bytes)} ${what} in ${formatCount(steps.length)}${acks}${notes}`;
}
