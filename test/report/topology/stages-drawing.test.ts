import fc from "fast-check";
import { expect, test } from "vitest";
import { drawStages, type Stage } from "../../../src/report/topology/stages-drawing.ts";

const stage = (title: string, labels: readonly string[], leastWidth = 6): Stage => ({ title, labels, leastWidth });
const draw = (stages: readonly Stage[], width = 80) => `\n${drawStages(stages, width).join("\n")}\n`;

test("stages are joined by lines that say: each of these to all of those", () => {
  const clients = stage("clients", ["10.1.0.0/24 80", "10.9.0.0/16 5", "+3 more"]);
  const backends = ["10.3.0.11:80 40", "10.3.0.12:80 60"];
  expect(draw([clients, stage("routers", ["r"]), stage("balancers", ["lb1 85"]), stage("backends", backends)])).toBe(`
clients           routers    balancers    backends
10.1.0.0/24 80 ┬─ r ──────── lb1 85 ───┬─ 10.3.0.11:80 40
10.9.0.0/16 5 ─┤                       └─ 10.3.0.12:80 60
+3 more ───────┘
`);
  expect(draw([stage("a", ["1", "2", "3"]), stage("b", ["x", "y", "z", "w"])])).toBe(`
a    b
1 ┬─ x
2 ┼─ y
3 ┼─ z
  └─ w
`);
  expect(draw([stage("backends", ["10.3.0.11:80"])])).toBe("\nbackends\n10.3.0.11:80\n");
});

test("labels that do not fit lose their beginning, the widest first", () => {
  const clients = stage("clients", ["2001:db8:1:2::/64 58"]);
  const backends = stage("backends", ["[2001:db8::11]:8443 20"]);
  expect(draw([clients, backends], 40)).toBe(`
clients               backends
…1:db8:1:2::/64 58 ── …:db8::11]:8443 20
`);
});

test("no line is wider than there is room, as long as the least widths leave any", () => {
  const labels = fc.array(fc.string({ minLength: 1, maxLength: 40, unit: "grapheme-ascii" }), {
    minLength: 1,
    maxLength: 6,
  });
  fc.assert(
    fc.property(
      fc.array(labels, { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 60, max: 120 }),
      (columns, width) => {
        const lines = drawStages(
          columns.map((own, i) => stage(`t${i}`, own, 4)),
          width,
        );
        expect(lines).toHaveLength(1 + Math.max(...columns.map((own) => own.length)));
        for (const line of lines) expect([...line].length).toBeLessThanOrEqual(width);
      },
    ),
  );
});
