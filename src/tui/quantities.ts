/** Numbers as a dashboard shows them: short, of one width, never jumping between forms from one second to the next. */

/** `980`, `31k`, `1.2M`; `-` for NaN. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return "-";
  // what is left of a subtraction is nothing
  if (Math.abs(value) < 1e-9) return "0";
  if (value < 0) return `-${short(-value)}`;
  const units = ["", "k", "M", "G", "T", "P"];
  let unit = 0;
  let scaled = value;
  while (scaled >= 999.5 && unit < units.length - 1) {
    scaled /= 1000;
    unit++;
  }
  if (unit === 0) return scaled < 9.95 && scaled % 1 !== 0 ? scaled.toFixed(1) : scaled.toFixed(0);
  return `${scaled < 9.95 ? scaled.toFixed(1) : scaled.toFixed(0)}${units[unit]}`;
}

/** `0.41ms`, `12ms`, `1.03s`; `-` for NaN. */
export function shortSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return "-";
  if (seconds < 0.0995e-3) return `${(seconds * 1e6).toFixed(0)}µs`;
  if (seconds < 9.95e-3) return `${(seconds * 1e3).toFixed(2)}ms`;
  if (seconds < 0.9995) return `${(seconds * 1e3).toFixed(0)}ms`;
  if (seconds < 99.5) return `${seconds.toFixed(2)}s`;
  return `${Math.round(seconds / 60)}min`;
}

/** `33.4%`; `-` for NaN. */
export function shortShare(share: number): string {
  return Number.isFinite(share) ? `${(share * 100).toFixed(1)}%` : "-";
}

/** `00:41`, `1:02:41` of seconds. */
export function age(seconds: number): string {
  if (!Number.isFinite(seconds)) return "-";
  const whole = Math.max(0, Math.floor(seconds));
  const two = (number: number) => String(number).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const rest = `${two(Math.floor((whole % 3600) / 60))}:${two(whole % 60)}`;
  return hours > 0 ? `${hours}:${rest}` : rest;
}

/** `14:07:52` of epoch seconds, in UTC; `--:--:--` for NaN. */
export function clock(epochSeconds: number): string {
  if (!Number.isFinite(epochSeconds)) return "--:--:--";
  return new Date(epochSeconds * 1000).toISOString().slice(11, 19);
}

/** `p<.001`, `p=.03`; empty for NaN. */
export function chance(p: number): string {
  if (!Number.isFinite(p)) return "";
  if (p < 0.001) return "p<.001";
  return `p=${p.toFixed(p < 0.1 ? 3 : 2).replace(/^0/, "")}`;
}
