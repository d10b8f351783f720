import type { TimeBase } from "../../capture/time-base.ts";
import type { ConnectionDocument } from "../analysis-contract.ts";
import { connectionDocument } from "../connection-document.ts";
import type { LegList } from "../leg-list.ts";

/** Columns by name, from the same document as JSON gives. */
const COLUMNS: Readonly<Record<string, (one: ConnectionDocument) => string | number | null | undefined>> = {
  id: (one) => one.id,
  protocol: (one) => one.protocol,
  client: (one) => one.client,
  vip: (one) => one.vip,
  backend: (one) => one.backend,
  observation_point: (one) => one.legs[0]?.observationPoint,
  encapsulation: (one) => one.legs[0]?.encapsulation.join(" > "),
  start: (one) => one.start,
  end: (one) => one.end,
  outcome: (one) => one.outcome,
  conn_state: (one) => one.connState,
  history: (one) => one.history,
  bytes_up: (one) => one.bytes.up,
  bytes_down: (one) => one.bytes.down,
  packets_up: (one) => one.packets.up,
  packets_down: (one) => one.packets.down,
  retransmits_up: (one) => one.retransmits.up,
  retransmits_down: (one) => one.retransmits.down,
  handshake: (one) => one.handshake,
  reset_cause: (one) => one.reset?.cause,
  community_id: (one) => one.communityId[0],
};

const LINES_AT_ONCE = 500;

/**
 * Legs as CSV with a header: quoted as RFC 4180 says, lines ended by LF as Unix tools expect. What is not known is an
 * empty field.
 *
 * @returns pieces of whole lines, without the last line's end.
 */
export function* flowCsv(list: LegList, places: readonly number[], timeBase: TimeBase): Generator<string> {
  let lines = [Object.keys(COLUMNS).join(",")];
  for (const place of places) {
    const document = connectionDocument(list.at(place), timeBase);
    lines.push(
      Object.values(COLUMNS)
        .map((cell) => csvField(cell(document)))
        .join(","),
    );
    if (lines.length < LINES_AT_ONCE) continue;
    yield lines.join("\n");
    lines = [];
  }
  if (lines.length > 0) yield lines.join("\n");
}

/** RFC 4180 2.5 to 2.7. */
export function csvField(value: string | number | null | undefined): string {
  const text = value === null || value === undefined ? "" : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
