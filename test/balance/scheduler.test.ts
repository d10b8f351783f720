import { describe, expect, it } from "vitest";
import type { Choices } from "../../src/balance/choices.ts";
import { inferScheduler } from "../../src/balance/scheduler.ts";

/** A reproducible stream of numbers from 0 to 1 (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

interface Arrival {
  client: number;
  port: number;
  start: number;
  end: number;
}

/** 300 connections of 20 clients whose length varies over two orders of magnitude, as real ones do. */
function arrivals(seed: number, count = 300): Arrival[] {
  const next = random(seed);
  let time = 0;
  return Array.from({ length: count }, () => {
    time += next() * 20;
    return {
      client: Math.floor(next() * 20),
      port: Math.floor(next() * 28000),
      start: time,
      end: time + 5 + 500 * next() ** 4,
    };
  });
}

function choose(
  list: readonly Arrival[],
  backends: number,
  pick: (arrival: Arrival, i: number, active: number[]) => number,
): Choices {
  const active: { end: number; backend: number }[] = [];
  const backend = list.map((arrival, i) => {
    const counts = new Array<number>(backends).fill(0);
    for (const one of active) if (one.end > arrival.start) counts[one.backend]!++;
    const chosen = pick(arrival, i, counts);
    active.push({ end: arrival.end, backend: chosen });
    return chosen;
  });
  return {
    backend: Int32Array.from(backend),
    client: Int32Array.from(list, ({ client }) => client),
    endpoint: Int32Array.from(list, ({ client, port }) => client * 65536 + port),
    start: Float64Array.from(list, ({ start }) => start),
    end: Float64Array.from(list, ({ end }) => end),
    closing: Float64Array.from(list, ({ end }) => end),
    backends,
  };
}

const seeds = [1, 2, 3, 4, 5];

describe.each(seeds)("the scheduler of 300 connections (seed %i)", (seed) => {
  const list = arrivals(seed);

  it("is round robin where backends take turns", () => {
    expect(inferScheduler(choose(list, 3, (_, i) => i % 3)).name).toBe("rr");
  });

  it("is round robin, too, where two processors stir the turns", () => {
    const choices = choose(list, 4, (_, i) => i % 4);
    for (let i = 7; i + 1 < choices.backend.length; i += 9) {
      [choices.backend[i], choices.backend[i + 1]] = [choices.backend[i + 1]!, choices.backend[i]!];
    }
    expect(inferScheduler(choices).name).toBe("rr");
  });

  it("is weighted where one comes more often in each turn", () => {
    const turn = [0, 0, 1, 0, 2];
    expect(inferScheduler(choose(list, 3, (_, i) => turn[i % turn.length]!)).name).toBe("wrr");
  });

  it("is least connections where the idlest is chosen", () => {
    expect(inferScheduler(choose(list, 3, (_, __, active) => active.indexOf(Math.min(...active)))).name).toBe("lc");
  });

  it("is source where a client always meets the same backend", () => {
    expect(inferScheduler(choose(list, 3, ({ client }) => (client * 7919) % 3)).name).toBe("source");
  });

  it("is a hash or random where nothing else fits", () => {
    const next = random(seed + 100);
    expect(["5-tuple", "random"]).toContain(inferScheduler(choose(list, 3, () => Math.floor(next() * 3))).name);
  });
});

describe("the scheduler", () => {
  it("is unknown of a handful of connections", () => {
    expect(inferScheduler(choose(arrivals(1, 10), 3, (_, i) => i % 3))).toEqual({ name: "unknown", confidence: 0 });
  });

  it("is not source where one backend gets all", () => {
    expect(inferScheduler(choose(arrivals(2), 2, () => 0)).name).not.toBe("source");
  });

  it("is random where the same endpoint comes back to another backend", () => {
    const list = arrivals(3).map((arrival) => ({ ...arrival, port: arrival.client }));
    const next = random(9);
    expect(inferScheduler(choose(list, 3, () => Math.floor(next() * 3))).name).toBe("random");
  });
});
