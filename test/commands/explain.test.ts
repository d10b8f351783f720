import { expect, test } from "vitest";
import { runCli } from "../support/run-process.ts";

test("lists every finding", async () => {
  const { exitCode, stdout, stderr } = await runCli(["explain"]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).toMatch(/^ {2}ecmp\.rehash +open flows moved to another load balancer$/m);
  for (const line of stdout.split("\n")) expect([...line].length).toBeLessThanOrEqual(80);
});

test("tells one", async () => {
  const { exitCode, stdout, stderr } = await runCli(["explain", "ecmp.rehash"]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).toMatch(/^ecmp\.rehash: open flows moved/);
  for (const title of ["What it means", "How it is found", "What else it could be", "How to make sure", "What to do"]) {
    expect(stdout).toMatch(new RegExp(`^${title}$`, "m"));
  }
});

test("for a program", async () => {
  const [list, one] = await Promise.all([runCli(["explain", "--json"]), runCli(["explain", "lb.failover", "--json"])]);
  expect(JSON.parse(list.stdout)).toMatchObject({
    schema: "l4scope.explanations/1",
    findings: expect.arrayContaining([{ id: "lb.failover", summary: expect.any(String) }]),
  });
  expect(JSON.parse(one.stdout)).toMatchObject({ schema: "l4scope.explanation/1", id: "lb.failover" });
});

test("what is no finding is told in a line, exit code 2", async () => {
  const { exitCode, stdout, stderr } = await runCli(["explain", "rehash"]);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  expect(stderr).toMatch(/^l4scope explain: no finding is called rehash; is it lb\.rehash or ecmp\.rehash\?[^\n]*\n$/);
});
