import { formatCount } from "../../format-quantity.ts";
import { OPEN, OUTCOMES, REFUSED, RESET, TIMEOUT } from "../../survey/outcomes.ts";
import type { Paint } from "../page.ts";
import type { Column } from "../table.ts";

const FAILED = [REFUSED, RESET, TIMEOUT];
/** Left out first on a narrow page: of the five it hurts least. */
const OPEN_RANK = 4;

/** A column for each outcome; what failed is coloured where it is not 0. */
export function outcomeColumns<Row extends { outcomes: readonly number[] }>(paint: Paint): Column<Row>[] {
  return OUTCOMES.map((title, which) => ({
    title,
    align: "right",
    rank: which === OPEN ? OPEN_RANK : 0,
    cell: ({ outcomes }) => formatCount(outcomes[which] ?? 0),
    paint: ({ outcomes }) => (FAILED.includes(which) && (outcomes[which] ?? 0) > 0 ? paint.bad : null),
  }));
}
