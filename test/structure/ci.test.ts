import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { debianPackages } from "../support/debian-packages.ts";
import { projectDir } from "../support/requirement.ts";

const script = readFileSync(`${projectDir}/.ci/run`, "utf8");

test(".ci/run installs the packages that tests ask for, and no others", () => {
  const list = /^packages=\(\n(.*?)^\)$/ms.exec(script)?.[1] ?? "";
  expect(list.split(/\s+/).filter((name) => name !== "")).toEqual(debianPackages());
});

test(".ci/run runs the command that the README gives", () => {
  const readme = readFileSync(`${projectDir}/README.md`, "utf8");
  expect(readme).toMatch(/^npm ci && npm test$/m);
  expect(script).toMatch(/^npm ci$/m);
  expect(script).toMatch(/ npm test$/m);
});
