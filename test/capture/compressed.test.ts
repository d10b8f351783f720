import { execFileSync } from "node:child_process";
import { constants, gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { requires } from "../support/requirement.ts";
import { pcapBytes, type TestPacket } from "./pcap-bytes.ts";
import { PcapngWriter } from "./pcapng-bytes.ts";
import { epoch, readBytes, readPieces } from "./read-all.ts";
import { zstdFrame, zstdRaw, zstdSkippable } from "./zstd-bytes.ts";
import { ZSTD_COMPRESSED } from "./zstd-compressed.ts";

const START = 1_790_000_000n * 1_000_000_000n;

/** Packets whose bytes follow from their number, as in zstd-compressed.ts. */
function written(count: number, length = 60): TestPacket[] {
  return Array.from({ length: count }, (_, i) => ({
    time: START + BigInt(i) * 1000n,
    data: Uint8Array.from({ length }, (_, at) => (at * i) % 97),
  }));
}

function expected(packets: readonly TestPacket[]) {
  return packets.map((packet, i) => ({
    time: epoch(packet.time ?? 0n),
    data: Buffer.from(packet.data).toString("hex"),
    wire: packet.data.length,
    interface: 0,
    frame: i + 1,
  }));
}

const packets = written(40);
const capture = pcapBytes(packets);
const half = capture.length >> 1;

describe("gzip", () => {
  it("is read, whatever the file is called", async () => {
    const read = await readBytes(gzipSync(capture));
    expect(read.packets).toEqual(expected(packets));
    expect(read.problems).toEqual([]);
  });

  it("may hold a pcapng", async () => {
    const w = new PcapngWriter();
    const read = await readBytes(gzipSync(Buffer.concat([w.section(), w.interface(), w.simple(1, Uint8Array.of(7))])));
    expect(read.format).toBe("pcapng");
    expect(read.packets).toMatchObject([{ time: null, data: "07" }]);
  });

  it("may have several members, wherever the pieces end", async () => {
    const members = Buffer.concat([gzipSync(capture.subarray(0, half)), gzipSync(capture.subarray(half))]);
    expect((await readBytes(members)).packets).toEqual(expected(packets));
    for (const sizes of [[1], [7, 1, 13], [gzipSync(capture.subarray(0, half)).length]]) {
      const read = await readPieces(members, sizes);
      expect(read.packets).toEqual(expected(packets));
      expect(read.problems).toEqual([]);
    }
  });

  it("may be followed by zeros, as tapes and some flash disks leave them", async () => {
    const read = await readBytes(Buffer.concat([gzipSync(capture), Buffer.alloc(1000)]));
    expect(read.packets).toEqual(expected(packets));
    expect(read.problems).toEqual([]);
  });

  it("that is larger than the buffers is read to its end", async () => {
    const many = written(60_000, 100);
    const read = await readBytes(gzipSync(pcapBytes(many), { level: 1 }));
    expect(read.packets).toHaveLength(many.length);
    expect(read.packets.at(-1)).toEqual(expected(many).at(-1));
    expect(read.problems).toEqual([]);
  });

  it("cut short gives what comes before, and says at which byte of the capture", async () => {
    const many = written(20_000, 100);
    const whole = gzipSync(pcapBytes(many));
    for (const share of [0.01, 0.3, 0.6, 0.99]) {
      const cut = whole.subarray(0, Math.floor(whole.length * share));
      const there = gunzipSync(cut, { finishFlush: constants.Z_SYNC_FLUSH }).length;
      const read = await readBytes(cut);
      expect(read.packets).toEqual(expected(many).slice(0, Math.floor((there - 24) / 116)));
      expect(read.problems).toMatchObject([{ code: "truncated", offset: there }]);
    }
    const lastBytes = await readBytes(whole.subarray(0, whole.length - 3));
    expect(lastBytes.packets).toHaveLength(many.length);
    expect(lastBytes.problems).toMatchObject([{ code: "truncated" }]);
  });

  it("damaged half-way gives what comes before, but for what zlib had in hand", async () => {
    const many = written(20_000, 100);
    const whole = gzipSync(pcapBytes(many));
    const damage = whole.length >> 1;
    const before = (gunzipSync(whole.subarray(0, damage), { finishFlush: constants.Z_SYNC_FLUSH }).length - 24) / 116;
    whole.fill(0xff, damage, damage + 64);
    const read = await readBytes(whole);
    expect(read.packets.length).toBeGreaterThan(before * 0.8);
    const sound = Math.min(read.packets.length, Math.floor(before));
    expect(read.packets.slice(0, sound)).toEqual(expected(many).slice(0, sound));
    expect(read.problems.at(-1)?.code).toMatch(/bad-compression|bad-record/);
  });

  it("with a wrong checksum gives everything, and says so", async () => {
    const whole = gzipSync(capture);
    whole[whole.length - 6] = (whole[whole.length - 6] ?? 0) ^ 0xff;
    const read = await readBytes(whole);
    expect(read.packets).toEqual(expected(packets));
    expect(read.problems).toMatchObject([{ code: "bad-compression", offset: capture.length }]);
  });
});

describe("zstd", () => {
  it("is read as the zstd command writes it", async () => {
    for (const base64 of Object.values(ZSTD_COMPRESSED)) {
      const read = await readBytes(Buffer.from(base64, "base64"));
      expect(read.packets).toEqual(expected(packets));
      expect(read.problems).toEqual([]);
    }
  });

  it("is read in pieces of any size", async () => {
    for (const sizes of [[1], [2, 3, 5], [1000]]) {
      const read = await readPieces(Buffer.from(ZSTD_COMPRESSED.level19, "base64"), sizes);
      expect(read.packets).toEqual(expected(packets));
      expect(read.problems).toEqual([]);
    }
  });

  it("may have several frames, and skippable ones between", async () => {
    const frames = Buffer.concat([
      zstdSkippable(Buffer.from("made by a test")),
      zstdFrame([capture.subarray(0, 10), capture.subarray(10, half)], { checksum: true }),
      zstdSkippable(new Uint8Array(200_000)),
      zstdFrame([capture.subarray(half)]),
      zstdFrame([new Uint8Array(0)]),
      zstdSkippable(new Uint8Array(0)),
    ]);
    expect((await readBytes(frames)).packets).toEqual(expected(packets));
    const read = await readPieces(frames, [1, 2, 3, 100]);
    expect(read.packets).toEqual(expected(packets));
    expect(read.problems).toEqual([]);
  });

  it("cut short gives what comes before", async () => {
    const whole = zstdRaw(capture, 500);
    for (let cut = 40; cut < whole.length; cut += 37) {
      const read = await readBytes(whole.subarray(0, cut)).catch((error: Error) => error);
      if (read instanceof Error) {
        expect(cut).toBeLessThan(6 + 503);
        expect(read.message).toContain("cut short");
        continue;
      }
      expect(read.packets).toEqual(expected(packets).slice(0, read.packets.length));
      expect(read.packets.length).toBe(Math.floor((Math.floor((cut - 6) / 503) * 500 - 24) / 76));
      expect(read.problems).toMatchObject([{ code: "truncated" }]);
    }
  });

  it("damaged gives what comes before, with the byte of the file", async () => {
    const whole = zstdRaw(capture, 500);
    const third = 6 + 2 * 503;
    whole[third] = (whole[third] ?? 0) | 0x06;
    const read = await readBytes(whole);
    expect(read.packets).toHaveLength(Math.floor((1000 - 24) / 76));
    expect(read.problems).toMatchObject([{ code: "bad-compression", offset: 1000 }]);
    expect(read.problems[0]?.message).toContain(`at byte ${third} of the file`);
  });

  it("that asks for a window of gigabytes is refused before it is allocated", async () => {
    const before = process.memoryUsage().rss;
    await expect(readBytes(zstdFrame([capture], { windowByte: 0xa8 }))).rejects.toThrow(/window of 2147483648 bytes/);
    expect(process.memoryUsage().rss - before).toBeLessThan(500_000_000);
  });

  it("that expands without end is read in bounded memory", async () => {
    // 20,000 blocks of 4 bytes, each 128 KiB of zeros: 2.6 GB behind one packet that says it is longer than packets are
    const bomb = Array.from({ length: 20_000 }, () => ({ byte: 0, length: 131_072 }));
    const head = Buffer.concat([capture, Buffer.alloc(16, 0xff)]);
    const before = process.memoryUsage().rss;
    const read = await readBytes(zstdFrame([head, ...bomb], { windowByte: 0 }));
    expect(read.packets).toEqual(expected(packets));
    expect(read.problems).toMatchObject([{ code: "bad-record", offset: capture.length }]);
    expect(process.memoryUsage().rss - before).toBeLessThan(300_000_000);
  });

  const need = requires({ tool: "zstd" });
  describe.skipIf(need.missing)("by the zstd command", () => {
    const packets = written(8000, 100);
    for (const flags of [
      ["-1"],
      ["-3", "--long=24"],
      ["-9"],
      ["-19", "--check"],
      ["-3", "--rsyncable", "--no-check"],
    ]) {
      it(`is read after zstd ${flags.join(" ")}`, { timeout: 20_000 }, async () => {
        const read = await readBytes(
          execFileSync("zstd", ["-q", "-c", ...flags], { input: pcapBytes(packets), maxBuffer: 1 << 28 }),
        );
        expect(read.packets).toEqual(expected(packets));
        expect(read.problems).toEqual([]);
      });
    }
  });
});
