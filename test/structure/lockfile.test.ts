import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { projectDir } from "../support/requirement.ts";

interface LockedPackage {
  optionalDependencies?: Record<string, string>;
}

/**
 * `npm install` leaves a platform's package out of the lock file where its registry does not have it, and `npm ci`
 * then refuses the whole lock file, on every platform.
 */
test("package-lock.json names the packages of every platform", () => {
  const lock = JSON.parse(readFileSync(`${projectDir}/package-lock.json`, "utf8"));
  const packages: Record<string, LockedPackage> = lock.packages;
  const absent = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter((name) => !(`node_modules/${name}` in packages) && !(`${path}/node_modules/${name}` in packages))
      .map((name) => `${path} wants ${name}`),
  );
  expect(absent).toEqual([]);
});
