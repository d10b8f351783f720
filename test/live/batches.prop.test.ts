import { readdirSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { TimeBase } from "../../src/capture/time-base.ts";
import { LiveSession } from "../../src/live/live-session.ts";
import { factsOf, Replay } from "../../src/live/replay.ts";
import { projectDir } from "../support/requirement.ts";

const folder = join(projectDir, "fixtures/scenarios/dnat-backend-refusing");
const files = readdirSync(folder)
  .filter((file) => file.includes(".pcap"))
  .map((file) => join(folder, file));

/** What a session tells in the end when its packets come in pieces of these lengths and it looks where told. */
async function told(pieces: readonly { packets: number; looks: boolean }[]): Promise<string[]> {
  const timeBase = new TimeBase();
  const session = new LiveSession({ timeBase, settleNs: Number.POSITIVE_INFINITY, ringBytes: 1 << 20 });
  const replay = await Replay.open(files, timeBase);
  const sources = replay.readers.map((reader) => session.addSource(factsOf(reader)));
  let next = 0;
  for await (const { reader, batch, from, to } of replay.slices()) {
    for (let at = from; at < to; ) {
      const { packets, looks } = pieces[next++ % pieces.length]!;
      const end = Math.min(to, at + packets);
      session.ingest(sources[reader]!, batch, at, end);
      at = end;
      // a look at each of thousands of pieces would show nothing more
      if (looks && next % 40 === 0) session.judge();
    }
  }
  await replay.close();
  session.finish();
  const connections = session.takeSettled().map(({ connection: { id: _, ...rest } }) => JSON.stringify(rest));
  const findings = session.findings
    .list()
    .filter(({ state }) => state !== "withdrawn")
    .map(({ finding: { affected, ...rest } }) => JSON.stringify({ ...rest, affected: affected.connections }));
  const totals = session.tally.metrics.read("connections_total").map((sample) => JSON.stringify(sample));
  return [...connections, ...findings, ...totals].sort();
}

it("a session comes to the same in the end wherever batches end and however often it looks", async () => {
  const expected = await told([{ packets: 1e6, looks: false }]);
  expect(expected.length).toBeGreaterThan(20);
  const piece = fc.record({ packets: fc.integer({ min: 1, max: 300 }), looks: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 20 }), async (pieces) => {
      expect(await told(pieces)).toEqual(expected);
    }),
    { numRuns: 12 },
  );
}, 120_000);
