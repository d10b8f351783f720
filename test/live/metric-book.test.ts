import { describe, expect, it } from "vitest";
import { MetricBook } from "../../src/live/metric-book.ts";

describe("metrics that have no room", () => {
  it("count as other, and how many were dropped is told", () => {
    const book = new MetricBook(3);
    for (let i = 0; i < 10; i++) book.add("connections_total", [`10.0.0.${i}:80`, "10.2.0.1:80", "ok"], i + 1);
    for (let i = 0; i < 10; i++) book.add("connections_total", [`10.0.0.${i}:80`, "10.2.0.1:80", "ok"], 1);
    const samples = book.read("connections_total");
    expect(samples).toHaveLength(4);
    expect(samples.at(-1)).toEqual({ labels: ["other", "other", "ok"], value: 4 + 5 + 6 + 7 + 8 + 9 + 10 + 7 });
    expect(samples.reduce((sum, { value }) => sum + value, 0)).toBe(65);
    expect(book.read("series_dropped_total")).toEqual([{ labels: [], value: 7 }]);
  });

  it("keep labels that can only have few values", () => {
    const book = new MetricBook(0);
    book.add("resets_total", ["192.0.2.10:443", "10.2.0.1:80", "lb", "no-state"], 1);
    book.connect(["192.0.2.10:443", "client"], 0.02);
    expect(book.read("resets_total")).toEqual([{ labels: ["other", "other", "lb", "no-state"], value: 1 }]);
    expect(book.readConnects()[0]!.labels).toEqual(["other", "client"]);
  });
});

describe("gauges and counters", () => {
  it("a gauge is replaced and gives its room back, a counter never goes back", () => {
    const book = new MetricBook(2);
    for (let i = 0; i < 50; i++) book.replace("connections_active", [[[`10.0.0.${i}:80`, "b"], i]]);
    expect(book.read("connections_active")).toEqual([{ labels: ["10.0.0.49:80", "b"], value: 49 }]);
    book.raise("capture_lost_total", ["eth0"], 9);
    book.raise("capture_lost_total", ["eth0"], 4);
    book.add("capture_lost_total", ["eth0"], -3);
    expect(book.read("capture_lost_total")).toEqual([{ labels: ["eth0"], value: 9 }]);
    expect(book.read("series_dropped_total")[0]!.value).toBe(0);
  });

  it("a time falls under its edge: three seconds is a SYN sent twice, not more", () => {
    const book = new MetricBook(100);
    for (const seconds of [0.00005, 1, 1.0001, 3, 60]) book.connect(["v", "client"], seconds);
    const { counts, sum } = book.readConnects()[0]!;
    expect(counts.filter((count) => count > 0)).toEqual([1, 1, 2, 1]);
    expect([counts[12], counts[13], counts.at(-1)]).toEqual([1, 2, 1]);
    expect(sum).toBeCloseTo(65.00015);
  });
});
