import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CaptureError } from "../../src/capture/reader.ts";
import { requires, sharedDir } from "../support/requirement.ts";
import { readFile } from "./read-all.ts";
import { indexedCaptures, labelledCaptures } from "./shared-captures.ts";

/** Why a file is read otherwise than by Wireshark 4.0's capinfos, and what we make of it. */
const EXCEPTIONS: Record<string, { reason: string; ours: number | RegExp; capinfos: number | "refused" }> = {
  "captures/pcapplusplus/solaris.snoop": {
    reason: "a snoop file, which is no pcap; we say how to convert it",
    ours: /Solaris snoop/,
    capinfos: 250,
  },
  "captures/pcapplusplus/crash-exception-cast-constructed-record": {
    reason:
      "damaged in its third record; Wireshark 4.0 then takes it for a Red Hat 6.1 file, libpcap reads two packets as we do",
    ours: 2,
    capinfos: 1,
  },
  "captures/pcapplusplus/clusterfuzz-testcase-minimized-FuzzTarget-5766899836387328": {
    reason:
      "version 2.3, whose lengths may stand either way; Wireshark 4.0 takes it for a Red Hat 6.1 file, libpcap reads one packet as we do",
    ours: 1,
    capinfos: 0,
  },
};
for (const name of ["test901.pcapng", "test901-1.pcapng"]) {
  EXCEPTIONS[`captures/gopacket/${name}`] = {
    reason:
      "its second section is of version 2.0; Wireshark stops there, we skip the section as the draft asks and read the third",
    ours: 2,
    capinfos: 1,
  };
}

/** Link types and bits that Wireshark 4.0 refuses at the file header; whether they can be decoded is not the reader's to say. */
const UNKNOWN_TO_WIRESHARK = /network type (?:reserved field not zero|\d+ unknown or unsupported)/;

/** What capinfos says of each file: packets read, also of those it then stopped at, and why it refused a file. */
function capinfos(files: readonly string[]): { counts: Map<string, number>; refusals: Map<string, string> } {
  const { stdout, stderr } = spawnSync("capinfos", ["-T", "-m", "-Q", "-c", ...files], {
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  const counts = new Map<string, number>();
  for (const [, file = "", count] of stdout.matchAll(/^"([^"\n]+)","(\d+)"$/gm)) counts.set(file, Number(count));
  for (const [, count, file = ""] of stderr.matchAll(/An error occurred after reading (\d+) packets from "([^"]+)"/g)) {
    counts.set(file, Number(count));
  }
  const refusals = new Map<string, string>();
  for (const [, file = "", why = ""] of stderr.matchAll(
    /The file "([^"]+)" contains record data[^\n]*\n\(([^\n]*)\)/g,
  )) {
    refusals.set(file, why);
  }
  return { counts, refusals };
}

const need = requires({ tool: "capinfos", path: "../shared/captures" });
const shared = sharedDir();

const needIndex = requires({ path: "../shared/captures" });

describe.skipIf(need.missing)("packet counts", () => {
  const folder = shared ?? "";
  it("equal capinfos' on every file, but for those with a reason", { timeout: 30_000 }, async () => {
    const indexed = indexedCaptures(folder);
    const files = [
      ...indexed.map(({ file }) => join("captures", file)),
      ...labelledCaptures(folder).map((file) => join("labelled", file)),
    ];
    const theirs = capinfos(files.map((file) => join(folder, file)));
    const different: string[] = [];
    for (const file of files) {
      const path = join(folder, file);
      const ours = await readFile(path).then(
        (read) => read.packets.length,
        (error: unknown) => {
          if (error instanceof CaptureError) return error.message;
          throw error;
        },
      );
      const count = theirs.counts.get(path) ?? "refused";
      const exception = EXCEPTIONS[file];
      if (exception !== undefined) {
        expect(count, file).toBe(exception.capinfos);
        if (exception.ours instanceof RegExp) expect(ours, file).toMatch(exception.ours);
        else expect(ours, file).toBe(exception.ours);
      } else if (count === "refused" && UNKNOWN_TO_WIRESHARK.test(theirs.refusals.get(path) ?? "")) {
        // then the index, which counts records, is the oracle
        const records = indexed.find((each) => join("captures", each.file) === file)?.packets;
        expect(ours, file).toBe(records);
      } else if (ours !== count) different.push(`${file}: ours ${ours}, capinfos ${count}`);
    }
    expect(different).toEqual([]);
    expect(files.length).toBeGreaterThan(1300);
  });
});

describe.skipIf(needIndex.missing)("record counts", () => {
  /** The index counts what a file has records of, damaged and skipped ones too. */
  const otherwise: Record<string, number> = {
    "gopacket/test901.pcapng": 2,
    "gopacket/test901-1.pcapng": 2,
    "pcapplusplus/clusterfuzz-testcase-minimized-FuzzTarget-5766899836387328": 1,
    "pcapplusplus/crash-pcapng-epb-unbounded-length": 0,
    "pcapplusplus/clusterfuzz-testcase-minimized-FuzzTarget-6604968558198784": 1,
  };

  it("equal those of the index", { timeout: 30_000 }, async () => {
    const different: string[] = [];
    for (const { file, format, packets } of indexedCaptures(shared ?? "")) {
      if (format === "snoop") continue;
      const read = await readFile(join(shared ?? "", "captures", file));
      if (read.format !== format) different.push(`${file}: ours ${read.format}, index ${format}`);
      const expected = otherwise[file] ?? packets;
      if (read.packets.length !== expected) different.push(`${file}: ours ${read.packets.length}, index ${expected}`);
    }
    expect(different).toEqual([]);
  });
});
