import { formatCount, formatSeconds, formatShare } from "../report/format-quantity.ts";

/** A counter that only grows, as it was seen. */
export interface Count {
  /** Since the kernel began to count. */
  total: number;
  /** During the time that was watched; null where nothing was watched. */
  grown: number | null;
}

/** How long counters have counted. */
export interface CountedSince {
  /** Seconds since boot: the longest it can be. Null where that cannot be told. */
  uptimeSeconds: number | null;
  /** Seconds watched, null where nothing was. */
  watchedSeconds: number | null;
}

/** From when on a part of a whole is worth a word: both a number and a share. */
export interface Worth {
  atLeast: number;
  share: number;
}

/**
 * Whether events are too many to be chance. Of what was watched, that alone counts, and a tenth is enough: a burst last
 * month is no trouble now. Where it was not, the total since boot.
 *
 * @param whole what the events are a part of, such as packets received; a host that has seen nothing accuses nobody.
 */
export function isMany(events: Count, whole: Count, { atLeast, share }: Worth): boolean {
  if (events.grown !== null)
    return events.grown >= Math.max(1, atLeast / 10) && events.grown >= share * (whole.grown ?? 0);
  return events.total >= atLeast && events.total >= share * whole.total;
}

/** `1,204 of 3,400 (35%) in 3 d 04 h`, or `… in the 10 s watched`. */
export function countText(events: Count, whole: Count | null, since: CountedSince): string {
  const isWatched = events.grown !== null && since.watchedSeconds !== null;
  const part = events.grown !== null && isWatched ? events.grown : events.total;
  const all = whole === null ? null : isWatched ? whole.grown : whole.total;
  const share = all === null || all < part ? "" : ` of ${formatCount(all)} (${formatShare(part, all)})`;
  return `${formatCount(part)}${share} ${sinceText(since)}`;
}

export function sinceText({ uptimeSeconds, watchedSeconds }: CountedSince): string {
  if (watchedSeconds !== null) return `in the ${formatSeconds(watchedSeconds)} watched`;
  return uptimeSeconds === null ? "since boot" : `since boot, at most ${formatSeconds(Math.round(uptimeSeconds))} ago`;
}
