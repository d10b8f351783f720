import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CaptureError } from "../../src/capture/reader.ts";
import { requires, sharedDir } from "../support/requirement.ts";
import { pcapBytes } from "./pcap-bytes.ts";
import { PcapngWriter } from "./pcapng-bytes.ts";
import { type ReadCapture, readBytes, readPieces } from "./read-all.ts";
import { indexedCaptures } from "./shared-captures.ts";
import { zstdFrame, zstdRaw } from "./zstd-bytes.ts";
import { ZSTD_COMPRESSED } from "./zstd-compressed.ts";

const START = 1_790_000_000n;

function ownCaptures(): Buffer[] {
  const packets = Array.from({ length: 30 }, (_, i) => ({
    time: START * 1_000_000_000n + BigInt(i) * 1_000_000n,
    data: new Uint8Array(i * 11).fill(i),
    wire: i * 20,
  }));
  const sections = [true, false].map((littleEndian) => {
    const w = new PcapngWriter(littleEndian);
    return Buffer.concat([
      w.section([[1, Buffer.from("comment")]]),
      w.interface({ name: "eth0", resolution: 9, snapLength: 64 }),
      w.interface({ linkType: 113, offset: 3600n, resolution: 0x94, fcs: 4 }),
      ...packets.flatMap(({ data, wire }, i) => [
        w.enhanced(START * 1_000_000_000n + BigInt(i), data, { wire, interface: i % 2 }),
        i % 5 === 0 ? w.simple(wire, data.subarray(0, 64)) : w.obsolete(BigInt(i), data),
      ]),
      w.block(4, w.u16(1), w.u16(4), w.u32(0), w.u32(0)),
      w.block(0xbad, w.u32(32473)),
      w.statistics(0, [
        [5, w.i64(3n)],
        [7, w.i64(4n)],
      ]),
      w.block(10, w.u32(0x544c534b), w.u32(8), new Uint8Array(8)),
    ]);
  });
  const plain = [
    pcapBytes(packets),
    pcapBytes(packets, { littleEndian: false, fraction: 1n }),
    pcapBytes(packets, { magic: 0xa1b2cd34, recordBytes: 24 }),
    pcapBytes(packets, { version: [2, 3] }),
    Buffer.concat(sections),
  ];
  const [first = Buffer.alloc(0), , , , ng = Buffer.alloc(0)] = plain;
  const half = first.length >> 1;
  return [
    ...plain,
    gzipSync(ng),
    Buffer.concat([gzipSync(first.subarray(0, half)), gzipSync(first.subarray(half))]),
    zstdRaw(ng, 300),
    ...Object.values(ZSTD_COMPRESSED).map((base64) => Buffer.from(base64, "base64")),
    zstdFrame([first.subarray(0, half), { byte: 0, length: 5000 }, first.subarray(half)], { checksum: true }),
  ];
}

/** Small captures that other projects made to break parsers; every tenth of the rest, to keep the time short. */
function sharedCaptures(): Buffer[] {
  const shared = sharedDir();
  if (shared === null || requires({ path: "../shared/captures" }).missing !== null) return [];
  return indexedCaptures(shared)
    .filter(({ size, format }, i) => size > 40 && size < 20_000 && (format === "pcapng" || i % 10 === 0))
    .map(({ file }) => readFileSync(join(shared, "captures", file)));
}

type Mutation = (bytes: Buffer) => Buffer;

const INTERESTING = [
  0, 1, 3, 4, 11, 12, 28, 32, 0x7f, 0xff, 0xffff, 0x10000, 262_144, 262_145, 0x7fffffff, 0x80000000, 0xffffffff,
];
/** A place in a file whose length is not known yet. */
const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const at = (bytes: Buffer, where: number) => Math.floor(where * bytes.length);

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.tuple(place, fc.integer({ min: 1, max: 255 })).map(
    ([where, bits]): Mutation =>
      (bytes) => {
        const i = at(bytes, where);
        bytes[i] = (bytes[i] ?? 0) ^ bits;
        return bytes;
      },
  ),
  // a length that lies; the records are near multiples of four
  fc.tuple(place, fc.constantFrom(...INTERESTING), fc.boolean(), fc.boolean()).map(
    ([where, value, little, aligned]): Mutation =>
      (bytes) => {
        const i = aligned ? at(bytes, where) & ~3 : at(bytes, where);
        if (i + 4 > bytes.length) return bytes;
        if (little) bytes.writeUInt32LE(value, i);
        else bytes.writeUInt32BE(value, i);
        return bytes;
      },
  ),
  place.map(
    (where): Mutation =>
      (bytes) =>
        bytes.subarray(0, at(bytes, where)),
  ),
  fc.tuple(place, fc.integer({ min: 1, max: 40 })).map(
    ([where, length]): Mutation =>
      (bytes) =>
        Buffer.concat([bytes.subarray(0, at(bytes, where)), bytes.subarray(at(bytes, where) + length)]),
  ),
  fc.tuple(place, fc.uint8Array({ minLength: 1, maxLength: 50 })).map(
    ([where, junk]): Mutation =>
      (bytes) =>
        Buffer.concat([bytes.subarray(0, at(bytes, where)), junk, bytes.subarray(at(bytes, where))]),
  ),
  fc.tuple(place, place).map(
    ([from, to]): Mutation =>
      (bytes) =>
        Buffer.concat([bytes, bytes.subarray(at(bytes, from), at(bytes, to))]),
  ),
);

async function attempt(read: Promise<ReadCapture>): Promise<ReadCapture | CaptureError> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof CaptureError) return error;
    throw error;
  }
}

function check(result: ReadCapture | CaptureError): void {
  if (result instanceof CaptureError) {
    expect(result.message).toMatch(/^cannot read [^\n]+$/);
    return;
  }
  expect(result.problems.length).toBeLessThanOrEqual(25);
  for (const { offset, message } of result.problems) {
    expect(offset).toBeGreaterThanOrEqual(0);
    expect(message).not.toContain("\n");
  }
  // a packet outside its batch makes the reading itself fail
  let frame = 0;
  const wrong = result.packets.find((packet) => {
    const rises = packet.frame > frame;
    frame = packet.frame;
    return !rises || packet.wire < packet.data.length / 2 || result.interfaces[packet.interface] === undefined;
  });
  expect(wrong).toBeUndefined();
}

describe("damaged captures", () => {
  const captures = [...ownCaptures(), ...ownCaptures(), ...sharedCaptures()];

  it("are read without a crash, a hang or much memory", { timeout: 40_000 }, async () => {
    const before = process.memoryUsage().rss;
    await fc.assert(
      fc.asyncProperty(
        fc.nat(captures.length - 1),
        fc.array(mutation, { minLength: 1, maxLength: 4 }),
        fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        async (which, mutations, sizes, both) => {
          let bytes: Buffer = Buffer.from(captures[which] ?? Buffer.alloc(0));
          for (const mutate of mutations) bytes = Buffer.from(mutate(bytes));
          const streamed = await attempt(readPieces(bytes, sizes));
          check(streamed);
          if (!both) return;
          const file = await attempt(readBytes(bytes));
          check(file);
          // uncompressed bytes give the same however they arrive (a pcap file's records may show it to be a variant)
          if (file instanceof CaptureError || streamed instanceof CaptureError || file.format === "pcap") return;
          if (bytes[0] !== 0x0a) return;
          const { batches: _, ...one } = file;
          const { batches: __, ...other } = streamed;
          expect(other).toEqual(one);
        },
      ),
      { numRuns: 6000 },
    );
    expect(process.memoryUsage().rss - before).toBeLessThan(600_000_000);
  });
});
