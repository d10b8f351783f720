import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { expect, test } from "vitest";
import { asNobody, NOBODY_NEEDS } from "../support/nobody.ts";
import { projectDir, requires } from "../support/requirement.ts";
import { runCli, runProcess } from "../support/run-process.ts";

test("there is a build to test (npm run build)", () => {
  expect(existsSync(`${projectDir}/dist/src/cli/main.js`)).toBe(true);
});

test("without a build it says how to make one", async () => {
  const folder = mkdtempSync(join(tmpdir(), "l4scope-unbuilt-"));
  try {
    cpSync(`${projectDir}/bin`, `${folder}/bin`, { recursive: true });
    const { exitCode, stdout, stderr } = await runProcess([process.execPath, `${folder}/bin/run.js`, "--help"]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr).toBe(`l4scope: not built yet; run \`npm run build\` in ${folder}/\n`);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("bin/dev.js runs the sources as bin/run.js runs the build", async () => {
  const built = await runCli(["--help"]);
  const sources = await runProcess([process.execPath, "bin/dev.js", "--help"]);
  expect(built).toMatchObject({ exitCode: 0, stderr: "", stdout: expect.stringContaining("$ l4scope [COMMAND]") });
  expect(sources).toEqual(built);
});

const need = requires(NOBODY_NEEDS);

test.skipIf(need.missing)("it runs for a user that no user database knows, as in a container", async () => {
  // neither is set where systemd or a container's runtime starts a program
  const env = { SHELL: undefined, HOME: undefined };
  const known = await runCli(["--version"]);
  expect(await runProcess(asNobody([], [process.execPath, "bin/run.js", "--version"]), { env })).toEqual(known);
});

test("help comes at once", async () => {
  const help: number[] = [];
  const node: number[] = [];
  for (let round = 0; round < 7; round++) {
    help.push(await milliseconds(["bin/run.js", "--help"]));
    node.push(await milliseconds(["-e", "0"]));
  }
  // The best of each is what the program costs; the rest is what else the machine was doing. A slow machine is slow
  // for bare Node too, so the bar of 250 ms moves with it: bare Node takes 40 ms where the bar was set.
  const best = Math.min(...help);
  const bar = 250 * Math.max(1, Math.min(...node) / 40);
  expect(best, `${best.toFixed(0)} ms; bare node ${Math.min(...node).toFixed(0)} ms`).toBeLessThan(bar);
});

async function milliseconds(args: readonly string[]): Promise<number> {
  const start = performance.now();
  await runProcess([process.execPath, ...args]);
  return performance.now() - start;
}
