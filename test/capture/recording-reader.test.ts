import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { pcapFile } from "../../fixtures/packets/capture-file.ts";
import { packet } from "../../fixtures/packets/packet.ts";
import { openCapture } from "../../src/capture/open.ts";
import { RecordingReader, recordingsOf } from "../../src/capture/recording-reader.ts";
import { TimeBase } from "../../src/capture/time-base.ts";

const BYTES = packet()
  .ethernet()
  .ipv4({ src: "10.1.0.1", dst: "10.2.0.1" })
  .udp({ src: 1, dst: 2 })
  .payload("a question")
  .build();

/** Runs something with a folder of captures, by their names: the seconds at which their packets came. */
async function withCaptures<T>(
  captures: Readonly<Record<string, readonly number[]>>,
  run: (folder: string, paths: string[]) => Promise<T>,
  options: Parameters<typeof pcapFile>[1] = {},
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "l4scope-recording-"));
  try {
    const paths = Object.entries(captures).map(([name, seconds]) => {
      const path = join(folder, name);
      mkdirSync(dirname(path), { recursive: true });
      const packets = seconds.map((second) => ({ timeSeconds: second, bytes: BYTES }));
      writeFileSync(path, pcapFile(packets, options));
      return path;
    });
    return await run(folder, paths);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("files are one recording", () => {
  const grouped = (captures: Readonly<Record<string, readonly number[]>>) =>
    withCaptures(captures, async (folder, paths) =>
      (await recordingsOf(paths, new TimeBase())).map((group) => group.map((path) => path.slice(folder.length + 1))),
    );

  test.each([
    ["of tcpdump -C", ["lb1-eth0.pcap", "lb1-eth0.pcap1", "lb1-eth0.pcap2"]],
    ["of tcpdump -C -W", ["lb1.pcap00", "lb1.pcap01", "lb1.pcap02"]],
    ["of tcpdump -G", ["lb1-20261120-100000.pcap", "lb1-20261120-100100.pcap", "lb1-20261120-100200.pcap"]],
    [
      "of dumpcap -b",
      ["l_00001_20261120100000.pcapng", "l_00002_20261120100100.pcapng", "l_00003_20261120100200.pcapng"],
    ],
  ])("%s", async (_, names) => {
    const captures = Object.fromEntries(names.map((name, i) => [name, [100 + i]]));
    expect(await grouped(captures)).toEqual([names]);
  });

  test("in the order of their packets, whatever a ring has written over", async () => {
    expect(await grouped({ "lb1.pcap0": [103], "lb1.pcap1": [101], "lb1.pcap2": [102] })).toEqual([
      ["lb1.pcap1", "lb1.pcap2", "lb1.pcap0"],
    ]);
  });

  test("unless nothing in their names says so", async () => {
    const captures = { "lb1.pcap": [1], "lb2.pcap": [2], "a/lb1.pcap": [3], "lb1.pcapng": [4], "lb3-eth0.pcap": [5] };
    expect(await grouped(captures)).toEqual(Object.keys(captures).map((name) => [name]));
  });
});

describe("a recording", () => {
  /** Frame numbers and seconds of what is read, for each capture that the files make. */
  async function readAll(captures: Readonly<Record<string, readonly number[]>>) {
    return withCaptures(captures, async (folder, paths) => {
      const timeBase = new TimeBase();
      const readers = await Promise.all(paths.map((path) => openCapture(path, { timeBase })));
      const all: { frames: number[]; files: [string, number, number][] }[] = [];
      const recording = new RecordingReader(readers);
      for (let one: RecordingReader | null = recording; one !== null; one = one.rest) {
        const frames: number[] = [];
        for (let batch = await one.next(); batch !== null; batch = await one.next()) {
          for (let i = 0; i < batch.count; i++) frames.push(batch.frame(i));
        }
        const files = one.files.map(({ path, framesBefore, packets }): [string, number, number] => [
          path.slice(folder.length + 1),
          framesBefore,
          packets,
        ]);
        all.push({ frames, files });
      }
      await recording.close();
      return all;
    });
  }

  test("counts its frames over all files", async () => {
    expect(await readAll({ "l.pcap": [1, 2], "l.pcap1": [3], "l.pcap2": [], "l.pcap3": [4, 5] })).toEqual([
      {
        frames: [1, 2, 3, 4, 5],
        files: [
          ["l.pcap", 0, 2],
          ["l.pcap1", 2, 1],
          ["l.pcap2", 3, 0],
          ["l.pcap3", 3, 2],
        ],
      },
    ]);
  });

  test("ends before a file that begins a minute later, and before one of the same time", async () => {
    expect(await readAll({ "l.pcap": [1, 2], "l.pcap1": [63, 64], "l.pcap2": [63.5], "l.pcap3": [64] })).toEqual([
      { frames: [1, 2], files: [["l.pcap", 0, 2]] },
      { frames: [1, 2], files: [["l.pcap1", 0, 2]] },
      {
        frames: [1, 2],
        files: [
          ["l.pcap2", 0, 1],
          ["l.pcap3", 1, 1],
        ],
      },
    ]);
  });
});
