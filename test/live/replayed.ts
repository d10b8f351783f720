import { openCapture } from "../../src/capture/open.ts";
import { TimeBase } from "../../src/capture/time-base.ts";
import type { SettledConnection } from "../../src/live/live-model.ts";
import type { LiveSession, SessionOptions } from "../../src/live/live-session.ts";
import { LiveSession as Session } from "../../src/live/live-session.ts";
import { factsOf, Replay } from "../../src/live/replay.ts";
import type { TrackedSource } from "../../src/live/tracked-source.ts";

export interface ReplayedOptions extends Omit<SessionOptions, "timeBase"> {
  /** Seconds of packet time between two looks; none but the last where left out. */
  judgeEverySeconds?: number;
}

export interface Replayed {
  session: LiveSession;
  settled: SettledConnection[];
}

/** A session that has seen captures as a replay would show them, with a clock that goes by the packets' times. */
export async function replayed(paths: readonly string[], options: ReplayedOptions = {}): Promise<Replayed> {
  const { judgeEverySeconds = Number.POSITIVE_INFINITY, ...rest } = options;
  const timeBase = new TimeBase();
  const session = new Session({ timeBase, settleNs: Number.POSITIVE_INFINITY, ...rest });
  const settled: SettledConnection[] = [];
  const replay = await Replay.open(paths, timeBase);
  const sources: TrackedSource[] = replay.readers.map((reader) => session.addSource(factsOf(reader)));
  let judged = Number.NaN;
  for await (const { reader, batch, from, to } of replay.slices()) {
    session.ingest(sources[reader]!, batch, from, to);
    if (Number.isNaN(judged)) judged = session.now;
    if (session.now - judged >= judgeEverySeconds * 1e9) {
      session.judge();
      settled.push(...session.takeSettled());
      judged = session.now;
    }
  }
  await replay.close();
  session.finish();
  settled.push(...session.takeSettled());
  return { session, settled };
}

/** Packets in a capture. */
export async function packetCount(path: string): Promise<number> {
  const reader = await openCapture(path, { timeBase: new TimeBase() });
  let count = 0;
  for (let batch = await reader.next(); batch !== null; batch = await reader.next()) count += batch.count;
  await reader.close();
  return count;
}
