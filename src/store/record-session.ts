import type { LiveHandle, LiveListener, LiveOptions } from "../live/live-handle.ts";
import type { LiveFinding, LiveModel } from "../live/live-model.ts";
import { startLive } from "../live/start-live.ts";
import { CounterGrowth } from "./counter-growth.ts";
import type { KeepLimits, RunFacts } from "./store-input.ts";
import { StoreWriter, type WriterStats } from "./store-writer.ts";

export interface RecordOptions {
  live: LiveOptions;
  facts: Omit<RunFacts, "command">;
  keep: KeepLimits;
  /** A line for the user: the disk is full, writing goes on. */
  onNotice: (line: string) => void;
}

/** A recording that runs. */
export interface Recording {
  handle: LiveHandle;
  /** When its sources have ended and all is written; rejects where the store is gone. */
  readonly ended: Promise<void>;
  stats(): WriterStats;
  /** Ends it, with what is known by then written. Safe to call twice. */
  stop(): Promise<void>;
}

/**
 * What is told waits this long for more before it is committed: with the time from one glance to the next, and for
 * reading, less than a second.
 */
const COMMIT_SECONDS = 0.1;
/** Minute samples are taken this often: a kill loses no more of them. */
const SAMPLE_SECONDS = 5;

/**
 * Watches into a store: connections within a second of their end, and while they are open, with the packets of broken ones, findings as they come and go
 * with what shows them, and what of each minute connections do not tell.
 *
 * @throws StoreError where the store cannot be written, CaptureError and ProbeError where a source cannot be opened
 */
export async function record(path: string, options: RecordOptions): Promise<Recording> {
  const { live, facts, keep, onNotice } = options;
  const writer = await StoreWriter.open(
    path,
    { command: "record", ...facts },
    { keep, onNotice, commitEverySeconds: COMMIT_SECONDS },
  );
  try {
    return await recordInto(writer, live);
  } catch (error) {
    writer.close();
    throw error;
  }
}

async function recordInto(writer: StoreWriter, live: LiveOptions): Promise<Recording> {
  const growth = new CounterGrowth();
  const opened: string[] = [];
  let sampledAt = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> = Promise.resolve();
  let handle: LiveHandle | null = null;

  const sample = (model: LiveModel) => {
    sampledAt = model.now;
    writer.addMinutes(growth.samplesOf(model));
  };
  const keepEvidence = (key: string) => {
    asking = asking.then(async () => {
      const evidence = await handle?.evidence(key);
      if (!evidence) return;
      const { now } = handle!.model();
      writer.addEvidence([
        {
          time: now,
          connection: null,
          findingKey: key,
          // the finding itself is in its table: this is to recognise it by
          note: evidence.text.split("\n", 1)[0] ?? "",
          packets: evidence.packets,
          pcapng: evidence.pcapng,
        },
      ]);
    });
  };
  const listener: LiveListener = {
    settled: (connections) => writer.addConnections(connections),
    unsettled: ({ connections, withdrawn }) => {
      writer.addConnections(connections);
      writer.withdrawConnections(withdrawn);
    },
    finding: (finding: LiveFinding, change) => {
      writer.addFindings([finding]);
      if (change === "opened") opened.push(finding.key);
    },
    model: (model) => {
      for (const key of opened.splice(0)) keepEvidence(key);
      if (!(model.now - sampledAt < SAMPLE_SECONDS)) sample(model);
    },
  };

  handle = await startLive({ ...live, keepBroken: true }, listener);
  const running = handle;
  let closing: Promise<void> | null = null;
  const close = () => {
    closing ??= (async () => {
      await running.stop();
      sample(running.model());
      writer.addFindings(running.model().findings);
      await asking;
      writer.describe({ summary: running.model().health });
      writer.close();
    })();
    return closing;
  };
  return {
    handle: running,
    ended: running.ended.then(async () => {
      // evidence is asked of a session that still answers
      for (const key of opened.splice(0)) keepEvidence(key);
      await asking;
      await close();
    }),
    stats: () => writer.stats,
    stop: close,
  };
}
