import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { askStore } from "../../src/store/ask-store.ts";
import { record } from "../../src/store/record-session.ts";
import { projectDir } from "../support/requirement.ts";
import { withStore } from "./store-folder.ts";

const folder = join(projectDir, "fixtures/scenarios/lost-state-flush");
const paths = readdirSync(folder)
  .filter((name) => name.includes(".pcap"))
  .map((name) => join(folder, name));

test("what was recorded tells which backends are slow to answer", async () => {
  await withStore(async (path) => {
    const recording = await record(path, {
      live: { sources: [{ kind: "replay", paths, speed: "max" }] },
      facts: { version: "1.2.3", host: "lb1", sources: paths },
      keep: {},
      onNotice: (line) => expect.fail(line),
    });
    await recording.ended;
    expect(recording.stats().connections).toBeGreaterThan(10);
    const { answer } = await askStore(path, "slow-backends", { timeoutSeconds: 20 });
    const at = answer.columns.findIndex(({ name }) => name === "first_byte_p50");
    const times = answer.rows.map((row) => Number(row[at]));
    expect(times.length).toBeGreaterThan(1);
    for (const time of times) expect(time).toBeGreaterThan(0);
  });
}, 60_000);
