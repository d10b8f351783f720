import { afterEach, describe, expect, test, vi } from "vitest";
import type { LiveModel } from "../../src/live/live-model.ts";
import { Exposition } from "../../src/metrics/exposition.ts";
import { modelOf } from "../support/live-model.ts";

const VIP = "192.0.2.10:80";

function modelWith(backends: number): LiveModel {
  const names = Array.from({ length: backends }, (_, i) => `10.${i >> 8}.${i & 255}.1:8080`);
  return modelOf({
    metrics: {
      connections_active: names.map((backend, i) => ({ labels: [VIP, backend], value: i })),
      bytes_total: names.flatMap((backend, i) =>
        ["up", "down"].map((direction) => ({ labels: [VIP, backend, direction], value: i * 2 })),
      ),
      connect_duration_seconds: [{ labels: [VIP, "client"], counts: [1, 2], sum: 0.1 }],
    },
  });
}

/** Without what the process itself adds, which moves. */
async function printed(exposition: Exposition, openMetrics: boolean): Promise<string> {
  const { body } = await exposition.print(openMetrics);
  return body
    .split("\n")
    .filter((line) => line.includes("l4scope_"))
    .join("\n");
}

describe("labels that are made between scrapes", () => {
  afterEach(() => vi.restoreAllMocks());

  test.each([false, true])("print as those made at a scrape do (OpenMetrics: %s)", async (openMetrics) => {
    let model = modelWith(1200);
    const handle = { model: () => model };
    const warm = new Exposition(handle, { version: "0.1.0" });
    await warm.warmer.warm();
    const cold = new Exposition(handle, { version: "0.1.0" });
    expect(await printed(warm, openMetrics)).toBe(await printed(cold, openMetrics));
    // fewer, more, and others in the places of those before
    for (const backends of [7, 2000, 1200]) {
      model = modelWith(backends);
      await warm.warmer.warm();
      expect(await printed(warm, openMetrics)).toBe(
        await printed(new Exposition(handle, { version: "0.1.0" }), openMetrics),
      );
    }
  });

  test("leave a scrape nothing to make, in whichever format", async () => {
    const model = modelWith(3000);
    const exposition = new Exposition({ model: () => model }, { version: "0.1.0" });
    await exposition.warmer.warm();
    const named = vi.spyOn(Object, "fromEntries");
    for (const openMetrics of [false, true]) await exposition.print(openMetrics);
    // but for the session's own few, which are not worth it
    expect(named.mock.calls.length).toBeLessThan(50);
  });

  test("are kept where others go, and where they come back", async () => {
    const whole = modelWith(3000);
    let model = whole;
    const handle = { model: () => model };
    const exposition = new Exposition(handle, { version: "0.1.0" });
    await exposition.warmer.warm();
    const named = vi.spyOn(Object, "fromEntries");
    for (const gone of [[0], [5, 6, 7], [], [2999, 1500]]) {
      const stays = (_: unknown, i: number) => !gone.includes(i);
      model = modelOf({ metrics: { connections_active: whole.metrics.connections_active.filter(stays) } });
      const body = await printed(exposition, false);
      expect(body.match(/^l4scope_connections_active\{/gm)).toHaveLength(3000 - gone.length);
      expect(body).toBe(await printed(new Exposition(handle, { version: "0.1.0" }), false));
    }
    // the other expositions make theirs: 3000 in each of four rounds, and ours none of them
    expect(named.mock.calls.length).toBeLessThan(4 * 3000 + 500);
  });

  test("are made in slices: whoever else waits for the thread has his turn between", async () => {
    const model = modelWith(5000);
    const { warmer } = new Exposition({ model: () => model }, { version: "0.1.0" });
    let turns = 0;
    let isDone = false;
    const wait = () => {
      turns++;
      if (!isDone) setImmediate(wait);
    };
    setImmediate(wait);
    await warmer.warm();
    isDone = true;
    // 15,000 series and a histogram's 19
    expect(turns).toBeGreaterThan(25);
  });

  test("are made for a model that comes later, by themselves", async () => {
    let model = modelWith(1);
    const exposition = new Exposition({ model: () => model }, { version: "0.1.0" });
    exposition.warmer.start();
    try {
      await new Promise((resolve) => setTimeout(resolve, 400));
      model = modelWith(2000);
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const named = vi.spyOn(Object, "fromEntries");
      await exposition.print(true);
      expect(named.mock.calls.length).toBeLessThan(50);
    } finally {
      exposition.warmer.stop();
    }
  });
});
