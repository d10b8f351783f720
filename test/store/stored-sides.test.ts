import { appendFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Diff, diffOf } from "../../src/report/compare/diff.ts";
import { diffRequest } from "../../src/report/compare/diff-request.ts";
import { parseMoment, parseMomentRange } from "../../src/report/compare/moment.ts";
import { sideOfAnalysis } from "../../src/report/compare/side-of-analysis.ts";
import { verdictOf } from "../../src/report/compare/verdict.ts";
import { isStore } from "../../src/store/is-store.ts";
import { storeAnalysis } from "../../src/store/store-analysis.ts";
import { sidesOfStores } from "../../src/store/stored-sides.ts";
import { storedSpan } from "../../src/store/stored-span.ts";
import { analyseScenario } from "../compare/sides.ts";
import { fill, reading, someConnections, withStore } from "./store-folder.ts";

const BY = { version: "1.2.3", host: "here" };
type Choice = Parameters<typeof diffRequest>[0];

async function diffStores(choice: Choice): Promise<Diff> {
  const request = diffRequest(choice);
  if (typeof request === "string") throw new Error(request);
  const sides = await sidesOfStores(request);
  if (sides === null) throw new Error("no input is a store");
  return diffOf(...sides);
}

/** What is called a change, and by how much. */
function outcome({ comparison, before, after }: Diff) {
  return {
    connections: [before.connections.length, after.connections.length],
    points: [new Set(before.points), new Set(after.points)],
    changes: comparison.changes.map(({ measure, subject: { vip, backend, member }, difference }) =>
      [measure, vip, backend, member, difference.toFixed(6)].join(" "),
    ),
    findings: [comparison.findings.appeared, comparison.findings.gone].map((list) =>
      list.map(({ finding, isSure }) => `${finding.id} ${isSure}`),
    ),
    incomparable: comparison.incomparable.map(({ measure, why }) => `${measure}: ${why}`),
  };
}

describe("two times of a store are what two times of its captures are", () => {
  test.each([
    ["ecmp-rehash-add", "changed"],
    ["ecmp-resilient-add", "unchanged"],
  ])("%s", async (name, result) => {
    const analysis = await analyseScenario(name);
    const { start, end } = analysis.subject;
    const cut = start + 2.5e9;
    const packets = diffOf(
      sideOfAnalysis(analysis, "before", { from: start, to: cut }),
      sideOfAnalysis(analysis, "after", { from: cut, to: end + 1 }),
    );
    await withStore(async (path) => {
      await storeAnalysis(path, analysis, BY);
      const atMoment = await diffStores({ captures: [path], at: parseMoment("+2.5s") });
      expect(verdictOf(atMoment)).toEqual(verdictOf(packets));
      expect(verdictOf(packets).result).toBe(result);
      expect(outcome(atMoment)).toEqual(outcome(packets));
      // frames that are of no connection may come first or last
      expect(Number(atMoment.before.start)).toBeCloseTo(Number(packets.before.start), 3);
      expect(Number(atMoment.after.end)).toBeCloseTo(Number(packets.after.end), 3);
      const byWindow = await diffStores({
        captures: [path],
        beforeWindow: parseMomentRange("..+2.5"),
        afterWindow: parseMomentRange("+2.5.."),
      });
      expect(byWindow).toEqual(atMoment);
    });
  });
});

test("two stores are what their captures are", async () => {
  const [resilient, rehashed] = [await analyseScenario("ecmp-resilient-add"), await analyseScenario("ecmp-rehash-add")];
  const packets = diffOf(sideOfAnalysis(resilient, "before"), sideOfAnalysis(rehashed, "after"));
  await withStore(async (before) => {
    await withStore(async (after) => {
      await storeAnalysis(before, resilient, BY);
      await storeAnalysis(after, rehashed, BY);
      const stored = await diffStores({ captures: [before, after] });
      const [ofStores, ofPackets] = [outcome(stored), outcome(packets)];
      expect(ofStores).toEqual(ofPackets);
      expect(verdictOf(stored)).toEqual(verdictOf(packets));
      expect(verdictOf(await diffStores({ captures: [after, after] })).result).toBe("unchanged");
    });
  });
});

test("a move that a finding tells of belongs to the window in which it happened", async () => {
  const analysis = await analyseScenario("ecmp-rehash-add");
  await withStore(async (path) => {
    await storeAnalysis(path, analysis, BY);
    const { before, after } = await diffStores({ captures: [path], at: parseMoment("+2.5s") });
    // 24 connections moved after it, most of which were there before it
    expect(before.connections.filter(({ hasMoved }) => hasMoved)).toHaveLength(0);
    expect(after.connections.filter(({ hasMoved }) => hasMoved)).toHaveLength(24);
  });
});

test("what two runs watched at once counts twice, and that is said", async () => {
  const analysis = await analyseScenario("ecmp-resilient-add");
  await withStore(async (path) => {
    await storeAnalysis(path, analysis, BY);
    await storeAnalysis(path, analysis, BY);
    const { comparison } = await diffStores({ captures: [path], at: parseMoment("+2.5s") });
    const caveat = "runs 1 and 2 watched at the same time: what both saw counts twice";
    expect(comparison.caveats).toEqual([`before: ${caveat}`, `after: ${caveat}`]);
  });
});

describe("an input is a store by its first bytes", () => {
  test("alone", async () => {
    await withStore(async (path) => {
      writeFileSync(path, "SQLite format 3");
      expect(isStore(path)).toBe(false);
      appendFileSync(path, "\0");
      expect(isStore(path)).toBe(true);
      for (const other of ["-", "/", "/dev/null", `${path}.absent`, "fixtures/demo/lb1-eth0.pcap"]) {
        expect(isStore(other)).toBe(false);
      }
    });
  });

  test("captures are left to others", async () => {
    const request = diffRequest({ captures: ["fixtures/demo/lb1-eth0.pcap", "-"] });
    if (typeof request === "string") throw new Error(request);
    expect(await sidesOfStores(request)).toBeNull();
  });
});

test("what cannot be compared is refused in a line", async () => {
  await withStore(async (path) => {
    await fill(path, someConnections({ connections: 200 }));
    const pcap = "fixtures/demo/lb1-eth0.pcap";
    const at = parseMoment("+1s");
    for (const [choice, message] of [
      [{ captures: [path, pcap] }, `${path} is a store and ${pcap} is none: keep the captures in a store first`],
      [{ captures: [], before: [pcap], after: [path] }, "is a store and"],
      [{ captures: [path, "absent.pcap"], at }, "absent.pcap is none"],
      [{ captures: [], before: [path, path], after: [path] }, "a side is one store"],
      [{ captures: [path, path], at }, "times divide one store: name that alone"],
      [{ captures: [path], at: parseMoment("2001-01-01T00:00:00Z") }, `lies outside of the connections of ${path}`],
    ] satisfies [Choice, string][]) {
      await expect(diffStores(choice)).rejects.toMatchObject({
        name: "StoreError",
        kind: "input",
        message: expect.stringContaining(message),
      });
    }
  });
  await withStore(async (path) => {
    await fill(path, []);
    await expect(diffStores({ captures: [path], at: parseMoment("+1s") })).rejects.toThrow(/has no connections/);
    expect(await reading(path, storedSpan)).toBeNull();
  });
});
