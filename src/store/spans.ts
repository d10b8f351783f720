const UNIT_SECONDS: Readonly<Record<string, number>> = {
  "": 1,
  s: 1,
  m: 60,
  min: 60,
  h: 3600,
  d: 86_400,
  w: 604_800,
};

/** Seconds of `90`, `90s`, `15m`, `24h`, `7d`; null for what is no span. */
export function parseSpan(text: string): number | null {
  const [, number, unit = ""] = /^(\d+(?:\.\d+)?)\s*(s|m|min|h|d|w)?$/i.exec(text.trim()) ?? [];
  const seconds = Number(number) * (UNIT_SECONDS[unit.toLowerCase()] ?? Number.NaN);
  return Number.isNaN(seconds) ? null : seconds;
}
