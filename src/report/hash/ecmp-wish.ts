import type { SelectionMethod } from "../../balance/selection/selection.ts";
import type { EcmpChange } from "../../balance/what-if/ecmp-tier.ts";
import { chooseMethods } from "./method-choice.ts";
import { parseRange } from "./number-range.ts";
import { QuestionError } from "./question-error.ts";

const MOST_BALANCERS = 1024;
const DEFAULT_METHOD = "modulo";

/**
 * Reads `--balancers 4..3` and `--ecmp ID:OPTION=VALUE`.
 *
 * @throws QuestionError
 */
export function parseEcmp(
  all: readonly SelectionMethod[],
  balancers: string,
  method: string = DEFAULT_METHOD,
): { change: EcmpChange; label: string } {
  const { from, to } = parseRange("--balancers", balancers, 1, MOST_BALANCERS);
  if (from === to) throw new QuestionError(`--balancers ${balancers}: that changes nothing`);
  const [chosen] = chooseMethods(all, { methods: [method], options: [], isCompared: false });
  if (chosen === undefined) throw new QuestionError(`no method ${method}`);
  return { change: { from, to, method: chosen.method, options: chosen.options }, label: method };
}
