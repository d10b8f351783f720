const LEVELS = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/** A row of blocks, the largest value full; zeros are the lowest block, and anything above zero is higher than that. */
export function sparkline(values: readonly number[]): string {
  const most = Math.max(0, ...values);
  return values
    .map((value) => {
      if (!(value > 0)) return LEVELS[0];
      return LEVELS[Math.max(1, Math.round((value / most) * (LEVELS.length - 1)))];
    })
    .join("");
}
