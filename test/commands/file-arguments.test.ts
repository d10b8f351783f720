import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { pcapFile } from "../../fixtures/packets/capture-file.ts";
import { runCli } from "../support/run-process.ts";

const folder = mkdtempSync(join(tmpdir(), "l4scope-files-"));
afterAll(() => rmSync(folder, { recursive: true }));
const path = (name: string) => join(folder, name);

copyFileSync("fixtures/demo/lb1-eth0.pcap", path("lb1-eth0.pcap"));
symlinkSync(path("lb1-eth0.pcap"), path("link.pcap"));
mkdirSync(path("folder"));
const usb = pcapFile([]);
new DataView(usb.buffer, usb.byteOffset).setUint32(20, 189, true);
const record = new Uint8Array(16 + 40);
new DataView(record.buffer).setUint32(8, 40, true);
new DataView(record.buffer).setUint32(12, 40, true);
writeFileSync(path("usb.pcap"), Buffer.concat([usb, record]));
writeFileSync(path("empty.pcap"), usb.subarray(0, 24));

describe("what would be lost is refused in a line before anything is read", () => {
  const CAPTURE = path("lb1-eth0.pcap");
  test.each([
    [["trace", CAPTURE, "--flow", "c0", "--pcap", CAPTURE], "--pcap \\S+ would write over what is read"],
    [["trace", CAPTURE, "--flow", "c0", "--pcap", path("link.pcap")], "--pcap \\S+ would write over what is read"],
    [["flows", CAPTURE, "--pcap", CAPTURE], "--pcap \\S+ would write over what is read"],
    [["analyze", CAPTURE, "--html", CAPTURE], "--html \\S+ would write over what is read"],
    [["flows", CAPTURE, "--pcap", path("folder")], "\\S+folder: is a directory"],
    [["analyze", CAPTURE, "--html", path("folder")], "\\S+folder: is a directory"],
    [["analyze", CAPTURE, "--html", "-"], "--html -: stdout has the text; give the name of a file"],
    [["analyze", CAPTURE, "--html", ""], "--html: give the name of a file"],
    [["analyze", CAPTURE, "--topology", ""], "--topology: give the name of a file"],
    [["analyze", CAPTURE, "--topology", path("folder")], "\\S+folder: is a directory"],
    [["analyze", ""], "the name of a capture is empty"],
    [["analyze", "-", "-"], "stdin can be read only once: name - once"],
    [["trace", CAPTURE, "--flow", "c0", "--nth", "2"], "--nth chooses among several connections of one end: c0 is one"],
  ])("%j", async (args, message) => {
    const { exitCode, stdout, stderr } = await runCli(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toMatch(new RegExp(`^l4scope ${args[0]}: ${message}[^\\n]*\\n$`));
    expect(readFileSync(CAPTURE)).toEqual(readFileSync("fixtures/demo/lb1-eth0.pcap"));
  });
});

test.each(["analyze", "flows", "topology"])(
  "%s counts a capture that is named twice once, and says so",
  async (command) => {
    const [twice, once] = await Promise.all([
      runCli([command, "--json", path("lb1-eth0.pcap"), path("lb1-eth0.pcap"), path("link.pcap")]),
      runCli([command, "--json", path("lb1-eth0.pcap")]),
    ]);
    expect(twice.exitCode).toBe(0);
    expect(twice.stdout).toBe(once.stdout);
    expect(twice.stderr).toMatch(
      new RegExp(
        `^l4scope ${command}: warning: \\S+ is named twice: read once\\nl4scope ${command}: warning: \\S+link.pcap is the same file as \\S+: read once\\n$`,
      ),
    );
  },
);

describe("a capture with nothing in it for us", () => {
  test.each([["flows"], ["flows", "--legs"], ["topology"]])(
    "%s %s: what cannot be decoded is told",
    async (...args) => {
      const { exitCode, stdout, stderr } = await runCli([...args, path("usb.pcap")]);
      expect(exitCode).toBe(0);
      expect(stderr).toMatch(/warning: \S+usb\.pcap: 1 packet of link type 189 cannot be decoded: left out\n$/);
      if (args[0] === "flows") expect(stdout).toBe("no TCP or UDP conversation in it\n");
    },
  );

  test("is told from one where nothing matches", async () => {
    const empty = await runCli(["flows", path("empty.pcap"), "--vip", "192.0.2.99"]);
    expect(empty).toMatchObject({ exitCode: 0, stderr: "", stdout: "no TCP or UDP conversation in it\n" });
    const none = await runCli(["flows", path("lb1-eth0.pcap"), "--vip", "192.0.2.99"]);
    expect(none).toMatchObject({ exitCode: 0, stderr: "", stdout: "no connection of 58 matches\n" });
  });
});
