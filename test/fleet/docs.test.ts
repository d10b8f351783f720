import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { listedFleetQuestions } from "../../src/fleet/fleet-questions.ts";
import { columnsOf, FLEET_TABLES } from "../../src/fleet/fleet-schema.ts";
import { projectDir } from "../support/requirement.ts";

const text = readFileSync(`${projectDir}/docs/fleet.md`, "utf8");

test("docs/fleet.md tells of every table and column, and of no other", () => {
  const sections = text.split(/^### /m).slice(1);
  const told = Object.fromEntries(
    sections.map((section) => {
      const columns = [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, column]) => column);
      return [section.split("\n")[0]?.trim(), columns];
    }),
  );
  expect(told).toEqual(
    Object.fromEntries(FLEET_TABLES.map((table) => [table, columnsOf(table).map(({ name }) => name)])),
  );
});

test("docs/fleet.md tells of every question", () => {
  const told = [...text.matchAll(/^\| `([a-z-]+)` \| (.*) \|$/gm)].map(([, id, summary]) => ({ id, summary }));
  const named = listedFleetQuestions().map(({ id, summary }) => ({ id, summary }));
  expect(told.filter(({ summary }) => named.some((one) => one.summary === summary))).toEqual(named);
});
