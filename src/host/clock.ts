import type { Host } from "./host.ts";
import { openLibc } from "./libc.ts";
import { fromJson } from "./links.ts";

/** What the kernel knows of its clock (adjtimex(2), RFC 5905). */
export interface ClockState {
  isSynchronised: boolean;
  /** The daemon's own bound of the error; meaningless where nothing synchronises. */
  maxErrorSeconds: number;
}

/** struct timex is 208 bytes on 64-bit Linux; modes, then longs: offset, freq, maxerror, esterror, int status. */
const TIMEX_BYTES = 208;
const MAXERROR_AT = 24;
const STATUS_AT = 40;
const STA_UNSYNC = 0x40;

/** Null where neither koffi nor the folder tells. */
export function readClock(host: Host): ClockState | null {
  const told = host.fact("clock.json", () => {
    const libc = openLibc();
    if (libc === null) return null;
    const timex = Buffer.alloc(TIMEX_BYTES);
    // modes of 0 only ask
    if (libc.adjtimex(timex) < 0) return null;
    const state: ClockState = {
      isSynchronised: (timex.readInt32LE(STATUS_AT) & STA_UNSYNC) === 0,
      maxErrorSeconds: Number(timex.readBigInt64LE(MAXERROR_AT)) / 1e6,
    };
    return JSON.stringify(state);
  });
  const state = fromJson(told ?? "null") as Partial<ClockState> | null | undefined;
  if (state == null || typeof state.isSynchronised !== "boolean") return null;
  return { isSynchronised: state.isSynchronised, maxErrorSeconds: Number(state.maxErrorSeconds ?? Number.NaN) };
}
