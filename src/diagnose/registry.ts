import { backendRefusing } from "./backend-refusing.ts";
import type { Detector } from "./detector.ts";

/** All detectors; the order is of no consequence. */
export const DETECTORS: readonly Detector[] = [backendRefusing];
