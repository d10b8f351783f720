import fc from "fast-check";
import { expect, test } from "vitest";
import { chartColumns, charts, windowRows } from "../../src/report/text/chart.ts";
import { columnsOf, createPage } from "../../src/report/text/page.ts";
import { sparkline } from "../../src/report/text/sparkline.ts";

const page = createPage(80, true, false);

test("a sparkline keeps zero apart from little, and fills up at most", () => {
  expect(sparkline([0, 1, 1000, 500])).toBe("▁▂█▅");
  expect(sparkline([0, 0])).toBe("▁▁");
  expect(sparkline([])).toBe("");
});

test("nothing is drawn of nothing", () => {
  const series = [[], [0, 0], [Number.NaN, Number.POSITIVE_INFINITY]].map((values) => ({ title: "t", values }));
  expect(charts(series, page)).toEqual([]);
});

test("charts of any numbers fit the page", () => {
  const values = fc.array(fc.double({ min: 0, max: 1e9 }), { minLength: 1, maxLength: chartColumns(page) });
  fc.assert(
    fc.property(values, (numbers) => {
      for (const line of charts([{ title: "t", values: numbers }], page)) {
        expect(columnsOf(line)).toBeLessThanOrEqual(80);
      }
    }),
  );
});

test("a window is marked inside the chart, however it lies", () => {
  const columns = chartColumns(page);
  fc.assert(
    fc.property(fc.double({ noNaN: true }), fc.double({ noNaN: true }), (from, to) => {
      const rows = windowRows(from, to, "path.mtu-blackhole 11:05:04.3", columns);
      expect(rows[0]).toMatch(/^ {11,}▲/);
      for (const row of rows) expect(columnsOf(row)).toBeLessThanOrEqual(80);
    }),
  );
});
