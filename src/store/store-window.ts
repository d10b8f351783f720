import { nsOfEpoch, nsOfSeconds } from "./epoch-ns.ts";
import { parseSpan } from "./spans.ts";
import { StoreError } from "./store-error.ts";

/** A part of a store's time: nanoseconds of the epoch, the end not included. */
export interface StoreWindow {
  from: bigint;
  to: bigint;
}

/** All of it. */
export const ALWAYS: StoreWindow = { from: 0n, to: 2n ** 62n };

/** How a user says a window. */
export interface WindowWords {
  from?: string | undefined;
  to?: string | undefined;
  /** A duration that ends with the newest of the store: `15m`. */
  last?: string | undefined;
}

const TIMES = "an epoch time (1795180584.5) or a date (2026-11-20T14:07:52Z, 2026-11-20 14:07 in UTC)";

/**
 * @param newest end of what the store holds, for `last`; null where it holds nothing
 * @throws StoreError with a line that says what was expected
 */
export function windowOf({ from, to, last }: WindowWords, newest: bigint | null): StoreWindow {
  const end = to === undefined ? null : parseTime("--to", to);
  if (last !== undefined) {
    const until = end ?? newest ?? ALWAYS.to;
    return { from: until - (nsOfSeconds(spanOf("--last", last)) ?? 0n), to: end ?? ALWAYS.to };
  }
  const window = { from: from === undefined ? ALWAYS.from : parseTime("--from", from), to: end ?? ALWAYS.to };
  if (window.from >= window.to) throw new StoreError(`--from ${from} is not before --to ${to}`, "input");
  return window;
}

/** @param flag named in the error */
function spanOf(flag: string, text: string): number {
  const seconds = parseSpan(text);
  if (!seconds) throw new StoreError(`${flag}: expected a duration (90s, 15m, 24h, 7d), got ${text}`, "input");
  return seconds;
}

/** Nanoseconds of the epoch; dates without a zone are UTC, as everything that is printed. */
function parseTime(flag: string, text: string): bigint {
  if (/^\d+(\.\d{1,9})?$/.test(text)) return nsOfEpoch(text) ?? 0n;
  const isDate = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$/i.test(text);
  const hasZone = /(Z|[+-]\d{2}:?\d{2})$/i.test(text) && text.length > 10 && /\d:\d/.test(text);
  const ms = isDate ? Date.parse(text.length <= 10 || hasZone ? text : `${text.replace(" ", "T")}Z`) : Number.NaN;
  if (Number.isNaN(ms)) throw new StoreError(`${flag}: expected ${TIMES}, got ${text}`, "input");
  return BigInt(ms) * 1_000_000n;
}
