import { describe, expect, test } from "vitest";
import { TimeBase } from "../../src/capture/time-base.ts";
import type { ConnectionSample } from "../../src/compare/side.ts";
import { analyzeCaptures } from "../../src/offline/analyze-captures.ts";
import { type Analysis, analysisOf } from "../../src/report/analysis.ts";
import { type RunWindow, sideOfAnalysis } from "../../src/report/compare/side-of-analysis.ts";
import { nsOfEpoch } from "../../src/store/epoch-ns.ts";
import { sideOfStore } from "../../src/store/side-of-store.ts";
import { storeAnalysis } from "../../src/store/store-analysis.ts";
import { ALWAYS } from "../../src/store/store-window.ts";
import { reading, withStore } from "./store-folder.ts";

const DEMO = ["fixtures/demo/lb1-eth0.pcap", "fixtures/demo/lb1-eth1.pcap"];
const BY = { version: "1.2.3", host: "here" };

async function demo(): Promise<Analysis> {
  return analysisOf(await analyzeCaptures(DEMO, { timeBase: new TimeBase() }));
}

/** What a store can know as well as the packets do; times to the nanosecond are compared as milliseconds. */
function comparable(samples: readonly ConnectionSample[]) {
  return samples
    .map(
      ({ client, vip, protocol, backend, seenAt, isNew, outcome, reset, handshake, connect, firstByte, openedAt }) => ({
        client,
        vip,
        protocol,
        backend,
        seenAt,
        isNew,
        outcome,
        reset: reset === null ? null : `${reset.by} ${reset.cause}`,
        timings: [handshake, connect, firstByte].map((one) => (one === null ? null : one.seconds.toFixed(6))),
        openedAt: openedAt.toFixed(3),
      }),
    )
    .toSorted((a, b) => `${a.openedAt} ${a.client}`.localeCompare(`${b.openedAt} ${b.client}`));
}

describe("a window of a store is the side that the packets give", () => {
  test.each<[string, [number, number] | null]>([
    ["the first two seconds", [0, 2]],
    ["the rest", [2, 5]],
  ])("%s", async (_, seconds) => {
    const analysis = await demo();
    const { subject, timeBase } = analysis;
    const base = nsOfEpoch(timeBase.toEpoch(0)) ?? 0n;
    const [from, to] = seconds ?? [0, 0];
    const window: RunWindow = { from: subject.start + from * 1e9, to: subject.start + to * 1e9 };
    const packets = sideOfAnalysis(analysis, "packets", window);
    await withStore(async (path) => {
      await storeAnalysis(path, analysis, BY);
      await reading(path, (reader) => {
        const at = (ns: number) => base + BigInt(Math.round(ns));
        const side = sideOfStore(reader, { from: at(window.from), to: at(window.to) }, "store");
        expect(side.connections.length).toBeGreaterThan(5);
        expect(comparable(side.connections)).toEqual(comparable(packets.connections));
        expect(side.start).toBe(packets.start);
        expect(new Set(side.findings.map(({ id, connections }) => `${id} ${connections}`))).toEqual(
          new Set(packets.findings.map(({ id, connections }) => `${id} ${connections}`)),
        );
        expect(new Set(side.points)).toEqual(new Set(packets.points));
        expect(side.vips.find(({ vip }) => vip === "192.0.2.10:443")).toMatchObject({ mode: "dnat", protocol: "tcp" });
      });
    });
  });

  test("all of it ends with the last minute, and an empty store has nothing", async () => {
    await withStore(async (path) => {
      const analysis = await demo();
      await storeAnalysis(path, { ...analysis, subject: analysis.subject }, BY);
      await reading(path, (reader) => {
        const side = sideOfStore(reader, ALWAYS, "all");
        expect(side.connections).toHaveLength(analysis.subject.users.length);
        expect(Number(side.end) % 60).toBe(0);
        expect(side.durationSeconds).toBeGreaterThanOrEqual(60);
        const after = sideOfStore(reader, { from: ALWAYS.to - 10n, to: ALWAYS.to }, "after");
        expect(after).toMatchObject({ connections: [], durationSeconds: 0 });
      });
    });
  });
});
