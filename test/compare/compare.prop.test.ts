import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareSides } from "../../src/compare/compare.ts";
import type { Difference } from "../../src/compare/comparison.ts";
import { diffOf } from "../../src/report/compare/diff.ts";
import { diffDocument } from "../../src/report/compare/diff-document.ts";
import { diffText } from "../../src/report/compare/diff-text.ts";
import { columnsOf, createPage } from "../../src/report/text/page.ts";
import { anySide } from "./sides.ts";

const keyOf = (one: Difference) =>
  JSON.stringify([
    one.measure,
    one.subject.vip,
    one.subject.backend,
    one.subject.tier,
    one.subject.member,
    one.kind === "count" && one.detail,
  ]);

describe("any two sides", () => {
  test("a side against itself never differs", () => {
    fc.assert(
      fc.property(anySide, (side) => {
        const { changes, vips, findings } = compareSides(side, side);
        expect(changes).toEqual([]);
        expect(findings.appeared.concat(findings.gone)).toEqual([]);
        for (const one of vips.flatMap(({ differences }) => differences)) {
          expect(Math.abs(one.difference)).toBe(0);
          expect(one.status).toBe("same");
        }
      }),
    );
  });

  test("swapped, every difference is negated and as sure as before", () => {
    fc.assert(
      fc.property(anySide, anySide, (one, other) => {
        const there = compareSides(one, other);
        const back = compareSides(other, one);
        expect(back.method.tests).toBe(there.method.tests);
        const backward = new Map(
          back.vips.flatMap(({ differences }) => differences).map((each) => [keyOf(each), each]),
        );
        for (const forward of there.vips.flatMap(({ differences }) => differences)) {
          const opposite = backward.get(keyOf(forward));
          expect(opposite, keyOf(forward)).toBeDefined();
          if (opposite === undefined) continue;
          const sign = forward.kind === "shares" ? 1 : -1;
          expect(opposite.difference).toBeCloseTo(sign * forward.difference, 9);
          expect(opposite.pValue).toBeCloseTo(forward.pValue, 6);
          expect(opposite.status).toBe(forward.status);
        }
        expect(back.changes.map(keyOf).sort()).toEqual(there.changes.map(keyOf).sort());
      }),
    );
  });

  test("can be told in every face, whatever they are", () => {
    fc.assert(
      fc.property(anySide, anySide, (one, other) => {
        const diff = diffOf(one, other);
        for (const full of [false, true]) {
          const text = diffText(diff, createPage(100, full, false));
          expect(text).not.toMatch(/NaN|undefined|Infinity|\[object/);
          for (const line of text.split("\n")) expect(columnsOf(line), line).toBeLessThanOrEqual(100);
        }
        const document = JSON.stringify(diffDocument(diff));
        // JSON has no NaN: it would read as null
        expect(document).not.toMatch(/"(?:pValue|adjustedPValue|difference|superiority|designEffect)":null/);
      }),
      { numRuns: 50 },
    );
  });
});
