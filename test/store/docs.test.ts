import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { openForWriting } from "../../src/store/open-store.ts";
import { QUESTIONS } from "../../src/store/questions/questions.ts";
import { projectDir } from "../support/requirement.ts";
import { withStore } from "./store-folder.ts";

const text = readFileSync(`${projectDir}/docs/store.md`, "utf8");

/** Column names by table, as the page tells them. */
function described(): Record<string, string[]> {
  const tables: Record<string, string[]> = {};
  for (const section of text.split(/^### /m).slice(1)) {
    const [name = ""] = section.split("\n");
    const upTo = section.split(/^## /m)[0] ?? "";
    tables[name.trim()] = [...upTo.matchAll(/^\| `(\w+)` \|/gm)].map(([, column]) => column ?? "");
  }
  return tables;
}

test("docs/store.md tells of every table and column, and of no other", async () => {
  await withStore(async (path) => {
    const database = await openForWriting(path);
    const names = database
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
      .pluck()
      .all() as string[];
    const columns = database.prepare("SELECT name FROM pragma_table_xinfo(?) ORDER BY cid").pluck();
    const actual = Object.fromEntries(names.map((name) => [name, columns.all(name)]));
    database.close();
    expect(described()).toEqual(actual);
  });
});

test("docs/store.md tells of every question", () => {
  const questions = text.split(/^## Questions$/m)[1] ?? "";
  const told = [...questions.matchAll(/^\| `([a-z-]+)` \| (.*) \|$/gm)].map(([, id, summary]) => ({ id, summary }));
  expect(told).toEqual(QUESTIONS.map(({ id, summary }) => ({ id, summary })));
});
