import { describe, expect, test } from "vitest";
import { projectDir } from "../support/requirement.ts";
import { factsOf, readTree, type Tree } from "./imports.ts";
import { cycles, heavyCommands, impureRooms, wrongArrows } from "./layers.ts";
import { ROOMS } from "./rooms.ts";

describe("this project", () => {
  const tree = readTree(projectDir);

  test("is read at all", () => {
    expect([...tree.keys()]).toEqual(expect.arrayContaining(["commands/base.ts", "src/capture/reader.ts"]));
    expect(tree.get("commands/base.ts")?.imports).toContainEqual(
      expect.objectContaining({ target: "src/cli/json-chunks.ts", kind: "static" }),
    );
  });
  test("has arrows only downwards", () => expect(wrongArrows(tree)).toEqual([]));
  test("has no cycles between files", () => expect(cycles(tree)).toEqual([]));
  test("keeps its pure rooms pure", () => expect(impureRooms(tree)).toEqual([]));
  test("loads nothing heavy to show a command's help", () => expect(heavyCommands(tree)).toEqual([]));
});

describe("the table of rooms", () => {
  test("has no ring, so that downwards means something", () => {
    const asFiles = new Map(
      Object.entries(ROOMS).map(([room, { mayImport }]) => [
        room,
        {
          imports: mayImport.map((target) => ({ target, isRelative: true, kind: "static" as const, line: 1 })),
          impurities: [],
        },
      ]),
    );
    expect(cycles(asFiles)).toEqual([]);
  });
});

/** A project made of the given files. */
function project(files: Record<string, string>): Tree {
  return new Map(Object.entries(files).map(([path, source]) => [path, factsOf(path, source)]));
}

describe("a wrong arrow is found", () => {
  test.each<[string, Record<string, string>, string]>([
    [
      "upwards",
      { "src/flow/table.ts": 'import { join } from "../path/join.ts";\n' },
      "src/flow/table.ts:1 imports src/path/join.ts: flow (keeps legs) may import capture, decode",
    ],
    [
      "upwards, of a type",
      { "src/decode/a.ts": '\nimport type { Leg } from "../flow/leg.ts";' },
      "src/decode/a.ts:2 imports src/flow/leg.ts: decode (reads one packet's bytes) may import capture",
    ],
    [
      "upwards, of a type in place",
      { "src/balance/a.ts": 'export type Leg = import("../flow/leg.ts").Leg;' },
      "src/balance/a.ts:1 imports src/flow/leg.ts: balance (share statistics and hash functions) may import no other room",
    ],
    [
      "upwards, when reached",
      { "src/capture/a.ts": 'export const later = () => import("../live/run.ts");' },
      "src/capture/a.ts:1 imports src/live/run.ts: capture (turns inputs into packets) may import no other room",
    ],
    [
      "upwards, handed on",
      { "src/path/a.ts": 'export { find } from "../diagnose/find.ts";' },
      "src/path/a.ts:1 imports src/diagnose/find.ts: path (joins legs into connections) may import capture, decode, flow, topology",
    ],
    [
      "from src to a command",
      { "src/report/a.ts": 'import { BaseCommand } from "../../commands/base.ts";' },
      "src/report/a.ts:1 imports commands/base.ts: report (shows results as text, JSON, HTML) may import capture, decode, flow, topology, path, balance, diagnose, compare",
    ],
    [
      "from a command to another",
      { "commands/a.ts": 'import type B from "./b.ts";' },
      "commands/a.ts:1 imports commands/b.ts: a command imports the base command and src, nothing else",
    ],
    [
      "from a probe to another",
      { "probes/a/a.ts": 'import "../b/b.ts";' },
      "probes/a/a.ts:1 imports probes/b/b.ts: probes (a probe's own code) may import probe, decode, topology",
    ],
    [
      "from a room nobody knows",
      { "src/utils/a.ts": "" },
      "src/utils/a.ts: lies in no room that test/structure/rooms.ts knows; say there what it may import",
    ],
  ])("%s", (_, files, message) => {
    expect(wrongArrows(project(files))).toEqual([message]);
  });

  test("and a right one is not", () => {
    const files = {
      "commands/a.ts": 'import { BaseCommand } from "./base.ts"; import type { X } from "../src/path/x.ts";',
      "commands/probe/a.ts": 'import { BaseCommand } from "../base.ts";',
      "src/diagnose/a.ts": 'import { share } from "../balance/share.ts"; import { b } from "./b.ts";',
      "probes/a/a.ts": 'import { ip } from "../../src/decode/ip.ts"; import { b } from "./b.ts";',
    };
    expect(wrongArrows(project(files))).toEqual([]);
  });
});

