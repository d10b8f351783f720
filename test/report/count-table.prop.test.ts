import fc from "fast-check";
import { expect, test } from "vitest";
import { CountTable } from "../../src/report/survey/count-table.ts";

const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
// small numbers, so that keys come again
const few = fc.integer({ min: -3, max: 3 });
const key = fc.oneof(fc.tuple(few, few, few, few, few, few), fc.tuple(word, word, word, word, word, word));

test("counts like a map, however many keys there are", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(key, fc.integer({ min: 1, max: 9 })), { maxLength: 600 }), (additions) => {
      const table = new CountTable(2);
      const expected = new Map<string, number>();
      for (const [parts, amount] of additions) {
        const row = table.row(...parts);
        table.counts[row * 2 + 1]! += amount;
        expected.set(parts.join(), (expected.get(parts.join()) ?? 0) + amount);
      }
      const found = new Map<string, number>();
      for (let row = 0; row < table.size; row++) {
        found.set([...table.address(row), table.key(row, 0), table.key(row, 1)].join(), table.get(row, 1));
        expect(table.get(row, 0)).toBe(0);
      }
      expect(found).toEqual(expected);
    }),
  );
});
