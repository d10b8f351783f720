import type { Outcome } from "../../flow/leg-outcome.ts";

/** The contract's outcomes in its order; counts of them are arrays in this order. */
export const OUTCOMES: readonly Outcome[] = ["ok", "refused", "reset", "timeout", "open"];

/** Place of an outcome in such an array. */
export const OK = 0;
export const REFUSED = 1;
export const RESET = 2;
export const TIMEOUT = 3;
export const OPEN = 4;
