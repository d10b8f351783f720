import type { LegRef } from "./leg-set.ts";

/**
 * Legs of one session, in no particular order: one conversation that NAT, DSR and tunnels pass on without terminating
 * it, as seen at any number of points. A terminating proxy makes two sessions of one connection.
 */
export type Session = LegRef[];
