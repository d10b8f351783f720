import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { askStore } from "../../src/store/ask-store.ts";
import { record } from "../../src/store/record-session.ts";
import { projectDir } from "../support/requirement.ts";
import { reading, withStore } from "./store-folder.ts";

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

const CONNECTIONS = `SELECT start_ns, end_ns, client, client_port, vip, backend, mode, outcome, reset_by, reset_cause, bytes_up,
  packets_down, history, health_check, (SELECT document FROM journeys WHERE id = journey) AS way FROM connections ORDER BY 1, 2, 3, 4`;
const MINUTES = "SELECT * FROM minutes ORDER BY minute, vip, backend, protocol";

test("what was kept from second to second is, at the end, what is kept of the whole", async () => {
  const recorded = (speed: number | "max") =>
    withStore(async (path) => {
      let early = 0;
      const recording = await record(path, {
        live: { sources: [{ kind: "replay", paths, speed }] },
        facts: { version: "1.2.3", host: "lb1", sources: paths },
        keep: {},
        onNotice: (line) => expect.fail(line),
      });
      const timer = setInterval(() => {
        early = Math.max(
          early,
          recording.handle.model().health.state === "running" ? recording.stats().connections : 0,
        );
      }, 50);
      await recording.ended;
      clearInterval(timer);
      const tables = await reading(path, (reader) => [CONNECTIONS, MINUTES].map((sql) => reader.read(sql)));
      return { early, tables };
    });
  const [bySecond, whole] = [await recorded(4), await recorded("max")];
  expect(bySecond.early).toBeGreaterThan(10);
  expect(bySecond.tables).toEqual(whole.tables);
}, 120_000);