test("a ring of files is found", () => {
  const files = {
    "src/flow/a.ts": 'import { b } from "./b.ts";',
    "src/flow/b.ts": 'import type { C } from "./c.ts";',
    "src/flow/c.ts": 'import { a } from "./a.ts"; import { d } from "./d.ts";',
    "src/flow/d.ts": "",
  };
  expect(cycles(project(files))).toEqual(["src/flow/a.ts -> src/flow/b.ts -> src/flow/c.ts -> src/flow/a.ts"]);
  expect(cycles(project({ ...files, "src/flow/c.ts": 'import { d } from "./d.ts";' }))).toEqual([]);
});

describe("an impure room is found", () => {
  test.each<[string, string]>([
    ["Date.now", "export const now = Date.now();"],
    ["Math.random", "export const seed = () => Math.random();"],
    ["new Date()", "export const now = new Date();"],
    ["process", "export const env = process.env.HOME;"],
    ["setTimeout", "export const later = () => setTimeout(() => {}, 1);"],
    ["console", "console.log(1);"],
    ["performance", "export const t = performance.now();"],
  ])("by %s", (what, source) => {
    expect(impureRooms(project({ "src/path/a.ts": `\n${source}` }))).toEqual([
      `src/path/a.ts:2 uses ${what}: hand it in instead`,
    ]);
    expect(impureRooms(project({ "src/capture/a.ts": source }))).toEqual([]);
  });

  test("by a module of Node, also through another room", () => {
    const files = {
      "src/decode/a.ts": 'import { read } from "../capture/read.ts";',
      "src/capture/read.ts": 'import { readSync } from "node:fs";',
    };
    expect(impureRooms(project(files))).toEqual([
      "src/decode/a.ts -> src/capture/read.ts -> node:fs: a pure room reaches a module of Node",
    ]);
    expect(
      impureRooms(project({ ...files, "src/decode/a.ts": 'import type { R } from "../capture/read.ts";' })),
    ).toEqual([]);
  });

  test("and its own words for things are not mistaken", () => {
    const source = `
      // Date.now, process.env and setTimeout in a comment
      export class Engine { process(packet: number) { return packet; } fetch = 1; }
      export const at = new Date(0);
      export const done = new Engine().process(1);
      export function setTimeout(seconds: number) { return seconds; }
      setTimeout(1);`;
    expect(impureRooms(project({ "src/flow/a.ts": source }))).toEqual([]);
  });
});

test("a command that loads a heavy room before it runs is found", () => {
  const files = {
    "commands/a.ts": `import { boolean } from "@oclif/core/flags";
      import { BaseCommand } from "./base.ts";
      import { EXIT } from "../src/cli/exit-codes.ts";
      import type { Finding } from "../src/diagnose/finding.ts";
      import { render } from "../src/tui/render.ts";
      import { parse } from "yaml";
      const later = () => import("../src/report/text.ts");`,
  };
  expect(heavyCommands(project(files))).toEqual([
    "commands/a.ts:5 loads src/tui/render.ts before it runs: use import type, or await import() in run()",
    "commands/a.ts:6 loads yaml before it runs: use import type, or await import() in run()",
  ]);
});
