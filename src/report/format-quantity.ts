/** `61,204`. Negative and fractional numbers are not counts. */
export function formatCount(count: number): string {
  const digits = String(count);
  return digits.length < 4 ? digits : digits.replace(/\B(?=(?:\d{3})+$)/g, ",");
}

/** `1 leg`, `2 legs`. */
export function formatNumberOf(count: number, noun: string, plural = `${noun}s`): string {
  return `${formatCount(count)} ${count === 1 ? noun : plural}`;
}

const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

/** `517 B`, `1.24 MB`: three digits, units of 1000. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 999.6 kB would round to 1000 kB
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : threeDigits(value)} ${BYTE_UNITS[unit]}`;
}

/**
 * A duration in the unit that suits it, three digits at most: `41 µs`, `0.21 ms`, `1.03 s`, `2 min 05 s`, `3 h 20 min`.
 *
 * @param seconds NaN, for what was not seen, gives `-`.
 */
export function formatSeconds(seconds: number): string {
  if (Number.isNaN(seconds)) return "-";
  if (seconds < 0) return `-${formatSeconds(-seconds)}`;
  if (seconds === 0) return "0 s";
  if (seconds < 1e-6) return `${Math.round(seconds * 1e9)} ns`;
  if (seconds < 99.5e-6) return `${Math.round(seconds * 1e6)} µs`;
  if (seconds < 0.9995) return `${threeDigits(seconds * 1e3, 2)} ms`;
  if (seconds < 99.95) return `${threeDigits(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} min`;
  return `${Math.floor(whole / 86_400)} d ${pad(Math.floor((whole % 86_400) / 3600))} h`;
}

/**
 * A part of a whole in percent, with the precision that the size of the whole deserves; what is not quite nothing or
 * all never reads as if it were. `-` where the whole is 0.
 */
export function formatShare(part: number, whole: number): string {
  if (whole === 0) return "-";
  if (part === 0) return "0%";
  if (part === whole) return "100%";
  const percent = (100 * part) / whole;
  if (whole < 100) return `${Math.min(99, Math.max(1, Math.round(percent)))}%`;
  if (percent < 0.05) return "<0.1%";
  if (percent > 99.95 && percent < 100) return ">99.9%";
  return `${percent.toFixed(1)}%`;
}

/** `2026-11-20 14:07:41 UTC` of an epoch time in decimal seconds. */
export function formatDate(epochSeconds: string): string {
  // the fraction is left out before: as a double it may round up to the next second
  const date = new Date(Number(epochSeconds.replace(/\..*/, "")) * 1000);
  if (Number.isNaN(date.getTime())) return `${epochSeconds} s`;
  return `${date.toISOString().replace("T", " ").slice(0, -5)} UTC`;
}

/** At most three digits that count, and no more decimals than told. */
function threeDigits(value: number, mostDecimals = 2): string {
  if (value >= 99.95) return value.toFixed(0);
  return value.toFixed(Math.min(mostDecimals, value >= 9.995 ? 1 : 2));
}

function pad(number: number): string {
  return String(number).padStart(2, "0");
}
