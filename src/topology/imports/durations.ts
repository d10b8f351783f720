const UNIT_SECONDS: Readonly<Record<string, number>> = {
  us: 1e-6,
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3600,
  d: 86_400,
  w: 604_800,
};

/**
 * Seconds of `30s`, `10m`, `1h30m`, `500ms`; a bare number has the unit given. null for what is none of these.
 * HAProxy's and nginx's words; haproxy counts bare numbers in ms, nginx in s.
 */
export function readDurationSeconds(text: string, bareUnit: "ms" | "s"): number | null {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * (UNIT_SECONDS[bareUnit] ?? 1);
  if (!/^(\d+(us|ms|s|m|h|d|w))+$/.test(text)) return null;
  let seconds = 0;
  for (const [, number, unit = "s"] of text.matchAll(/(\d+)(us|ms|s|m|h|d|w)/g)) {
    seconds += Number(number) * (UNIT_SECONDS[unit] ?? 0);
  }
  return seconds;
}
