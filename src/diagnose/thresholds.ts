/** What a threshold may be set to, and what holds where it is not. */
interface Threshold {
  least: number;
  most: number;
  usual: number;
}

/**
 * Numbers that an operator may set in the topology file, by finding id and name: what is normal here differs from place
 * to place. Shares are 0 to 1; the rest is in the unit of its name.
 */
export const THRESHOLDS = {
  "client.aborting": {
    connections: { least: 1, most: 1e6, usual: 5 },
    share: { least: 0, most: 1, usual: 0.05 },
  },
  "backend.aborting": {
    connections: { least: 1, most: 1e6, usual: 3 },
    share: { least: 0, most: 1, usual: 0.02 },
  },
  "backend.refusing": { connections: { least: 1, most: 1e6, usual: 3 } },
  "backend.unreachable": { connections: { least: 1, most: 1e6, usual: 3 } },
  "backend.slow": {
    factor: { least: 1, most: 1000, usual: 3 },
    differenceSeconds: { least: 0, most: 3600, usual: 0.02 },
  },
  "path.loss": {
    rate: { least: 0, most: 1, usual: 0.004 },
    factor: { least: 1, most: 1000, usual: 3 },
  },
  "ecmp.skew": { maxOverMean: { least: 1, most: 1000, usual: 1.4 } },
  "balance.backend-skew": { maxOverExpected: { least: 1, most: 1000, usual: 1.4 } },
  "balance.source-skew": { maxOverExpected: { least: 1, most: 1000, usual: 1.4 } },
  "balance.load-skew": { maxOverMean: { least: 1, most: 1000, usual: 2 } },
  "attack.syn-flood": {
    synsPerSecond: { least: 1, most: 1e9, usual: 20 },
    connections: { least: 10, most: 1e9, usual: 100 },
  },
} as const satisfies Record<string, Record<string, Threshold>>;

export type ThresholdId = keyof typeof THRESHOLDS;
