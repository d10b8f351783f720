import { describe, expect, it } from "vitest";
import { PacketBatch } from "../../src/capture/packet-batch.ts";
import { type PcapOptions, pcapBytes, type TestPacket } from "./pcap-bytes.ts";
import { epoch, readBytes, readPieces } from "./read-all.ts";

const SECOND = 1_000_000_000n;
const START = 1_790_000_000n * SECOND;

function packets(count: number, length = 60): TestPacket[] {
  return Array.from({ length: count }, (_, i) => ({
    time: START + BigInt(i) * 1_000_001_000n,
    data: Uint8Array.from({ length: length + i }, (_, at) => (at * 7 + i) & 0xff),
    wire: length + i + 10,
  }));
}

function expected(written: readonly TestPacket[]) {
  return written.map((packet, i) => ({
    time: packet.time === null ? null : epoch(packet.time),
    data: Buffer.from(packet.data).toString("hex"),
    wire: packet.wire ?? packet.data.length,
    interface: 0,
    frame: i + 1,
  }));
}

describe("file variants", () => {
  const variants: Record<string, PcapOptions> = {
    "microseconds, little endian": {},
    "microseconds, big endian": { littleEndian: false },
    "nanoseconds, little endian": { fraction: 1n },
    "nanoseconds, big endian": { fraction: 1n, littleEndian: false },
    "Kuznetzov's 24-byte records, little endian": { magic: 0xa1b2cd34, recordBytes: 24 },
    "Kuznetzov's 24-byte records, big endian": { magic: 0xa1b2cd34, recordBytes: 24, littleEndian: false },
    "SuSE's 28-byte records": { magic: 0xa1b2cd34, recordBytes: 28 },
    "Red Hat's 24-byte records under the standard magic": { recordBytes: 24 },
    "Nokia's 20-byte records under the standard magic": { recordBytes: 20 },
    "Ixia hardware": { magic: 0x1c0001ac, fraction: 1n, extraHeader: 4 },
    "Ixia software, big endian": { magic: 0x1c0001ab, extraHeader: 4, littleEndian: false },
    "version 2.2, lengths the other way round": { version: [2, 2], wireFirst: true, network: 10 },
    "version 2.3, lengths in order": { version: [2, 3] },
    "version 2.3, lengths the other way round": { version: [2, 3], wireFirst: true },
    "version 543.0 of DG/UX": { version: [543, 0], wireFirst: true },
  };
  for (const [name, options] of Object.entries(variants)) {
    it(`reads ${name}`, async () => {
      const written = packets(5);
      const read = await readBytes(pcapBytes(written, options));
      expect(read.packets).toEqual(expected(written));
      expect(read.problems).toEqual([]);
      expect(read.format).toBe("pcap");
    });
  }

  it("reads the modified magic from a stream that comes byte by byte", async () => {
    const written = packets(4);
    for (const recordBytes of [24, 28]) {
      const read = await readPieces(pcapBytes(written, { magic: 0xa1b2cd34, recordBytes }), [1]);
      expect(read.packets).toEqual(expected(written));
    }
  });

  it("keeps a standard file standard when its first record is odd", async () => {
    // captured beyond the snapshot length, and a fraction of more than a second
    const odd = [{ time: START, data: new Uint8Array(100) }, ...packets(3, 80)];
    const bytes = pcapBytes(odd, { snapLength: 64 });
    bytes.writeUInt32LE(1_500_000, 24 + 4);
    const read = await readBytes(bytes);
    expect(read.packets.map((packet) => packet.data)).toEqual(expected(odd).map((packet) => packet.data));
    expect(read.packets[0]?.time).toBe(epoch(START + 1_500_000_000n));
  });

  it("reads an unknown version as 2.4 and says so", async () => {
    const written = packets(2);
    const read = await readBytes(pcapBytes(written, { version: [2, 77] }));
    expect(read.packets).toEqual(expected(written));
    expect(read.problems).toMatchObject([{ code: "unknown-version", offset: 4 }]);
  });

  it("takes AIX's interface types for what they are", async () => {
    const written = packets(2);
    const read = await readBytes(
      pcapBytes(written, { version: [2, 2], network: 6, fraction: 1n, magic: 0xa1b2c3d4, wireFirst: true }),
    );
    expect(read.interfaces[0]?.linkType).toBe(1);
    expect(read.packets).toEqual(expected(written));
  });
});

