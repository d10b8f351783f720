import { once } from "node:events";
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { LiveDriver } from "../../src/live/live-driver.ts";
import { MACHINE_TIMING } from "../../src/live/machine-timing.ts";
import type { Timing } from "../../src/live/pace.ts";
import { Exposition } from "../../src/metrics/exposition.ts";
import { PACKETS_EACH, ShortConnections } from "./short-connections.ts";
import { pcapHeader, pcapRecords } from "./short-connections-file.ts";

/** The session's clock goes so many times as fast as the machine's: a tenth of the packets are too many for it. */
const FASTER = 10;
const EPOCH = 1_700_000_000;
const FLOOD_SECONDS = 8;
const FLOOD_PER_SECOND = 14_000;
const TRICKLE_PER_SECOND = 20;
const CHUNK_SECONDS = 0.02;

const TIMING: Timing = {
  seconds: () => MACHINE_TIMING.seconds() * FASTER,
  epochSeconds: () => EPOCH + MACHINE_TIMING.seconds() * FASTER,
  wait: (seconds) => MACHINE_TIMING.wait(seconds / FASTER),
  work: () => MACHINE_TIMING.work(),
  breathe: () => MACHINE_TIMING.breathe(),
};

/** Connections as they begin, from now on: as many as nobody can follow, then few. The reader is waited for. */
async function feed(stdin: PassThrough, isDone: () => boolean): Promise<void> {
  const traffic = new ShortConnections(1);
  const began = TIMING.epochSeconds();
  stdin.write(pcapHeader());
  for (let at = 0; !isDone(); at += CHUNK_SECONDS) {
    const perSecond = at < FLOOD_SECONDS ? FLOOD_PER_SECOND : TRICKLE_PER_SECOND;
    const due = Math.floor((at + CHUNK_SECONDS) * perSecond) - Math.floor(at * perSecond);
    const ahead = began + at - TIMING.epochSeconds();
    if (ahead > 0.2) await TIMING.wait(ahead);
    if (due === 0) continue;
    const batch = traffic.fill(due);
    for (let i = 0; i < batch.count; i++) {
      const connection = i % due;
      batch.time[i] = (began - EPOCH + at + (connection / due) * CHUNK_SECONDS) * 1e9 + Math.floor(i / due) * 1e6;
    }
    if (!stdin.write(pcapRecords(batch))) await once(stdin, "drain");
  }
}

test("too much traffic on stdin is sampled and said to be, questions are answered, and calm brings all of it back", async () => {
  const stdin = new PassThrough();
  const sources = [{ kind: "stream", path: "-" }] as const;
  const driver = new LiveDriver({ sources, stdin, maxFlows: 50_000 }, {}, TIMING);
  let isDone = false;
  const fed = feed(stdin, () => isDone);
  await driver.start();
  const exposition = new Exposition({ model: () => driver.model() }, { version: "test" });
  const answered: number[] = [];
  const seen = { most: 1, warnings: new Set<string>(), metric: "" };
  const end = performance.now() + 60_000;
  let calm = false;
  while (!calm && performance.now() < end) {
    const began = performance.now();
    const { flows } = await driver.flows({ limit: 10 });
    answered.push(performance.now() - began);
    const { health, sources: states } = driver.model();
    if (health.sampling > seen.most) {
      seen.most = health.sampling;
      for (const warning of health.warnings) seen.warnings.add(warning);
      const { body } = await exposition.print(false);
      seen.metric = /^l4scope_sampling_ratio .*$/m.exec(body)?.[0] ?? "";
    }
    calm = seen.most > 1 && health.sampling === 1 && states[0]!.lag < 0.5 && flows.length > 0;
    await MACHINE_TIMING.wait(0.05);
  }
  isDone = true;
  const { health } = driver.model();
  await fed;
  await driver.stop();
  console.log(`1 in ${seen.most} at most; longest answer ${Math.round(Math.max(...answered))} ms`);

  expect(seen.most).toBeGreaterThan(1);
  expect([...seen.warnings]).toContain(`too much traffic to keep up: one conversation in ${seen.most} is followed`);
  expect(seen.metric).toBe(`l4scope_sampling_ratio ${seen.most}`);
  expect(calm).toBe(true);
  expect(health.warnings.filter((warning) => warning.startsWith("too much"))).toEqual([]);
  // all packets were read, whether followed or not
  expect(health.packets).toBeGreaterThanOrEqual(FLOOD_SECONDS * FLOOD_PER_SECOND * PACKETS_EACH * 0.99);
  expect(health.sampledOut).toBeGreaterThan(0);
  expect(Math.max(...answered)).toBeLessThan(3000);
}, 90_000);
