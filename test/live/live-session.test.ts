import { describe, expect, it } from "vitest";
import { TimeBase } from "../../src/capture/time-base.ts";
import type { MetricName, MetricSample } from "../../src/live/live-model.ts";
import { LiveSession, type SessionOptions } from "../../src/live/live-session.ts";
import { ModelBuilder } from "../../src/live/model-builder.ts";
import { answerFlows } from "../../src/live/session-queries.ts";
import type { TrackedSource } from "../../src/live/tracked-source.ts";
import { ShortConnections } from "./short-connections.ts";

const ETHERNET = { name: null, linkType: 1, snapLength: 0, fcsLength: 0, dropped: null };

function sessionOf(options: Partial<SessionOptions> = {}): { session: LiveSession; source: TrackedSource } {
  const session = new LiveSession({ timeBase: new TimeBase(1_700_000_000), ringBytes: 1 << 20, ...options });
  const source = session.addSource({
    name: "lb1",
    kind: "stream",
    format: "pcap",
    interfaces: [ETHERNET],
    problems: [],
  });
  return { session, source };
}

const modelOf = (session: LiveSession) =>
  new ModelBuilder(session).build({
    state: "running",
    failure: null,
    sources: [],
    probes: [],
    judgeSeconds: 0,
    judgeEverySeconds: 1,
    residentBytes: 0,
  });

describe("a session on a clock", () => {
  it("tells with a connection that is over how long its answer took, and of one without an answer nothing", () => {
    const { session, source } = sessionOf();
    session.ingest(source, new ShortConnections(100).fill(100));
    session.advance(60e9);
    session.judge();
    const settled = session.takeSettled();
    expect(settled).toHaveLength(100);
    // the generator's packets are 0.2 ms apart, and the answer is the next after the request
    for (const { firstByte } of settled) expect(firstByte).toBeCloseTo(0.0002, 7);
    const { session: silent, source: syns } = sessionOf();
    const batch = new ShortConnections(100).fill(100);
    // of the SYNs alone
    silent.ingest(syns, batch, 0, 100);
    silent.finish();
    expect(silent.takeSettled().map(({ firstByte }) => firstByte)).toEqual(new Array(100).fill(null));
  });

  it("counts each connection once, however often it looks", () => {
    const { session, source } = sessionOf();
    const traffic = new ShortConnections(100);
    for (let second = 0; second < 30; second++) {
      session.ingest(source, traffic.fill(100));
      session.judge();
      session.judge();
    }
    session.advance(40e9);
    session.judge();
    const { vips, metrics, health } = modelOf(session);
    expect(metrics.connections_total).toEqual([{ labels: ["192.0.2.10:443", "(unknown)", "ok"], value: 3000 }]);
    expect(metrics.bytes_total.map(({ labels, value }) => [labels[2], value])).toEqual([
      ["up", 3000 * 200],
      ["down", 3000 * 1000],
    ]);
    const [connects] = metrics.connect_duration_seconds;
    expect(connects!.labels).toEqual(["192.0.2.10:443", "client"]);
    expect(connects!.counts.reduce((sum, count) => sum + count, 0)).toBe(3000);
    // thirty seconds of forty
    expect(vips[0]!.windows["1m"].connections).toBe(3000);
    expect(vips[0]!.windows["10s"].connections).toBe(0);
    expect(health.activeConnections).toBe(0);
  });

  it("shows rates of the last seconds and the connections that are open", () => {
    const { session, source } = sessionOf();
    const traffic = new ShortConnections(100, 10);
    for (let second = 0; second < 30; second++) session.ingest(source, traffic.fill(100));
    session.judge();
    const { vips, health } = modelOf(session);
    expect(health.activeConnections).toBe(300);
    expect(vips[0]!.active).toBe(300);
    // what began in the last second may not be what it seems yet
    expect(vips[0]!.windows["10s"].connectionsPerSecond).toBeGreaterThan(85);
    expect(vips[0]!.windows["10s"].connectionsPerSecond).toBeLessThanOrEqual(100);
    expect(vips[0]!.windows["1m"].connectP50).toBeGreaterThan(150e-6);
    expect(vips[0]!.windows["1m"].connectP50).toBeLessThan(270e-6);
    expect(answerFlows(session, { limit: 5, activeOnly: true, sort: "duration" })).toMatchObject({ matched: 300 });
    expect(answerFlows(session, { limit: 5, filter: "OK 10.0.0.17:" }).flows.map(({ client }) => client)).toEqual([
      "10.0.0.17:1024",
    ]);
  });

  it("settles each connection once, when it is over and quiet", () => {
    const { session, source } = sessionOf({ settleNs: 5e9 });
    const traffic = new ShortConnections(10, 10);
    session.ingest(source, traffic.fill(100));
    const told: string[] = [];
    for (let second = 10; second < 40; second++) {
      session.advance(second * 1e9);
      session.judge();
      told.push(...session.takeSettled().map(({ connection }) => connection.id));
    }
    expect([told.length, new Set(told).size]).toEqual([90, 90]);
    session.finish();
    const rest = session.takeSettled();
    expect(rest.map(({ connection }) => connection.outcome)).toEqual(new Array(10).fill("open"));
    expect(rest.some(({ connection }) => told.includes(connection.id))).toBe(false);
  });

  it("forgets what is older than it remembers, and its counters keep", () => {
    const { session, source } = sessionOf({ rememberNs: 60e9, settleNs: 1e9 });
    const traffic = new ShortConnections(50);
    let most = 0;
    for (let second = 0; second < 300; second += 5) {
      for (let i = 0; i < 5; i++) session.ingest(source, traffic.fill(50));
      session.judge();
      most = Math.max(most, session.live);
    }
    expect(most).toBeLessThanOrEqual(50 * 70);
    session.finish();
    expect(session.takeSettled()).toHaveLength(300 * 50);
    expect(modelOf(session).metrics.connections_total[0]!.value).toBe(300 * 50);
    expect(source.tracker.legs.count).toBeLessThan(50 * 75);
  });
});

