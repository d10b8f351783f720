import { formatNumberOf } from "../../format-quantity.ts";

/** The line that says how many rows a table left out; none where it is complete. */
export function hiddenRows(count: number): string[] {
  return count > 0 ? [`  … ${formatNumberOf(count, "more row")}: --full`] : [];
}
