import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { projectDir, requires } from "../support/requirement.ts";
import { runProcess } from "../support/run-process.ts";

const page = readFileSync(join(projectDir, "docs/running.md"), "utf8");
const blocks = (language: string) =>
  [...page.matchAll(/^```(\w*)\n(.*?)^```$/gms)].filter(([, name]) => name === language).map(([, , text = ""]) => text);

test("its commands have the flags that it shows", () => {
  const manifest = JSON.parse(readFileSync(join(projectDir, "oclif.manifest.json"), "utf8"));
  const lines = [...blocks(""), ...blocks("ini"), ...[...page.matchAll(/`(l4scope [^`]+)`/gs)].map(([, text]) => text)];
  // a name of a command, then all up to the end of the line or the next of a pipe
  const calls = lines
    .flatMap((text) => (text ?? "").split("\n"))
    .flatMap((line) => [...line.matchAll(/(?:^|[ =])l4scope ([a-z]+)((?: [^|&]*)?)/g)]);
  expect(calls.length).toBeGreaterThan(8);
  for (const [, command = "", rest = ""] of calls) {
    expect(Object.keys(manifest.commands)).toContain(command);
    const known = Object.keys(manifest.commands[command].flags);
    for (const [, flag] of rest.matchAll(/ --([a-z-]+)/g)) expect(known, `${command} --${flag}`).toContain(flag);
  }
});

const { missing } = requires({ tool: "promtool" });

test.skipIf(missing)("its configuration is one that Prometheus takes", async () => {
  const folder = mkdtempSync(join(tmpdir(), "l4scope-running-"));
  try {
    const [config = ""] = blocks("yaml");
    const path = join(folder, "prometheus.yml");
    writeFileSync(path, config.replaceAll("/etc/prometheus/l4scope", join(projectDir, "docs/prometheus")));
    const { exitCode, stdout, stderr } = await runProcess(["promtool", "check", "config", path]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toContain("SUCCESS: 2 rule files found");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
