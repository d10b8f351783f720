import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { barChart } from "../../../src/report/hash/bar-chart.ts";
import { seriesChart } from "../../../src/report/hash/series-chart.ts";
import { stripPlot } from "../../../src/report/hash/strip-plot.ts";
import { createPage, type Page } from "../../../src/report/text/page.ts";
import { modulo, rendezvous } from "../../balance/what-if/sample-methods.ts";
import { type Asked, ask } from "./ask.ts";

const page = (width = 80, full = false): Page => createPage(width, full, false);
const text = (asked: Asked, on = page()) => `\n${ask(asked).text(on)}\n`;
const of = [rendezvous, modulo];
const THREE = ["10.2.0.11:8080=2", "10.2.0.12..13:8080"];

describe("what a person sees", () => {
  test("shares: the verdict first, then figures, backends and a plot", () => {
    expect(text({ of, backends: THREE, keys: 20_000 })).toMatchInlineSnapshot(`
      "
      20,000 connections of 20,000 made-up clients (spread, seed 1)
      192.0.2.10:443 tcp · 3 backends, weighted
      ! 1 of 2 methods does not share by the weights; the least even is
        rendezvous-sample: 10.2.0.12:8080 has 1.35 times its share

        method             max/mean  fullest            CV    Jain  chi²       p
        rendezvous-sample      1.35  10.2.0.12:8080  0.284  0.9255  2238  <0.001
        modulo-sample          1.02  10.2.0.12:8080  0.012  0.9999   3.2   0.203

        backend         weight  expected  rendezvous-sample  modulo-sample
        10.2.0.11:8080       2     50.0%              33.3%          49.4%
        10.2.0.12:8080       1     25.0%              33.6%          25.4%
        10.2.0.13:8080       1     25.0%              33.1%          25.2%

        share / expected   0.6                        1.0                        1.4
        rendezvous-sample       •                      │                      ••
        modulo-sample                                 •••
      "
    `);
  });
  test("a change: what moves and breaks", () => {
    expect(
      text({
        of: [modulo, rendezvous],
        methods: ["modulo-sample", "rendezvous-sample"],
        backends: ["10.2.0.11..14:8080"],
        keys: 20_000,
        remove: ["10.2.0.12"],
      }),
    ).toMatchInlineSnapshot(`
      "
      20,000 connections of 20,000 made-up clients (spread, seed 1)
      192.0.2.10:443 tcp · 4 backends
      ! Removing 10.2.0.12:8080 should move 25.0% of connections; rendezvous-sample
        moves 25.1%, modulo-sample moves 74.9%
      ✓ both methods share by the weights; at most, with modulo-sample, 10.2.0.13:8080
        has 1.02 times its share

        method             moved  × least  broken: no table  table
        modulo-sample      74.9%     3.00             74.9%  24.7%
        rendezvous-sample  25.1%     1.00             25.1%  25.1%
        no table: every packet is hashed anew
        table: the load balancer remembers its connections (LRU kept), so only the
          removed backends' break

        connections moved
        least possible     ████████████████ 25.0%
        modulo-sample      ████████████████████████████████████████████████ 74.9%
        rendezvous-sample  ████████████████▏ 25.1%

        method             max/mean  fullest            CV    Jain  chi²      p
        modulo-sample          1.02  10.2.0.13:8080  0.013  0.9998   3.2  0.362
        rendezvous-sample      1.01  10.2.0.14:8080  0.005  1.0000   0.6  0.902

        backend         weight  expected  modulo-sample  rendezvous-sample
        10.2.0.11:8080       1     25.0%          24.7%              24.8%
        10.2.0.12:8080       1     25.0%          24.7%              25.1%
        10.2.0.13:8080       1     25.0%          25.4%              24.9%
        10.2.0.14:8080       1     25.0%          25.2%              25.1%

        share / expected   0.9                        1.0                        1.1
        modulo-sample                              ••  │ •  •
        rendezvous-sample                            ••│••
      "
    `);
  });
  test("GLB's second chance and a router that sends flows elsewhere", () => {
    const asked = {
      methods: ["glb"],
      backends: ["10.2.0.11..14:8080"],
      keys: 20_000,
      drain: ["10.2.0.12"],
      balancers: "4..3",
    };
    expect(text(asked)).toMatchInlineSnapshot(`
      "
      20,000 connections of 20,000 made-up clients (spread, seed 1)
      192.0.2.10:443 tcp · 4 backends
      ✓ Draining 10.2.0.12:8080 should move 25.0% of connections; glb moves 24.7%
      ✓ glb shares by the weights: the fullest, 10.2.0.11:8080, has 1.01 times its
        share (p 0.793)

        method  moved  × least  broken: no table  table  other LB  2nd chance
        glb     24.7%     0.99             24.7%     0%     18.6%          0%
        no table: every packet is hashed anew
        table: the load balancer remembers its connections (LRU kept)
        other LB: the same, but ECMP goes from 4 to 3 load balancers (modulo) and
          74.9% of connections come to one that does not know them (LRU lost)
        2nd chance: no table, but a backend that does not know a connection passes
          it to the other of its row (GLB)

        connections moved
        least possible  ████████████████████████████████████████████████ 25.0%
        glb             ███████████████████████████████████████████████▍ 24.7%

        method  max/mean  fullest            CV    Jain  chi²      p
        glb         1.01  10.2.0.11:8080  0.007  0.9999   1.0  0.793

        backend         weight  expected    glb
        10.2.0.11:8080       1     25.0%  25.2%
        10.2.0.12:8080       1     25.0%  24.7%
        10.2.0.13:8080       1     25.0%  25.1%
        10.2.0.14:8080       1     25.0%  25.1%

        share / expected  0.9                        1.0                         1.1
        glb                                        •  │●•
      "
    `);
  });
  test("growth: two tables and two charts", () => {
    expect(text({ of, grow: "2..6", keys: 20_000 })).toMatchInlineSnapshot(`
      "
      20,000 connections of 20,000 made-up clients (spread, seed 1)
      192.0.2.10:443 tcp · 6 backends
      · rendezvous-sample fills a backend to 1.02 times its share at most,
        modulo-sample to 1.03
      · each new backend: rendezvous-sample moves 1.00 times what has to move,
        modulo-sample 3.21 times

      Fullest backend's share over its due (max/mean), by number of backends
        method                  2     3     4     5     6
        a rendezvous-sample  1.00  1.00  1.01  1.02  1.02
        b modulo-sample      1.00  1.00  1.02  1.03  1.01

        1.03 ┤                     b
             │
             │
             │
        1.02 ┤               b     a     a
             │
             │               a           b
             │         a
        1.00 ┤   +     b
                 2     3     4     5     6

      Connections moved by the last backend added
        method               2      3      4      5      6
        · least possible     -  33.3%  25.0%  20.0%  16.7%
        a rendezvous-sample  -  33.3%  24.8%  20.1%  16.9%
        b modulo-sample      -  66.8%  75.0%  79.8%  83.2%

        83% ┤                     b     b
            │               b
            │         b
            │
        50% ┤
            │
            │         +
            │               +
        17% ┤                     +     +
                2     3     4     5     6
      "
    `);
  });
  test("one connection", () => {
    const asked = {
      methods: ["glb", "ipvs-sh"],
      backends: ["10.2.0.11..13:8080"],
      explain: "10.1.0.7:40001",
      drain: ["10.2.0.11"],
    };
    expect(text(asked)).toMatchInlineSnapshot(`
      "
      10.1.0.7:40001 → 192.0.2.10:443 tcp · 3 backends
      · goes to 10.2.0.13:8080 by 1 of 2 methods, to 10.2.0.11:8080 by 1

        glb      10.2.0.13:8080
                 hashed source 10.1.0.7 · function SipHash-2-4
                 seed 12345678901234561234567890123456 · hash 0x3620af3fc6a9aecb
                 slot row 44747 of 65536
                 scores 10.2.0.13:8080 38a3f2bc8a8fffb1, 10.2.0.12:8080
                   488f26b802ad8ef6, 10.2.0.11:8080 fcd56c1c48d78885 (lowest first,
                   table seed 34567890123456783456789012345678)
                 backend 10.2.0.13:8080 · second chance 10.2.0.12:8080
                 after draining 10.2.0.11:8080: stays

        ipvs-sh  10.2.0.11:8080
                 hashed source 10.1.0.7 · function hash_32, 8 bits · hash 0xf8
                 slot 248 of 256 · backend 10.2.0.11:8080
                 after draining 10.2.0.11:8080: is turned away
                 hashed source 10.1.0.7 · function hash_32, 8 bits · hash 0xf8
                 slot 248 of 256 · unavailable 10.2.0.11:8080, weight 0 · backend none
      "
    `);
  });
  test("one without weights at all", () => {
    expect(text({ of: [modulo], backends: ["10.2.0.11..12:80=0"], keys: 10 })).toMatchInlineSnapshot(`
      "
      10 connections of 10 made-up clients (spread, seed 1) · 192.0.2.10:443 tcp
      2 backends
      ! no method has a backend to send them to: all weights are 0

        method         max/mean  fullest  CV  Jain  chi²  p  unserved
        modulo-sample         -  -         -     -     -  -        10

        backend       weight  expected  modulo-sample
        10.2.0.11:80       0         -              -
        10.2.0.12:80       0         -              -
      "
    `);
  });
});

