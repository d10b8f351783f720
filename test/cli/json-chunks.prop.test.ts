import fc from "fast-check";
import { expect, test } from "vitest";
import { jsonChunks } from "../../src/cli/json-chunks.ts";

const text = (value: unknown) => [...jsonChunks(value)].join("");

test("the pieces are the text of JSON.stringify", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => text(value) === JSON.stringify(value, null, 2)));
});

test("what JSON leaves out or replaces", () => {
  for (const value of [
    { a: undefined, b: [undefined, Number.NaN], c: "line\nbreak" },
    { a: undefined },
    new Date(0),
    { list: [{ deep: [1, { a: [] }] }], empty: {} },
  ]) {
    expect(text(value)).toBe(JSON.stringify(value, null, 2));
  }
});

test("a list is never one string", () => {
  const connections = Array.from({ length: 1000 }, (_, index) => ({ id: `c${index}` }));
  const longest = Math.max(...[...jsonChunks({ schema: "x", connections })].map((chunk) => chunk.length));
  expect(longest).toBeLessThan(100);
});
