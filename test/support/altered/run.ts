import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { TimeBase } from "../../../src/capture/time-base.ts";
import { readTopologyFile } from "../../../src/topology/read-file.ts";
import type { Topology } from "../../../src/topology/topology.ts";
import { readSeen, type SeenCapture } from "./seen-capture.ts";

/** One connection of a scenario, as both of its ends logged it. */
export interface TrueConnection {
  client: string;
  vip: string;
  /** Epoch seconds. */
  start: number;
  backend?: string | string[];
  outcome?: string | string[];
  reset?: { by?: string | string[]; cause?: string | string[] };
}

/** What is true of a scenario: the part of expect.json that an altered capture cannot change. */
export interface Truth {
  scenario: string;
  /** Ids accepted as the first finding; none where it is healthy. */
  top: string[];
  /** Ids that may stand beside it. */
  also: string[];
  where: Record<string, string>;
  mode: string | null;
  connections: TrueConnection[];
}

/** Captures in memory with what is true of them. */
export interface Run {
  captures: readonly SeenCapture[];
  truth: Truth;
  topology: Topology | null;
  timeBase: TimeBase;
}

/** Reads a folder with an expect.json and its captures. */
export async function readRun(folder: string): Promise<Run> {
  const expected = JSON.parse(readFileSync(join(folder, "expect.json"), "utf8")) as Partial<Truth> & {
    files: string[];
    args?: string[];
  };
  const timeBase = new TimeBase();
  const captures: SeenCapture[] = [];
  for (const file of expected.files) {
    captures.push({ ...(await readSeen(join(folder, file), timeBase)), path: basename(file) });
  }
  const path = join(folder, "topology.yaml");
  const hasTopology = expected.args?.includes("--topology") === true && existsSync(path);
  return {
    captures,
    topology: hasTopology ? readTopologyFile(readFileSync(path, "utf8"), path) : null,
    timeBase,
    truth: {
      scenario: expected.scenario ?? basename(folder),
      top: expected.top ?? [],
      also: expected.also ?? [],
      where: expected.where ?? {},
      mode: expected.mode ?? null,
      connections: expected.connections ?? [],
    },
  };
}

/** The host that a capture was made on: what stands before the interface in its name. */
export const hostOf = (path: string): string => path.split(/[-.]/)[0] ?? path;

/** The first and the last time of any packet, ns since the run's base. */
export function spanOf(captures: readonly SeenCapture[]): { start: number; end: number } {
  let start = Number.POSITIVE_INFINITY;
  let end = Number.NEGATIVE_INFINITY;
  for (const { packets } of captures) {
    for (const { time } of packets) {
      start = Math.min(start, time);
      end = Math.max(end, time);
    }
  }
  return { start, end };
}
