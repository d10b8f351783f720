import { expect, test } from "vitest";
import type { LiveMetrics, MetricSample } from "../../src/live/live-model.ts";
import { MinuteSampler } from "../../src/store/recording.ts";

function metrics(values: Record<string, readonly MetricSample[]>): LiveMetrics {
  const empty = new Proxy({}, { get: (_, name: string) => values[name] ?? [] });
  return empty as LiveMetrics;
}

test("counters go into the minute in which they grew, gauges as they are, and what stands still not at all", () => {
  const sampler = new MinuteSampler();
  const moves = (value: number) => [{ labels: ["192.0.2.10:443", "member"], value }];
  const active = (value: number) => [{ labels: ["192.0.2.10:443", "10.2.0.11:8443"], value }];
  const at = (now: number, moved: number, open: number) =>
    sampler.samples({ now, metrics: metrics({ flow_moves_total: moves(moved), connections_active: active(open) }) });
  const labels = { vip: "192.0.2.10:443", kind: "member" };
  const gauge = {
    name: "connections_active",
    labels: { vip: "192.0.2.10:443", backend: "10.2.0.11:8443" },
    how: "set",
  };
  const counter = { name: "flow_moves_total", labels, how: "add" };
  expect(at(1_790_000_045.5, 3, 10)).toEqual([
    { ...gauge, minute: 1_790_000_040, value: 10 },
    { ...counter, minute: 1_790_000_040, value: 3 },
  ]);
  expect(at(1_790_000_099, 3, 10)).toEqual([{ ...gauge, minute: 1_790_000_040, value: 10 }]);
  expect(at(1_790_000_100, 8, 0)).toEqual([
    { ...gauge, minute: 1_790_000_100, value: 0 },
    { ...counter, minute: 1_790_000_100, value: 5 },
  ]);
  expect(at(Number.NaN, 9, 9)).toEqual([]);
});
