import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createPage } from "../../src/report/text/page.ts";
import { drawFrame, type FrameInput } from "../../src/tui/frame.ts";
import { type DashboardState, initialState, VIEW_IDS } from "../../src/tui/state.ts";
import { modelOf } from "../support/live-model.ts";
import { busyModel } from "./busy-model.ts";
import { flowOf } from "./fake-handle.ts";

function frame(
  state: Partial<DashboardState>,
  columns: number,
  rows: number,
  parts: Partial<FrameInput> = {},
): string[] {
  return drawFrame({
    model: busyModel(),
    state: { ...initialState(), ...state },
    flows: { matched: 3, flows: [0, 1, 2].map(flowOf) },
    ladder: "one\ntwo",
    columns,
    rows,
    page: createPage(columns, true, false),
    ...parts,
  });
}

describe("a frame", () => {
  test.each(VIEW_IDS)("of %s fills 80×24 and 200×60, and no line is wider", (view) => {
    for (const [columns, rows] of [
      [80, 23],
      [200, 59],
    ] as const) {
      const lines = frame({ view }, columns, rows);
      expect(lines).toHaveLength(rows);
      for (const line of lines) expect([...line].length).toBeLessThanOrEqual(columns);
    }
  });

  test("of any size and state is that many lines, none too wide", () => {
    const state = fc.record({
      view: fc.constantFrom(...VIEW_IDS),
      filter: fc.string({ maxLength: 20 }),
      typing: fc.option(fc.string({ maxLength: 100 })),
      message: fc.option(fc.string({ maxLength: 200 })),
      overlay: fc.constantFrom(
        null,
        { kind: "help" as const, top: 0 },
        { kind: "finding" as const, key: "ecmp.rehash a", top: 3 },
        { kind: "ladder" as const, id: "c1", top: 99 },
      ),
    });
    fc.assert(
      fc.property(
        state,
        fc.integer({ min: 80, max: 220 }),
        fc.integer({ min: 10, max: 70 }),
        fc.integer({ min: 1, max: 50 }),
        (chosen, columns, rows, vips) => {
          const lines = frame(chosen, columns, rows, { model: busyModel({ vips, backends: vips * 3 }), ladder: null });
          expect(lines).toHaveLength(rows);
          for (const line of lines) expect([...line].length).toBeLessThanOrEqual(columns);
        },
      ),
      { numRuns: 200 },
    );
  });

  test("names the worst finding first, and says when there is none", () => {
    expect(frame({}, 120, 30)[1]).toMatch(/✗ ecmp\.rehash \(00:41\) 49 of 96 open connections broke/);
    expect(frame({}, 120, 30, { model: busyModel({ findings: [] }) })[1]).toMatch(/✓ nothing is wrong now/);
    expect(frame({}, 120, 30, { model: modelOf({ health: { state: "starting" } }) })[1]).toMatch(/waiting for packets/);
    const failed = modelOf({ health: { state: "failed", failure: "eth0 is gone" } });
    expect(frame({}, 120, 30, { model: failed })[1]).toMatch(/✗ eth0 is gone/);
  });

  test("says the same without colours", () => {
    const coloured = frame({ view: "findings" }, 100, 30, { page: createPage(100, true, true) });
    expect(coloured.join("\n")).toContain("\u001b[31m");
    expect(coloured.map(stripVTControlCharacters)).toEqual(frame({ view: "findings" }, 100, 30));
    expect(frame({ view: "findings" }, 100, 30).join("\n")).toMatch(/▸✗ ecmp\.rehash/);
  });

  test("says that packets are lost or left out before anything else below", () => {
    const model = busyModel({ health: { warnings: ["one conversation in 4 is followed"] } });
    expect(frame({}, 100, 30, { model }).at(-2)).toMatch(/! one conversation in 4 is followed/);
  });

  test("draws charts where there is room for them", () => {
    expect(frame({}, 80, 23).join("\n")).toContain("resets/s, most 14");
    expect(frame({}, 200, 59).join("\n")).toContain("connect p99, most 1.01s");
    expect(frame({}, 80, 12).join("\n")).not.toContain("resets/s, most");
  });

  test("shows no more than fits of ten thousand backends, in a moment", () => {
    const model = busyModel({ backends: 10_000 });
    const began = performance.now();
    for (let i = 0; i < 10; i++) frame({ view: "backends" }, 120, 50, { model });
    // a frame must not take a tenth of the 250 ms between two; generous, for machines that are busy
    expect((performance.now() - began) / 10).toBeLessThan(100);
  });

  test("cannot be broken by what captures call their points", () => {
    const model = busyModel();
    const vips = model.vips.map((vip) => ({ ...vip, vip: "a\u001b[2J\nb" }));
    expect(frame({}, 80, 23, { model: { ...model, vips } }).join("\n")).not.toContain("\u001b[2J");
  });
});
