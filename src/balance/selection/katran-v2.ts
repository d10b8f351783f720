import { buildKatran, KATRAN_DEFAULTS, type KatranOptions, type KatranTurns } from "./katran.ts";
import type { SelectionMethod } from "./selection.ts";

/** lib/MaglevHashV2.cpp: an endpoint saves its weight each turn and takes an entry whenever that reaches the largest. */
export const katranV2Turns: KatranTurns = (weights, take) => {
  const largest = Math.max(...weights);
  const saved = weights.map(() => 0);
  for (;;) {
    for (let endpoint = 0; endpoint < weights.length; endpoint++) {
      saved[endpoint]! += weights[endpoint]!;
      if (saved[endpoint]! < largest) continue;
      saved[endpoint]! -= largest;
      if (take(endpoint)) return;
    }
  }
};

export const katranV2: SelectionMethod<KatranOptions> = {
  id: "katran-v2",
  summary: "katran's Maglev of today: source address and ports; shares follow the weights",
  defaults: KATRAN_DEFAULTS,
  build: (backends, options = {}) => buildKatran(backends, options, katranV2Turns),
};