describe("a session that is short of memory", () => {
  it("holds no more flows than it may, tells every connection, and says since when it remembers", () => {
    const { session, source } = sessionOf({ maxFlows: 10_000, settleNs: Number.POSITIVE_INFINITY });
    const traffic = new ShortConnections(5000);
    let settled = 0;
    let most = 0;
    const ids = new Set<string>();
    while (traffic.made < 60_000) {
      session.ingest(source, traffic.fill(1000));
      most = Math.max(most, session.live);
      for (const { connection } of session.takeSettled()) {
        settled++;
        ids.add(connection.id);
      }
    }
    session.finish();
    for (const { connection } of session.takeSettled()) {
      settled++;
      ids.add(connection.id);
    }
    expect(most).toBeLessThanOrEqual(10_000);
    expect([settled, ids.size]).toEqual([60_000, 60_000]);
    expect(source.tracker.legs.count).toBeLessThanOrEqual(10_000);
    const { health, metrics } = modelOf(session);
    expect(metrics.connections_total).toEqual([{ labels: ["192.0.2.10:443", "(unknown)", "ok"], value: 60_000 }]);
    expect(health.warnings.join()).toContain("fit into memory");
    expect(session.evicted).toBe(0);
  });

  it("gives up the longest silent where all are open, and says how many", () => {
    const { session, source } = sessionOf({ maxFlows: 2000 });
    const traffic = new ShortConnections(5000, 1);
    while (traffic.made < 10_000) session.ingest(source, traffic.fill(500));
    session.finish();
    const outcomes = session.takeSettled().map(({ connection }) => connection.outcome);
    expect(outcomes).toEqual(new Array(10_000).fill("open"));
    expect(session.evicted).toBeGreaterThanOrEqual(8000);
    expect(modelOf(session).health.warnings.join()).toContain("given up for memory");
  });
});

describe("counters", () => {
  it("never go back, and are bounded whatever the traffic", () => {
    const { session, source } = sessionOf({ maxSeries: 40, maxFlows: 5000 });
    const traffic = new ShortConnections(500, 7);
    let before = new Map<string, number>();
    for (let second = 0; second < 40; second++) {
      session.ingest(source, traffic.fill(500));
      session.judge();
      const { metrics } = modelOf(session);
      const now = new Map<string, number>();
      for (const name of Object.keys(metrics) as (MetricName | "connect_duration_seconds")[]) {
        if (name === "connect_duration_seconds" || !name.endsWith("_total")) continue;
        for (const { labels, value } of metrics[name] as readonly MetricSample[]) now.set(`${name} ${labels}`, value);
      }
      for (const [key, value] of before) expect(now.get(key), key).toBeGreaterThanOrEqual(value);
      expect(now.size).toBeLessThanOrEqual(40);
      before = now;
    }
    expect(before.size).toBeGreaterThan(3);
  });
});
