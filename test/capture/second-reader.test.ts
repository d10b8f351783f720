import { createReadStream } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { requires, sharedDir } from "../support/requirement.ts";
import { pcapBytes } from "./pcap-bytes.ts";
import { epoch, type ReadCapture, readBytes, readFile } from "./read-all.ts";
import { indexedCaptures, labelledCaptures } from "./shared-captures.ts";

interface ParsedPacket {
  header: {
    timestampSeconds: number;
    timestampMicroseconds: number;
    capturedLength: number;
    originalLength: number;
  };
  data: Buffer;
}
interface Parser {
  on(event: "packet", listener: (packet: ParsedPacket) => void): void;
  on(event: "end", listener: () => void): void;
  on(event: "error", listener: (error: Error) => void): void;
}
// without types; it warns of `new Buffer`, which is not ours to mend
const { parse } = createRequire(import.meta.url)("pcap-parser") as { parse(input: Readable): Parser };

/** What the npm package pcap-parser, written independently, makes of a classic pcap with microseconds. */
function secondReading(input: Readable): Promise<Omit<ReadCapture["packets"][number], "interface" | "frame">[]> {
  return new Promise((resolve, reject) => {
    const packets: Omit<ReadCapture["packets"][number], "interface" | "frame">[] = [];
    const parser = parse(input);
    parser.on("packet", ({ header, data }) => {
      const nanoseconds =
        BigInt(header.timestampSeconds) * 1_000_000_000n + BigInt(header.timestampMicroseconds) * 1000n;
      packets.push({
        time: epoch(nanoseconds),
        data: data.toString("hex"),
        // a length that cannot be is not believed by our reader
        wire: header.originalLength > 0x7fffffff ? data.length : Math.max(header.originalLength, data.length),
      });
    });
    parser.on("end", () => resolve(packets));
    parser.on("error", reject);
  });
}

/** The package knows two magics, one layout and no limits; files that are damaged or need more are not for it. */
function isComparable(read: ReadCapture): boolean {
  return read.format === "pcap" && read.problems.length === 0;
}

/** Without what the package does not know. */
const stripped = (read: ReadCapture) => read.packets.map(({ time, data, wire }) => ({ time, data, wire }));

describe("a second reader", () => {
  it("delivers the same packets of what a test writes", async () => {
    const packet = fc.record({
      time: fc.bigInt({ min: 0n, max: 90n * 86_400n * 1_000_000n }).map((us) => (1_790_000_000_000_000n + us) * 1000n),
      data: fc.uint8Array({ maxLength: 200 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(packet, { maxLength: 30 }), fc.boolean(), async (packets, littleEndian) => {
        const bytes = pcapBytes(packets, { littleEndian });
        expect(stripped(await readBytes(bytes))).toEqual(
          await secondReading(Readable.from([bytes], { objectMode: true })),
        );
      }),
      { numRuns: 100 },
    );
  });

  const shared = sharedDir();
  const need = requires({ path: "../shared/captures" });
  describe.skipIf(need.missing)("on captures of other projects", () => {
    const folder = shared ?? "";

    it("delivers the same packets", { timeout: 30_000 }, async () => {
      let compared = 0;
      for (const { file, size } of indexedCaptures(folder)) {
        const path = join(folder, "captures", file);
        if (size < 24 || file.endsWith(".snoop")) continue;
        const read = await readFile(path);
        const magic = await firstWord(path);
        if (!isComparable(read) || (magic !== "d4c3b2a1" && magic !== "a1b2c3d4")) continue;
        const second = await secondReading(createReadStream(path));
        if (EXCEPTIONS.has(file)) expect(stripped(read), file).not.toEqual(second);
        else expect(stripped(read), file).toEqual(second);
        compared++;
      }
      expect(compared).toBeGreaterThan(900);
    });

    it("delivers the same packets of the labelled runs", { timeout: 30_000 }, async () => {
      let compared = 0;
      for (const file of labelledCaptures(folder)) {
        const path = join(folder, "labelled", file);
        const read = await readFile(path);
        const stream = () =>
          file.endsWith(".gz") ? createReadStream(path).pipe(createGunzip()) : createReadStream(path);
        // the package copies its buffer for every chunk: the small half is enough
        if (
          !isComparable(read) ||
          read.packets.length > 4000 ||
          (await firstWord(path, file.endsWith(".gz"))) !== "d4c3b2a1"
        )
          continue;
        expect(stripped(read), file).toEqual(await secondReading(stream()));
        compared++;
      }
      expect(compared).toBeGreaterThan(50);
    });
  });
});

/** Files that the package reads wrongly, each with its reason. */
const EXCEPTIONS: ReadonlyMap<string, string> = new Map(
  ["5766899836387328", "6604968558198784"].map((id) => [
    `pcapplusplus/clusterfuzz-testcase-minimized-FuzzTarget-${id}`,
    "version 2.3 with its two lengths the other way round, which the package does not know",
  ]),
);

async function firstWord(path: string, gunzip = false): Promise<string> {
  const stream = gunzip ? createReadStream(path).pipe(createGunzip()) : createReadStream(path, { end: 15 });
  for await (const chunk of stream) return (chunk as Buffer).subarray(0, 4).toString("hex");
  return "";
}
