import type { LiveModel } from "./live-model.ts";

/** What of a model only a look over the connections changes, and what changes with every packet. */
export type LookFigures = Pick<
  LiveModel,
  "vips" | "backends" | "resets" | "members" | "paths" | "findings" | "series" | "metrics"
>;
export type Momentary = Omit<LiveModel, keyof LookFigures>;

export function lookFiguresOf(model: LiveModel): LookFigures {
  const { vips, backends, resets, members, paths, findings, series, metrics } = model;
  return { vips, backends, resets, members, paths, findings, series, metrics };
}

export function momentaryOf(model: LiveModel): Momentary {
  const { sequence, now, health, sources, probes, drops } = model;
  return { sequence, now, health, sources, probes, ...(drops === undefined ? {} : { drops }) };
}
