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

describe("exemplars", () => {
  const exemplar = (connection: string, time: number, value = 1) => ({ connection, communityId: "1:x", value, time });
  const shown = (connection: string, time: number, value = 1) => ({
    time,
    make: () => exemplar(connection, time, value),
  });

  it("are the newest connection that counted, in a histogram that of each cell", () => {
    const book = new MetricBook(100);
    book.add("resets_total", ["v", "b", "lb", "no-state"], 1, shown("c5", 50));
    book.add("resets_total", ["v", "b", "lb", "no-state"], 1, shown("c3", 30));
    book.add("resets_total", ["v", "b", "lb", "no-state"], 1);
    expect(book.read("resets_total")).toEqual([
      { labels: ["v", "b", "lb", "no-state"], value: 3, exemplar: exemplar("c5", 50) },
    ]);
    book.connect(["v", "client"], 0.02, shown("c1", 10, 0.02));
    book.connect(["v", "client"], 0.021, shown("c2", 20, 0.021));
    book.connect(["v", "client"], 99, shown("c4", 15, 99));
    const [{ counts, exemplars } = { counts: [], exemplars: [] }] = book.readConnects();
    expect(counts.map((count, i) => [count, exemplars?.[i]?.connection]).filter(([count]) => count !== 0)).toEqual([
      [2, "c2"],
      [1, "c4"],
    ]);
  });

  it("are made once, of those alone that stay", () => {
    const book = new MetricBook(100);
    const made: string[] = [];
    const counted = (connection: string, time: number) => ({
      time,
      make: () => {
        made.push(connection);
        return exemplar(connection, time);
      },
    });
    for (let i = 0; i < 50; i++) {
      book.add("resets_total", ["v", "b", "lb", "no-state"], 1, counted(`c${i}`, i));
      book.connect(["v", "client"], 0.02, counted(`h${i}`, i));
    }
    book.makeExemplars();
    expect(made).toEqual(["c49", "h49"]);
    const [{ exemplar: first } = { exemplar: undefined }] = book.read("resets_total");
    // the same object as long as it stays: it is sent to faces once
    expect(book.read("resets_total")[0]?.exemplar).toBe(first);
    book.add("resets_total", ["v", "b", "lb", "no-state"], 1, counted("older", 3));
    book.readConnects();
    expect(made).toEqual(["c49", "h49"]);
  });

  it("of what found no room stand for the rest, and nothing is shown without one", () => {
    const book = new MetricBook(0);
    book.add("connections_total", ["v", "b", "reset"], 1, shown("c9", 1));
    expect(book.read("connections_total")[0]).toMatchObject({
      labels: ["other", "other", "reset"],
      exemplar: { connection: "c9" },
    });
    book.add("connections_total", ["v", "b", "ok"], 1);
    expect(book.read("connections_total")[1]).not.toHaveProperty("exemplar");
  });
});

describe("gauges and counters", () => {
  it("a gauge's series keep their place and their array of labels while they are set", () => {
    const book = new MetricBook(10);
    const set = (...names: string[]) =>
      book.replace(
        "connections_active",
        names.map((name, i) => [[name, "b"], i + 1] as const),
      );
    set("v1", "v2", "v3");
    const before = book.read("connections_active");
    set("v4", "v3", "v1");
    const after = book.read("connections_active");
    expect(after.map(({ labels, value }) => [labels[0], value])).toEqual([
      ["v1", 3],
      ["v3", 2],
      ["v4", 1],
    ]);
    expect(after[0]!.labels).toBe(before[0]!.labels);
    expect(after[1]!.labels).toBe(before[2]!.labels);
  });

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
