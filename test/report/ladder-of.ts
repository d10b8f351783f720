import { join } from "node:path";
import { TimeBase } from "../../src/capture/time-base.ts";
import { analyzeCaptures } from "../../src/offline/analyze-captures.ts";
import { collectPackets } from "../../src/offline/collect-packets.ts";
import { type Ladder, ladderOf } from "../../src/report/ladder/ladder.ts";
import { ladderText } from "../../src/report/ladder/ladder-text.ts";
import { createPage } from "../../src/report/text/page.ts";
import { type Files, withFiles } from "./track-files.ts";

/** A ladder with what it takes to print it. */
export interface Drawn {
  ladder: Ladder;
  timeBase: TimeBase;
  text: (width: number, options?: { full?: boolean; rows?: number; ascii?: boolean; colours?: boolean }) => string;
}

/** The ladder of a connection of captures by these names, as trace draws it. */
export function ladderOfFiles(files: Files, id = 0, keepBytes = 640): Promise<Drawn> {
  return withFiles(files, (folder) =>
    ladderOfPaths(
      Object.keys(files).map((name) => join(folder, name)),
      id,
      keepBytes,
    ),
  );
}

export async function ladderOfPaths(paths: readonly string[], id = 0, keepBytes = 640): Promise<Drawn> {
  const timeBase = new TimeBase();
  const { connected, diagnosis } = await analyzeCaptures(paths, { timeBase });
  const connection = connected.connections[id];
  if (!connection) throw new Error(`no connection ${id} among ${connected.connections.length}`);
  const { packets, left } = await collectPackets(connected.set, connection.legs, { timeBase, keepBytes });
  const resets = diagnosis.subject.resets.get(id) ?? [];
  const ladder = ladderOf(connected, connection, packets, { left, resets });
  return {
    ladder,
    timeBase,
    text: (width, { full = false, rows = 40, ascii = false, colours = false } = {}) =>
      ladderText(ladder, { timeBase, rows, ascii }, createPage(width, full, colours)),
  };
}
