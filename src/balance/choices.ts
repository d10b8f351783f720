/** What a scheduler did: columns of the same length, in the order in which it chose. */
export interface Choices {
  /** Index of the backend chosen, 0..backends-1; -1 where one was chosen that did not come to be known. */
  backend: Int32Array;
  /** Number that stands for the client's address. */
  client: Int32Array;
  /** Number that stands for the client's address and port. */
  endpoint: Int32Array;
  /** When the connection began and ended, in any unit. */
  start: Float64Array;
  end: Float64Array;
  /** When the first side closed; the same as `end` where neither did. */
  closing: Float64Array;
  backends: number;
  /** What each backend is meant to get, up to a factor, where the topology says so. */
  weights?: readonly number[];
}

/** Share of each backend among the choices that came to be known. */
export function sharesOf({ backend, backends }: Choices): number[] {
  const counts = new Array<number>(backends).fill(0);
  let known = 0;
  for (const choice of backend) {
    if (choice < 0) continue;
    counts[choice]!++;
    known++;
  }
  return counts.map((count) => count / Math.max(1, known));
}

/** Chance that two independent choices with these shares are the same. */
export function chanceOfSame(shares: readonly number[]): number {
  return shares.reduce((sum, share) => sum + share ** 2, 0);
}
