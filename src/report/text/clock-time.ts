import type { TimeBase } from "../../capture/time-base.ts";

const DAY = 86_400;

/** `14:07:52.627` of ns since the run's base, in UTC. */
export function timeOfDay(time: number, timeBase: TimeBase, decimals = 3): string {
  const [seconds = "0", fraction = ""] = timeBase.toEpoch(time).split(".");
  const ofDay = ((Number(seconds) % DAY) + DAY) % DAY;
  const two = (number: number) => String(Math.floor(number)).padStart(2, "0");
  const clock = `${two(ofDay / 3600)}:${two((ofDay % 3600) / 60)}:${two(ofDay % 60)}`;
  return decimals === 0 ? clock : `${clock}.${fraction.slice(0, decimals)}`;
}
