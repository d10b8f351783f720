import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AnalysisDocument, ConnectionDocument } from "../../src/report/analysis-contract.ts";
import { projectDir, requires } from "../support/requirement.ts";
import { runCli } from "../support/run-process.ts";

const need = requires({ tool: "editcap" });

/** A finding that rests on flows which go on where they were not before. */
const SCENARIO = "ecmp-rehash";

describe.skipIf(need.missing)("captures that were written into many files, as dumpcap -b does", () => {
  const whole = readdirSync(join(projectDir, "fixtures/scenarios", SCENARIO))
    .filter((name) => name.includes(".pcap"))
    .map((name) => join(projectDir, "fixtures/scenarios", SCENARIO, name));
  let folder: string;
  let parts: string[];
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "l4scope-split-"));
    for (const path of whole) {
      const target = join(folder, basename(path).replace(".gz", ""));
      expect(spawnSync("editcap", ["-F", "pcap", "-c", "200", path, target]).status).toBe(0);
    }
    parts = readdirSync(folder).map((name) => join(folder, name));
    expect(parts.length).toBeGreaterThan(whole.length * 3);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const analyzed = async (paths: readonly string[], ...flags: string[]) => {
    const { exitCode, stdout, stderr } = await runCli(["analyze", ...paths, "--json", "--connections", ...flags]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    return JSON.parse(stdout) as AnalysisDocument;
  };

  test("say what they say in one piece, with the frames of their own files", async () => {
    const [one, many] = [await analyzed(whole), await analyzed(parts)];
    expect(many.connections).toEqual(one.connections);
    expect(many.summary).toEqual(one.summary);
    expect(many.topology).toEqual(one.topology);
    const placed = (document: AnalysisDocument) =>
      document.findings.map(({ evidence, ...finding }) => ({
        ...finding,
        evidence: evidence.map(({ file, frame, note }) => [note, ...inOnePiece(basename(file), frame)]),
      }));
    expect(one.findings[0]?.id).toBe("ecmp.rehash");
    expect(placed(many)).toEqual(placed(one));
    const { files } = many.capture;
    expect(files.map(({ path }) => path).sort()).toEqual([...parts].sort());
    expect(files.reduce((sum, { packets }) => sum + packets, 0)).toBe(one.capture.packets);
    expect(many.capture.packets).toBe(one.capture.packets);
  });

  test("are the same for several threads", async () => {
    expect((await analyzed(parts, "--threads", "2")).findings).toEqual((await analyzed(parts)).findings);
  });

  test("are read again for a ladder, packet by packet", async () => {
    const connections = (await analyzed(whole)).connections as unknown as readonly ConnectionDocument[];
    const flow = connections.find(({ reset }) => reset !== null)?.client ?? "";
    const trace = async (paths: readonly string[]) => (await runCli(["trace", ...paths, "--flow", flow])).stdout;
    expect(await trace(parts)).toBe(await trace(whole));
    const slice = join(folder, "slice.pcapng");
    expect(await runCli(["trace", ...parts, "--flow", flow, "--pcap", slice])).toMatchObject({ exitCode: 0 });
    expect(readFileSync(slice, "latin1")).toMatch(/leg 1 .*_\d{5}_\d{14}\.pcap frame \d+/);
    rmSync(slice);
  });

  test("are played back as one", async () => {
    const kept = async (paths: readonly string[], name: string) => {
      const store = join(folder, name);
      const replay = paths.flatMap((path) => ["--replay", path]);
      expect(await runCli(["record", ...replay, "--speed", "max", "--store", store])).toMatchObject({ exitCode: 0 });
      const { stdout } = await runCli(["flows", "--store", store, "--json"]);
      const { connections } = JSON.parse(stdout) as { connections: ConnectionDocument[] };
      return connections.map(({ id, ...rest }) => JSON.stringify(rest)).sort();
    };
    expect(await kept(parts, "parts.db")).toEqual(await kept(whole, "whole.db"));
  });

  /** A frame of a part as one of the whole: `lb1-eth0_00002_20261120111136.pcap` is the third part of 200. */
  function inOnePiece(file: string, frame: number): [string, number] {
    const [, name = file.replace(/\.pcap(\.gz)?$/, ""), part = "0"] = /^(.*)_(\d{5})_\d{14}\.pcap$/.exec(file) ?? [];
    return [name, Number(part) * 200 + frame];
  }
});
