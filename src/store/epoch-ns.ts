const NS = 1_000_000_000n;

/**
 * Nanoseconds of the epoch of a time as the contract prints it (`1795180584.5`); null for null.
 *
 * @throws Error for a text that is no such time.
 */
export function nsOfEpoch(text: string | null): bigint | null {
  if (text === null) return null;
  const [, sign, seconds = "", fraction = ""] = /^(-?)(\d+)(?:\.(\d{1,9}))?$/.exec(text) ?? [];
  if (seconds === "") throw new Error(`not an epoch time: ${text}`);
  const ns = BigInt(seconds) * NS + BigInt(fraction.padEnd(9, "0"));
  return sign === "-" ? -ns : ns;
}

/** The contract's text of nanoseconds of the epoch, 9 decimals; null for null. */
export function epochOfNs(ns: bigint | null): string | null {
  if (ns === null) return null;
  const absolute = ns < 0n ? -ns : ns;
  return `${ns < 0n ? "-" : ""}${absolute / NS}.${String(absolute % NS).padStart(9, "0")}`;
}

/** Nanoseconds of the epoch of seconds as a double, which is exact to some 200 ns; null for NaN. */
export function nsOfSeconds(seconds: number): bigint | null {
  if (!Number.isFinite(seconds)) return null;
  const whole = Math.floor(seconds);
  return BigInt(whole) * NS + BigInt(Math.round((seconds - whole) * 1e9));
}

/** The epoch second in which the minute begins that a time lies in. */
export function minuteOf(ns: bigint): number {
  const seconds = Number(ns / NS);
  return seconds - (((seconds % 60) + 60) % 60);
}
