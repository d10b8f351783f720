import { buildKatran, KATRAN_DEFAULTS, type KatranOptions, type KatranTurns } from "./katran.ts";
import type { SelectionMethod } from "./selection.ts";

/** lib/MaglevHash.cpp: in its first turn an endpoint takes as many entries in a row as it weighs, then one a turn. */
export const katranV1Turns: KatranTurns = (weights, take) => {
  for (let turn = 0; ; turn++) {
    for (let endpoint = 0; endpoint < weights.length; endpoint++) {
      const entries = turn === 0 ? weights[endpoint]! : 1;
      for (let i = 0; i < entries; i++) if (take(endpoint)) return;
    }
  }
};

export const katranV1: SelectionMethod<KatranOptions> = {
  id: "katran-v1",
  summary: "katran's first Maglev: source address and ports; weights count in the first turn only",
  defaults: KATRAN_DEFAULTS,
  build: (backends, options = {}) => buildKatran(backends, options, katranV1Turns),
};