test("no line of any answer is wider than the page, and none ends in blanks", () => {
  const ten = ["10.2.0.11..20:8080"];
  const questions: Asked[] = [
    { backends: ten, keys: 300 },
    { backends: ten, keys: 300, remove: ["10.2.0.12"], add: ["10.2.0.31..36:8080=2"], balancers: "4..3" },
    { grow: "1..24", keys: 20, methods: ["katran-v2", "ketama", "glb", "ipvs-sh", "nginx-ketama"] },
    { backends: ten, explain: "10.1.0.7:40001", drain: ["10.2.0.12"] },
  ];
  for (const question of questions) {
    for (const on of [page(), page(100, true)]) {
      const wrong = ask(question)
        .text(on)
        .split("\n")
        .filter((line) => [...line].length > on.width || /\s$/.test(line));
      expect(wrong).toEqual([]);
    }
  }
});

describe("charts", () => {
  const values = fc.array(fc.double({ min: 0, max: 50, noNaN: true }), { minLength: 1, maxLength: 30 });

  test("a plot has a mark for each value and stays on the page", () => {
    fc.assert(
      fc.property(
        fc.array(values, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 72, max: 120 }),
        (rows, width) => {
          const strips = rows.map((own, i) => ({ label: `method-${i}`, values: own }));
          const [, ...lines] = stripPlot("share / expected", strips, 1, page(width));
          lines.forEach((line, i) => {
            expect([...line].length).toBeLessThanOrEqual(width);
            const marks = [...line].filter((letter) => "•●◉›".includes(letter)).length;
            expect(marks).toBeGreaterThan(0);
            expect(line.endsWith("›")).toBe(rows[i]!.some((value) => value > 4));
            expect(marks).toBeLessThanOrEqual(rows[i]!.length);
          });
        },
      ),
    );
  });

  test("bars are as long as their values, the longest fills its room", () => {
    const bars = [4, 2, 1, 0].map((value) => ({ label: `m${value}`, value, text: `${value}` }));
    expect(barChart(bars, page(30)).map((line) => [...line].filter((letter) => letter === "█").length)).toEqual([
      48, 24, 12, 0,
    ]);
  });

  test("series are told apart by letters; where they meet there is a cross", () => {
    const series = [
      { letter: "a", values: [1, 2, 3] },
      { letter: "b", values: [3, 2, null] },
    ];
    expect(
      `\n${seriesChart(series, ["10", "11", "12"], (value) => value.toFixed(1), page()).join("\n")}\n`,
    ).toMatchInlineSnapshot(`
      "
        3.0 ┤   b           a
            │
            │
            │
        2.0 ┤         +
            │
            │
            │
        1.0 ┤   a
               10    11    12
      "
    `);
    expect(seriesChart([{ letter: "a", values: [null] }], ["1"], String, page())).toEqual([]);
    // nothing to scale by
    expect(seriesChart([{ letter: "a", values: [2, 2] }], ["1", "2"], String, page()).join("\n")).toMatch(/a {5}a/);
  });
});
