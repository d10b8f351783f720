import type { LegView } from "../../flow/leg-view.ts";
import type { LegList } from "../leg-list.ts";
import { isWanted, type LegFilter } from "./leg-filter.ts";

/** What legs can be sorted by: the earliest first, of everything else the largest. */
export type SortKey = "start" | "duration" | "bytes" | "packets" | "retransmits" | "handshake" | "first-byte";

export const SORT_KEYS: readonly SortKey[] = [
  "start",
  "duration",
  "bytes",
  "packets",
  "retransmits",
  "handshake",
  "first-byte",
];

export interface Selection {
  filter: LegFilter;
  sort: SortKey;
  /** The other way round. */
  reverse: boolean;
  /** At most so many, counted after sorting. */
  limit: number;
}

/**
 * The legs wanted, as places in the list, sorted. What a leg does not have to be sorted by puts it last.
 *
 * @returns `matched` counts them before the limit.
 */
export function selectLegs(list: LegList, selection: Selection): { places: number[]; matched: number } {
  const places: number[] = [];
  const keys = new Float64Array(list.count);
  const keyOf = KEYS[selection.sort];
  for (let place = 0; place < list.count; place++) {
    const listed = list.at(place);
    if (!isWanted(selection.filter, listed)) continue;
    places.push(place);
    keys[place] = keyOf(listed.leg);
  }
  sortPlaces(places, keys, selection);
  return { places: places.slice(0, selection.limit), matched: places.length };
}

/**
 * Sorts places of a list that is in the order of starts already, in place. What has no key comes last, either way.
 *
 * @param keys by place
 */
export function sortPlaces(
  places: number[],
  keys: Float64Array,
  { sort, reverse }: Pick<Selection, "sort" | "reverse">,
): void {
  if (sort === "start" && !reverse) return;
  const sign = (sort === "start" ? 1 : -1) * (reverse ? -1 : 1);
  places.sort((a, b) => {
    const [keyA, keyB] = [keys[a]!, keys[b]!];
    if (Number.isNaN(keyA) || Number.isNaN(keyB)) return Number(Number.isNaN(keyA)) - Number(Number.isNaN(keyB));
    return sign * (keyA - keyB) || a - b;
  });
}

const KEYS: Readonly<Record<SortKey, (leg: LegView) => number>> = {
  start: (leg) => leg.start,
  duration: (leg) => leg.end - leg.start,
  bytes: ({ up, down }) => up.payloadBytes + down.payloadBytes,
  packets: ({ up, down }) => up.packets - up.copies + down.packets - down.copies,
  retransmits: ({ up, down }) => up.retransmits + down.retransmits,
  handshake: handshakeOf,
  "first-byte": firstByteOf,
};

/** Nanoseconds from the SYN to the ACK that completes the handshake; NaN where one was not seen. */
export function handshakeOf(leg: LegView): number {
  return leg.handshakeAckTime - leg.up.synTime;
}

/** Nanoseconds from the request's first byte to the answer's, see LegFigures.firstByte. */
export function firstByteOf(leg: LegView): number {
  const answer = leg.down.dataTime;
  const request = leg.up.dataTime;
  return answer - (request <= answer ? request : leg.handshakeAckTime);
}
