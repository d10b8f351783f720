import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { runCli } from "../support/run-process.ts";

const REPLAY = ["--replay", "fixtures/demo/lb1-eth0.pcap", "--speed", "max"];

test("--ipvs says at the start, in one line, where there is no IPVS, and serves all else", async () => {
  const { exitCode, stderr } = await runCli([
    "serve",
    ...REPLAY,
    "--ipvs",
    "--listen",
    "127.0.0.1:0",
    "--duration",
    "1",
  ]);
  expect(exitCode).toBe(0);
  const lines = stderr.trimEnd().split("\n");
  const warning = "l4scope serve: warning: --ipvs: no IPVS here (/proc/net/ip_vs cannot be read):";
  expect(lines.filter((line) => line.startsWith(warning))).toHaveLength(existsSync("/proc/net/ip_vs") ? 0 : 1);
  expect(lines.at(-1)).toMatch(/^serving http:\/\/127\.0\.0\.1:\d+\/metrics$/);
});

test("top takes --ipvs only with --listen", async () => {
  const { exitCode, stdout, stderr } = await runCli(["top", ...REPLAY, "--ipvs"]);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  expect(stderr).toMatch(/^l4scope top: [^\n]*--listen[^\n]*\n$/);
});
