import type { TimeBase } from "../../capture/time-base.ts";

/** A time as users give it: of the clock, of the epoch, or since the start of the capture. Seconds. */
export type Moment =
  | { kind: "offset"; seconds: number }
  | { kind: "clock"; secondOfDay: number }
  | { kind: "epoch"; seconds: number; fraction: number };

/** From one moment to another; null is the start or the end of the capture. */
export interface MomentRange {
  from: Moment | null;
  to: Moment | null;
}

const DAY = 86_400;

/**
 * Reads `14:07:52.627` (UTC, as reports print it), `+4.2s` since the start of the capture, `2026-11-20T14:07:52Z` or
 * epoch seconds.
 *
 * @throws Error in one line
 */
export function parseMoment(text: string): Moment {
  const offset = /^\+(\d+(?:\.\d+)?) ?(ms|s|m|h)?$/.exec(text);
  if (offset) {
    const factor = { ms: 1e-3, s: 1, m: 60, h: 3600 }[offset[2] ?? "s"] ?? 1;
    return { kind: "offset", seconds: Number(offset[1]) * factor };
  }
  const clock = /^([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d(?:\.\d+)?))?Z?$/.exec(text);
  if (clock) {
    const [, hours, minutes, seconds = "0"] = clock;
    return { kind: "clock", secondOfDay: Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds) };
  }
  const date = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.\d+)? ?(Z|UTC|[+-]\d\d:?\d\d)?$/.exec(text);
  if (date) {
    const [, day, time, fraction = "0", zone = "Z"] = date;
    const seconds = Date.parse(`${day}T${time}${zone === "UTC" ? "Z" : zone}`) / 1000;
    if (!Number.isNaN(seconds)) return { kind: "epoch", seconds, fraction: Number(`0${fraction}`) };
  }
  const epoch = /^(\d{9,11})(\.\d+)?$/.exec(text);
  if (epoch) return { kind: "epoch", seconds: Number(epoch[1]), fraction: Number(`0${epoch[2] ?? ""}`) };
  throw new Error(`expected a time such as 14:07:52 (UTC), +4.2s or 2026-11-20T14:07:52Z, but received: ${text}`);
}

/**
 * Reads `FROM..TO`; either may be left out.
 *
 * @throws Error in one line
 */
export function parseMomentRange(text: string): MomentRange {
  const at = text.indexOf("..");
  const [from, to] = [text.slice(0, Math.max(0, at)).trim(), text.slice(at + 2).trim()];
  if (at < 0 || (from === "" && to === "")) {
    throw new Error(`expected FROM..TO, either of which may be left out, but received: ${text}`);
  }
  return { from: from === "" ? null : parseMoment(from), to: to === "" ? null : parseMoment(to) };
}

/** The time that a run takes, ns since its base. */
export interface RunSpan {
  start: number;
  end: number;
  timeBase: TimeBase;
  /** True where days are kept, of which the newest is meant: a recorder's store. */
  isNewestMeant?: boolean;
}

/**
 * A moment of a run in ns since its base. A time of day is the first at or after the run's start, if the run has it; the
 * last before its end, where the newest is meant.
 */
export function resolveMoment(moment: Moment, { start, end, timeBase, isNewestMeant = false }: RunSpan): number {
  const base = timeBase.seconds ?? 0;
  if (moment.kind === "offset") return start + Math.round(moment.seconds * 1e9);
  if (moment.kind === "epoch") return (moment.seconds - base) * 1e9 + Math.round(moment.fraction * 1e9);
  const onDayOf = (time: number) => {
    const day = Math.floor((base + time / 1e9) / DAY) * DAY;
    return (day - base) * 1e9 + Math.round(moment.secondOfDay * 1e9);
  };
  if (isNewestMeant) {
    const onEndDay = onDayOf(end);
    const dayBefore = onEndDay - DAY * 1e9;
    return onEndDay > end && dayBefore >= start ? dayBefore : onEndDay;
  }
  const onStartDay = onDayOf(start);
  const nextDay = onStartDay + DAY * 1e9;
  return onStartDay < start && nextDay <= end ? nextDay : onStartDay;
}
