import type { Finding } from "../../diagnose/finding.ts";
import type { Analysis } from "../analysis.ts";
import { formatSeconds } from "../format-quantity.ts";
import { timeOfDay } from "./clock-time.ts";

/** What begins or ends this near to the run's own begin or end, as a share of the run, does so with it. */
const NEAR = 0.03;
/** Shorter than this is a moment, ns. */
const MOMENT = 50e6;

/** When a finding held: `14:07:52.627 UTC (+4.2 s), over after 3.1 s`; null where the captures have no times. */
export function windowText({ subject, timeBase }: Analysis, { window }: Finding): string | null {
  const { start, end } = subject;
  if (!Number.isFinite(window.from) || !(end > start)) return null;
  const near = (end - start) * NEAR;
  const isFromStart = window.from - start < near;
  const isToEnd = end - window.to < near;
  const seconds = (time: number) => formatSeconds(time / 1e9);
  if (isFromStart && isToEnd) return `from the start to the end of the capture (${seconds(end - start)})`;
  const begin = isFromStart
    ? "the start of the capture"
    : `${timeOfDay(window.from, timeBase)} UTC (+${seconds(window.from - start)})`;
  if (isToEnd) return `${begin}, until the end of the capture`;
  if (window.to - window.from < MOMENT) return `${begin}, in a moment`;
  return `${begin}, over after ${seconds(window.to - window.from)}`;
}
