import { setTimeout as after, setImmediate as immediately } from "node:timers/promises";
import type { Timing } from "./pace.ts";

/** The machine's own clocks. */
export const MACHINE_TIMING: Timing = {
  seconds: () => performance.now() / 1000,
  epochSeconds: () => Date.now() / 1000,
  wait: (seconds) => after(seconds * 1000),
  work: () => {
    const { active, idle } = performance.eventLoopUtilization();
    return { busy: active / 1000, idle: idle / 1000 };
  },
  breathe: () => immediately(),
};
