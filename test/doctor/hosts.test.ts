import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { RESULTS } from "../../src/doctor/check.ts";
import { examine } from "../../src/doctor/examine.ts";
import { CHECKS } from "../../src/doctor/registry.ts";
import { ROLES } from "../../src/doctor/roles.ts";
import { recordedHost } from "../../src/host/recorded-host.ts";
import { projectDir } from "../support/requirement.ts";
import { complaintsOf } from "./complaints.ts";

const folder = `${projectDir}/fixtures/hosts`;
const ids = [...CHECKS.run, ...CHECKS.host].map(({ id }) => id);
const expectationSchema = z.strictObject({
  what: z.string(),
  roles: z.array(z.enum(ROLES)),
  complaints: z.partialRecord(z.enum(ids as [string, ...string[]]), z.enum(RESULTS)),
});

/** Real hosts, made by fixtures/hosts/make-hosts.sh. What can run there is left out: they were made without a store. */
const names = readdirSync(folder).filter((name) => existsSync(`${folder}/${name}/expect.json`));

test("there are hosts, and each says what is expected of it", () => {
  const folders = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(names.length).toBeGreaterThanOrEqual(8);
  expect(names).toEqual(folders.map(({ name }) => name));
});

describe.each(names)("%s", (name) => {
  const host = recordedHost(`${folder}/${name}`);
  const expectation = expectationSchema.parse(JSON.parse(readFileSync(`${folder}/${name}/expect.json`, "utf8")));
  if (host === null) throw new Error(`${name} has no proc`);
  const examination = examine(host, { ignore: ["run.*"] });

  test("is taken for what it is", () => expect([...examination.roles.because.keys()]).toEqual(expectation.roles));
  test("has these complaints, and no others", () => expect(complaintsOf(examination)).toEqual(expectation.complaints));
  test("has a reason and a mend for each complaint", () => {
    for (const { id, result, why, remedy, title } of examination.verdicts) {
      expect(title, id).not.toMatch(/undefined|null|NaN|\.$/);
      if (result === "ok") continue;
      expect(why, id).toMatch(/\.\)?$/);
      expect(remedy.length, id).toBeGreaterThan(0);
      for (const line of remedy) expect(line, id).not.toMatch(/undefined|NaN/);
    }
  });
});

test("ids are unique, and families are named alike", () => {
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(id).toMatch(/^[a-z]+(-[a-z]+)*\.[a-z]+[46]?(-[a-z]+)*$/);
  expect(CHECKS.run.every(({ id }) => id.startsWith("run."))).toBe(true);
});
