import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CHECKS } from "../../src/doctor/registry.ts";
import { ROLES } from "../../src/doctor/roles.ts";
import { projectDir } from "../support/requirement.ts";

const page = readFileSync(`${projectDir}/docs/doctor.md`, "utf8");

test("docs/doctor.md has every check, and no other", () => {
  const section = page.slice(page.indexOf("\n## Checks"), page.indexOf("\n## Elsewhere"));
  const listed = [...section.matchAll(/^\| (`.*?`) \|/gm)].flatMap(
    ([, cell = ""]) => cell.match(/(?<=`)[a-z\d.-]+(?=`)/g) ?? [],
  );
  expect(listed).toEqual([...CHECKS.run, ...CHECKS.host].map(({ id }) => id));
});

test("docs/doctor.md has every role", () => {
  for (const role of ROLES) expect(page).toMatch(new RegExp(`^\\| \`${role}\` \\|`, "m"));
});
