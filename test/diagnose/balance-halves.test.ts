import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { projectDir } from "../support/requirement.ts";
import { seeded } from "../support/seeded.ts";
import { findingsOfHalf, record } from "./halves.ts";

/** What a scenario says is true of its shares and members. */
interface Expectation {
  files: string[];
  args?: string[];
  top: string[];
  also?: string[];
  where?: Record<string, string>;
}

/** Halves of each scenario's connections. */
const HALVES = 200;
/** Takes each scenario some tenths of a second to half a minute, with two of them at once. */
const TIMEOUT_MS = 120_000;

const root = join(projectDir, "fixtures/scenarios");
const scenarios = readdirSync(root)
  .filter((name) => existsSync(join(root, name, "expect.json")))
  .map((name) => ({
    name,
    expected: JSON.parse(readFileSync(join(root, name, "expect.json"), "utf8")) as Expectation,
  }));

const isJudgedHere = (id: string) => /^(ecmp|balance)\.|^lb\.rehash$/.test(id);
const healthy = scenarios.filter(({ expected }) => expected.top.length === 0);
const faulty = scenarios.filter(({ expected }) => expected.top.some(isJudgedHere));

describe(`of ${HALVES} halves of the connections`, () => {
  it.each(healthy)(
    "of $name, which is healthy, none is accused",
    { timeout: TIMEOUT_MS },
    async ({ name, expected }) => {
      const recorded = await record(join(root, name), expected.files, expected.args !== undefined);
      const alarms = new Map<string, number>();
      for (let half = 1; half <= HALVES; half++) {
        for (const { id } of findingsOfHalf(recorded, seeded(half))) {
          if (!expected.also?.includes(id)) alarms.set(id, (alarms.get(id) ?? 0) + 1);
        }
      }
      expect(Object.fromEntries(alarms)).toEqual({});
    },
  );

  it.each(faulty)(
    "of $name, every one shows the fault and its place",
    { timeout: TIMEOUT_MS },
    async ({ name, expected }) => {
      const recorded = await record(join(root, name), expected.files, expected.args !== undefined);
      const missed: number[] = [];
      const elsewhere: object[] = [];
      for (let half = 1; half <= HALVES; half++) {
        const [first] = findingsOfHalf(recorded, seeded(half));
        if (!first || !expected.top.includes(first.id)) missed.push(half);
        for (const [key, value] of Object.entries(expected.where ?? {})) {
          const seen = first?.where[key as keyof typeof first.where];
          if (seen !== value) elsewhere.push({ half, [key]: seen });
        }
      }
      expect(missed).toEqual([]);
      expect(elsewhere).toEqual([]);
    },
  );
});
