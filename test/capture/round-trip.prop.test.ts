import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type PcapOptions, pcapBytes } from "./pcap-bytes.ts";
import { PcapngWriter } from "./pcapng-bytes.ts";
import { epoch, type ReadCapture, readBytes, readPieces } from "./read-all.ts";
import { zstdRaw } from "./zstd-bytes.ts";

const START = 1_790_000_000n;
const DAY = 86_400n * 1_000_000_000n;

const packet = fc.record({
  /** From the first packet's second, in nanoseconds. */
  after: fc.bigInt({ min: 0n, max: 90n * DAY }),
  data: fc.uint8Array({ maxLength: 300 }),
  cut: fc.integer({ min: 0, max: 2000 }),
  interface: fc.integer({ min: 0, max: 2 }),
});
const sizes = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 6 });
const packets = fc.array(packet, { maxLength: 60 });

/** The same bytes through every way in must give the same packets. */
async function everyWay(bytes: Uint8Array, pieceSizes: readonly number[]): Promise<ReadCapture> {
  const { batches: _, ...file } = await readBytes(bytes);
  const compressed = [gzipSync(bytes), zstdRaw(bytes, 777)];
  const others = [
    await readPieces(bytes, pieceSizes),
    ...(await Promise.all(compressed.map((each) => readBytes(each)))),
    ...(await Promise.all(compressed.map((each) => readPieces(each, pieceSizes)))),
  ];
  for (const { batches: __, ...other } of others) expect(other).toEqual(file);
  return { ...file, batches: [] };
}

describe("what is written is read back, in any chunking", () => {
  it("as pcap", async () => {
    const options = fc.record({
      littleEndian: fc.boolean(),
      fraction: fc.constantFrom(1n, 1000n),
      network: fc.constantFrom(0, 1, 12, 101, 113, 276),
      snapLength: fc.constantFrom(0, 96, 65_535, 262_144),
    });
    await fc.assert(
      fc.asyncProperty(packets, options, sizes, async (list, written: PcapOptions, pieceSizes) => {
        const fraction = written.fraction ?? 1000n;
        const times = list.map(({ after }) => ((START * 1_000_000_000n + after) / fraction) * fraction);
        const bytes = pcapBytes(
          list.map(({ data, cut }, i) => ({ time: times[i] ?? 0n, data, wire: data.length + cut })),
          written,
        );
        const read = await everyWay(bytes, pieceSizes);
        expect(read.problems).toEqual([]);
        expect(read.interfaces).toMatchObject([{ linkType: written.network, snapLength: written.snapLength }]);
        expect(read.packets).toEqual(
          list.map(({ data, cut }, i) => ({
            time: epoch(times[i] ?? 0n),
            data: Buffer.from(data).toString("hex"),
            wire: data.length + cut,
            interface: 0,
            frame: i + 1,
          })),
        );
      }),
      { numRuns: 100 },
    );
  });

  it("as pcapng, in sections of either byte order", async () => {
    const section = fc.record({
      littleEndian: fc.boolean(),
      resolutions: fc.array(fc.constantFrom(0, 3, 6, 9, 10, 0x8a, 0x9e), { minLength: 3, maxLength: 3 }),
      packets: fc.array(fc.tuple(packet, fc.constantFrom("enhanced", "obsolete", "simple", "noise")), {
        maxLength: 20,
      }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(section, { minLength: 1, maxLength: 3 }), sizes, async (list, pieceSizes) => {
        const blocks: Buffer[] = [];
        const expected: Omit<ReadCapture["packets"][number], "frame">[] = [];
        list.forEach(({ littleEndian, resolutions, packets: written }, sectionIndex) => {
          const w = new PcapngWriter(littleEndian);
          blocks.push(w.section());
          for (const resolution of resolutions) blocks.push(w.interface({ resolution, name: `eth${resolution}` }));
          for (const [{ after, data, cut, interface: id }, kind] of written) {
            const resolution = resolutions[id] ?? 6;
            const unitsPerSecond = (resolution & 0x80 ? 2n : 10n) ** BigInt(resolution & 0x7f);
            const units = ((START * 1_000_000_000n + after) * unitsPerSecond) / 1_000_000_000n;
            const common = { data: Buffer.from(data).toString("hex"), wire: data.length + cut };
            const time = epoch((units * 1_000_000_000n) / unitsPerSecond);
            if (kind === "noise") blocks.push(w.block(0x80000000 + cut, data));
            else if (kind === "simple") {
              blocks.push(w.simple(data.length, data));
              expected.push({ ...common, wire: data.length, time: null, interface: sectionIndex * 3 });
            } else {
              const about = { interface: id, wire: data.length + cut };
              blocks.push(kind === "enhanced" ? w.enhanced(units, data, about) : w.obsolete(units, data, about));
              expected.push({ ...common, time, interface: sectionIndex * 3 + id });
            }
          }
        });
        const read = await everyWay(Buffer.concat(blocks), pieceSizes);
        expect(read.problems).toEqual([]);
        expect(read.packets).toEqual(expected.map((each, i) => ({ ...each, frame: i + 1 })));
        expect(read.interfaces).toHaveLength(list.length * 3);
      }),
      { numRuns: 100 },
    );
  });
});
