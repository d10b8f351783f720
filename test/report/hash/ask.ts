import { METHODS } from "../../../src/balance/selection/methods.ts";
import type { SelectionMethod } from "../../../src/balance/selection/selection.ts";
import { type Answer, answer, type HashWish } from "../../../src/report/hash/answer.ts";
import { flagPool, parseBackendFlags } from "../../../src/report/hash/flag-pool.ts";
import { chooseMethods } from "../../../src/report/hash/method-choice.ts";
import type { KeySet } from "../../../src/report/hash/question.ts";

export interface Asked extends Partial<Omit<HashWish, "traffic">> {
  backends?: readonly string[];
  methods?: readonly string[];
  of?: readonly SelectionMethod[];
  keys?: number;
  captured?: KeySet;
  sources?: "spread" | "nat" | "sequential";
}

/** What `hash` answers to flags such as these. */
export function ask({ backends = [], methods = [], of = METHODS, keys, captured, sources, ...wish }: Asked): Answer {
  const chosen = chooseMethods(of, { methods, options: [], isCompared: false });
  return answer(
    of,
    chosen,
    { pool: flagPool(parseBackendFlags(backends), "192.0.2.10:443"), keys: captured ?? null },
    {
      add: [],
      remove: [],
      drain: [],
      reweigh: [],
      balancers: undefined,
      ecmp: undefined,
      grow: undefined,
      explain: undefined,
      isVipMadeUp: false,
      traffic: { keys, kind: sources ?? "spread", clients: undefined, seed: 1 },
      ...wish,
    },
  );
}
