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

  it("is least connections by weight, too, whether or not the weights are known", () => {
    const weights = [3, 2, 1];
    const byWeight = choose(list, 3, (_, __, active) => {
      const loads = active.map((count, i) => count / weights[i]!);
      return loads.indexOf(Math.min(...loads));
    });
    expect(inferScheduler({ ...byWeight, weights }).name).toBe("lc");
    expect(inferScheduler(byWeight).name).toBe("lc");
  });

  it("is weighted where the cycle is too long to be seen twice", () => {
    const credit = [0, 0, 0];
    const weights = [97, 53, 31];
    const smooth = choose(list, 3, () => {
      weights.forEach((weight, i) => {
        credit[i]! += weight;
      });
      const best = credit.indexOf(Math.max(...credit));
      credit[best]! -= 181;
      return best;
    });
    expect(inferScheduler(smooth).name).toBe("wrr");
  });

  it("is a hash where endpoints come back to their backend, and random where they do not", () => {
    const returning = list.map((arrival) => ({ ...arrival, port: arrival.port % 5 }));
    const hash = ({ client, port }: Arrival) => Math.floor(random(client * 100 + port)() * 3);
    expect(inferScheduler(choose(returning, 3, hash)).name).toBe("5-tuple");
    const next = random(seed + 100);
    expect(inferScheduler(choose(returning, 3, () => Math.floor(next() * 3))).name).toBe("random");
  });

  it("is not told where no endpoint comes back and nothing else fits", () => {
    const next = random(seed + 100);
    const once = list.map((arrival, i) => ({ ...arrival, port: i }));
    expect(inferScheduler(choose(once, 3, () => Math.floor(next() * 3)))).toEqual({
      name: "unknown",
      confidence: 0,
      couldBe: ["5-tuple", "random"],
    });
  });

  it("is not round robin where one backend gets nearly all", () => {
    const next = random(seed + 7);
    const chosen = choose(list, 3, () => (next() < 0.9 ? 0 : 1 + Math.floor(next() * 2)));
    expect(["unknown", "random"]).toContain(inferScheduler(chosen).name);
  });

  it("is turns, and not surely, where the idlest is always the next in turn", () => {
    const even = list.map((arrival, i) => ({ ...arrival, start: i * 10, end: i * 10 + 75 }));
    const scheduler = inferScheduler(choose(even, 5, (_, i) => i % 5));
    expect(scheduler).toMatchObject({ name: "rr", couldBe: ["rr", "lc"] });
    expect(scheduler.confidence).toBeLessThanOrEqual(0.6);
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