describe("interface", () => {
  it("has link type and snapshot length", async () => {
    const read = await readBytes(pcapBytes([], { network: 276, snapLength: 96 }));
    expect(read.interfaces).toEqual([{ name: null, linkType: 276, snapLength: 96, fcsLength: 0, dropped: null }]);
    expect(read.packets).toEqual([]);
    expect(read.problems).toEqual([]);
  });

  it("has the frame check sequence's length from the upper bits of the link type", async () => {
    const read = await readBytes(pcapBytes([], { network: 0x24000001 >>> 0 }));
    expect(read.interfaces[0]).toMatchObject({ linkType: 1, fcsLength: 4 });
  });

  it("ignores the length's bits where they are not said to be there", async () => {
    const read = await readBytes(pcapBytes([], { network: 0x20000001 }));
    expect(read.interfaces[0]).toMatchObject({ linkType: 1, fcsLength: 0 });
  });

  it("calls a snapshot length without meaning unlimited", async () => {
    const read = await readBytes(pcapBytes([], { snapLength: 0xffffffff }));
    expect(read.interfaces[0]?.snapLength).toBe(0);
  });
});

describe("lengths", () => {
  it("delivers packets of no bytes and of the most a packet has", async () => {
    const written = [
      { time: START, data: new Uint8Array(0), wire: 1500 },
      { time: START, data: new Uint8Array(262_144).fill(0xab) },
      { time: START, data: Uint8Array.of(1) },
    ];
    const read = await readBytes(pcapBytes(written));
    expect(read.packets).toEqual(expected(written));
    expect(read.problems).toEqual([]);
  });

  it("never says that the wire had less than was captured", async () => {
    const bytes = pcapBytes(packets(2));
    bytes.writeUInt32LE(3, 24 + 12);
    bytes.writeUInt32LE(0xfffffff0, 24 + 16 + 60 + 12);
    const read = await readBytes(bytes);
    expect(read.packets.map((packet) => packet.wire)).toEqual([60, 61]);
  });

  it("ends at a record longer than packets are, with the offset", async () => {
    const bytes = pcapBytes(packets(3, 60));
    const third = 24 + 16 + 60 + 16 + 61;
    bytes.writeUInt32LE(262_145, third + 8);
    const read = await readBytes(bytes);
    expect(read.packets).toHaveLength(2);
    expect(read.problems).toMatchObject([{ code: "bad-record", offset: third }]);
    expect(read.problems[0]?.message).toContain("record 3 claims 262145");
  });

  it("says where a file was cut, at whichever byte", async () => {
    const written = packets(3, 20);
    const whole = pcapBytes(written);
    const starts = [24, 24 + 36, 24 + 36 + 37, whole.length];
    for (let cut = 24; cut <= whole.length; cut++) {
      const read = await readBytes(whole.subarray(0, cut));
      const count = starts.findLastIndex((start) => start <= cut);
      expect(read.packets).toEqual(expected(written.slice(0, count)));
      if (starts.includes(cut)) expect(read.problems).toEqual([]);
      else {
        const where = cut - (starts[count] ?? 0) < 16 ? "header" : "data";
        expect(read.problems).toMatchObject([{ code: "truncated", offset: starts[count] }]);
        expect(read.problems[0]?.message).toContain(`in the ${where} of record ${count + 1}`);
      }
    }
  });
});

describe("long files", () => {
  it("carries records over the ends of chunks and batches", async () => {
    const written: TestPacket[] = [];
    for (let i = 0, size = 0; size < 5_000_000; i++) {
      const length = i % 1000 === 999 ? 200_000 + i : (i * 37) % 300;
      written.push({ time: START + BigInt(i) * 1000n, data: new Uint8Array(length).fill(i & 0xff) });
      size += length + 16;
    }
    expect(written.length).toBeGreaterThan(PacketBatch.CAPACITY);
    const read = await readBytes(pcapBytes(written));
    expect(read.packets).toEqual(expected(written));
    expect(read.problems).toEqual([]);
    expect(Math.max(...read.batches)).toBeLessThanOrEqual(PacketBatch.CAPACITY);
  });

  it("keeps times exact to the nanosecond a hundred days from the first packet", async () => {
    const written = [0n, 1n, 99n * 86_400n * SECOND + 123_456_789n, -(50n * 86_400n * SECOND) + 1n].map((offset) => ({
      time: START + offset,
      data: Uint8Array.of(1),
    }));
    const read = await readBytes(pcapBytes(written, { fraction: 1n }));
    expect(read.packets.map((packet) => packet.time)).toEqual(written.map((packet) => epoch(packet.time)));
  });
});
