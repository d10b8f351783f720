import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pcapFile } from "../../fixtures/packets/capture-file.ts";
import { bothArms, exchange, VIP } from "../report/traffic.ts";
import { runCli } from "../support/run-process.ts";

let folder = "";
const path = (name: string) => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "l4scope-commands-"));
  for (const [name, packets] of Object.entries(bothArms())) writeFileSync(path(name), pcapFile(packets));
  const whole = pcapFile(exchange("10.1.0.1:40001", VIP, 0).packets());
  writeFileSync(path("cut.pcap"), whole.subarray(0, whole.length - 30));
  writeFileSync(path("empty.pcap"), "");
  writeFileSync(path("notes.txt"), "no capture at all\n");
  mkdirSync(path("folder"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What every command that reads captures does with inputs it cannot read. */
describe.each(["analyze", "flows"])("%s", (command) => {
  test.each([
    ["a file that is not there", "nope.pcap"],
    ["a directory", "folder"],
    ["an empty file", "empty.pcap"],
    ["no capture", "notes.txt"],
    ["a path through a file", "notes.txt/x.pcap"],
  ])("%s is told in a line, exit code 2", async (_, name) => {
    for (const args of [[path(name)], [path(name), "--json"], [path("lb1-eth0.pcap"), path(name)]]) {
      const { exitCode, stdout, stderr } = await runCli([command, ...args]);
      expect({ exitCode, stdout }, stderr).toEqual({ exitCode: 2, stdout: "" });
      expect(stderr).toMatch(new RegExp(`^l4scope ${command}: cannot read [^\\n]*${name}: [^\\n]+\\n$`));
    }
  });

  test("a capture that is missing, and flags that are wrong", async () => {
    const wrong: [string[], RegExp][] = [
      [[], command === "flows" ? /name captures to read/ : /missing CAPTURE/],
      [["--nope", path("lb1-eth0.pcap")], /nonexistent flag: --nope/],
      [["--max-legs", "x", path("lb1-eth0.pcap")], /--max-legs: expected an integer but received: x/],
      [["--max-legs", "1", path("lb1-eth0.pcap")], /greater than or equal to 1000/],
    ];
    for (const [args, message] of wrong) {
      const { exitCode, stdout, stderr } = await runCli([command, ...args]);
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
      expect(stderr).toMatch(/^[^\n]+\n$/);
      expect(stderr).toMatch(message);
    }
  });

  test("a capture that is cut short is read to there, exit code 0", async () => {
    const { exitCode, stdout, stderr } = await runCli([command, path("cut.pcap"), "--json"]);
    // analyze has it in its document
    const told = /^l4scope flows: warning: \S+cut\.pcap: cut short [^\n]+\n$/;
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(command === "analyze" ? /^$/ : told);
    expect(JSON.parse(stdout)).toBeTruthy();
  });

  test("stdin is read by the name -", async () => {
    const stdin = pcapFile(exchange("10.1.0.1:40001", VIP, 0).packets());
    const { exitCode, stdout, stderr } = await runCli([command, "-"], { stdin });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toMatch(command === "analyze" ? /^1 connection / : /\b10\.1\.0\.1:40001\b/);
    const none = await runCli([command, "-"], { stdin: "" });
    expect(none).toMatchObject({ exitCode: 2, stdout: "" });
    expect(none.stderr).toMatch(/^l4scope \w+: cannot read stdin: [^\n]+\n$/);
  });

  test("nothing moves or colours where no terminal is", async () => {
    const env = { FORCE_COLOR: "1", CI: "true", NO_COLOR: undefined };
    const { stdout, stderr } = await runCli([command, path("lb1-eth0.pcap")], { env });
    expect(stdout).not.toContain("\u001b");
    expect(stderr).toBe("");
  });
});
