import { spawn } from "node:child_process";
import { describe, expect, test } from "vitest";
import { projectDir } from "../support/requirement.ts";
import { type RunOptions, runProcess } from "../support/run-process.ts";

const FRAME = [process.execPath, "--import", "tsx", "test/support/frame.ts"];
const frame = (args: string, options?: RunOptions) => runProcess([...FRAME, ...args.split(" ")], options);

describe("exit codes and the line that tells an error", () => {
  test.each([
    ["fail usage", 2, "l4scope fail: --flow: expected IP:PORT, got lb1\n"],
    ["fail capture", 2, "l4scope fail: lb1.pcap: not a capture (first bytes 7f 45)\n"],
    ["fail run", 1, "l4scope fail: eth9: no such interface; `ip link` lists them\n"],
    ["fail file", 2, "l4scope fail: /nowhere/topology.yaml: no such file or directory\n"],
    ["fail oclif", 3, "l4scope fail: three, please\n"],
    ["fail exit", 3, ""],
    [
      "fail bug",
      1,
      "l4scope fail: internal error: Cannot read properties of undefined (reading 'leg') (--debug shows where)\n",
    ],
    ["fail later", 1, "l4scope: internal error: Cannot read properties of null (reading 'x') (--debug shows where)\n"],
    ["fail", 2, "l4scope fail: missing HOW (see l4scope fail --help)\n"],
    ["fail bug extra", 2, "l4scope fail: unexpected argument: extra (see l4scope fail --help)\n"],
    ["print --nope", 2, "l4scope print: nonexistent flag: --nope (see l4scope print --help)\n"],
    ["print --lines x", 2, "l4scope print: --lines: expected an integer but received: x (see l4scope print --help)\n"],
    ["prin", 2, "l4scope: no such command: prin (see l4scope --help)\n"],
  ])("%s", async (args, exitCode, stderr) => {
    // --json changes neither: stdout is for documents, and an error is none
    const [plain, json] = await Promise.all([frame(args), frame(`${args} --json`)]);
    expect(plain).toEqual({ exitCode, signal: null, stdout: "", stderr });
    expect(json).toEqual(args === "prin" ? expect.anything() : { exitCode, signal: null, stdout: "", stderr });
    expect(json.exitCode).toBe(exitCode);
  });

  test("--debug adds the stack", async () => {
    const { stderr } = await frame("fail bug --debug");
    expect(stderr).toMatch(/^l4scope fail: internal error: .*\nTypeError: .*\n +at .*fail\.ts:\d+/);
    const syntax = await frame("print --nope --debug");
    expect(syntax.stderr).toMatch(/^l4scope print: nonexistent flag: --nope .*\n.*Error: Nonexistent flag/);
  });
});

describe("what a command prints", () => {
  test("text, or under --json the bare document alone", async () => {
    const text = await frame("print --lines 2");
    expect(text).toMatchObject({ exitCode: 0, stderr: "" });
    expect(text.stdout.split("\n").map((line) => line.slice(0, 6))).toEqual(["line 0", "line 1", ""]);
    const json = await frame("print --lines 2 --json");
    expect(json).toMatchObject({ exitCode: 0, stderr: "" });
    expect(json.stdout).toBe('{\n  "schema": "test/1",\n  "lines": [\n    0,\n    1\n  ]\n}\n');
  });

  test("findings exit 3, after the output", async () => {
    expect(await frame("print --findings")).toMatchObject({ exitCode: 3, stdout: expect.stringContaining("line 0") });
    const json = await frame("print --findings --json");
    expect(json.exitCode).toBe(3);
    expect(JSON.parse(json.stdout)).toEqual({ schema: "test/1", lines: [0] });
  });

  test("warnings go to stderr, with --json too", async () => {
    const { stdout, stderr } = await frame("print --warn --json");
    expect(stderr).toBe("l4scope print: warning: clocks differ\n");
    expect(JSON.parse(stdout).schema).toBe("test/1");
  });

  test("no colour in a pipe, whatever the environment hopes for", async () => {
    for (const env of [{ CI: "true" }, { FORCE_COLOR: "1" }, { NO_COLOR: "1", FORCE_COLOR: "1" }]) {
      const { stdout, stderr } = await frame("print", { env: { NO_COLOR: undefined, ...env } });
      expect(stdout).toBe("line 0 of some length to fill a pipe\n");
      expect(stderr).toBe("");
    }
  });

  test.each(["print --lines 100000", "print --lines 100000 --json"])("%s | head ends quietly", async (args) => {
    const [file = "", ...rest] = [...FRAME, ...args.split(" ")];
    const child = spawn(file, rest, { cwd: projectDir, stdio: ["ignore", "pipe", "pipe"] });
    let stderr = "";
    child.stderr.on("data", (bytes: Buffer) => {
      stderr += bytes.toString();
    });
    child.stdout.once("data", () => child.stdout.destroy());
    const exitCode = await new Promise((resolve) => child.on("close", resolve));
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  });
});
