/** Bounds of the numbers in a topology, wherever they come from; both ends are allowed. */
export const LIMITS = {
  weight: { least: 0, most: 4_294_967_295 },
  maxConnections: { least: 1, most: 4_294_967_295 },
  idleTimeoutSeconds: { least: 0.001, most: 1e9 },
  virtualRouterId: { least: 1, most: 255 },
  priority: { least: 0, most: 255 },
  intervalSeconds: { least: 0.01, most: 255 },
} as const;

/** The number, or null where it is out of bounds. */
export function within(limit: { least: number; most: number }, number: number | null): number | null {
  return number !== null && number >= limit.least && number <= limit.most ? number : null;
}
