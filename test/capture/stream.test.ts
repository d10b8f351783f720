import { PassThrough } from "node:stream";
import { createGzip, constants as zlib } from "node:zlib";
import { describe, expect, it } from "vitest";
import { openCapture } from "../../src/capture/open.ts";
import type { CaptureReader } from "../../src/capture/reader.ts";
import { TimeBase } from "../../src/capture/time-base.ts";
import { pcapBytes } from "./pcap-bytes.ts";
import { PcapngWriter } from "./pcapng-bytes.ts";
import { readPieces } from "./read-all.ts";
import { zstdFrame } from "./zstd-bytes.ts";

const START = 1_790_000_000n * 1_000_000_000n;
const header = pcapBytes([]);
const record = (byte: number) =>
  pcapBytes([{ time: START + BigInt(byte) * 1000n, data: new Uint8Array(60).fill(byte) }]).subarray(24);

/** Time for what must arrive on a busy machine, and for being sure that nothing does. */
const ARRIVES_MS = 5000;
const NOTHING_MS = 100;

/** The first byte of each packet of the next batch, or "nothing" where none comes in time. */
async function soon(
  next: Promise<Awaited<ReturnType<CaptureReader["next"]>>>,
  patienceMs = ARRIVES_MS,
): Promise<number[] | "nothing" | null> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<"nothing">((resolve) => {
    timer = setTimeout(() => resolve("nothing"), patienceMs);
  });
  const batch = await Promise.race([next, patience]);
  clearTimeout(timer);
  if (batch === "nothing" || batch === null) return batch;
  return Array.from({ length: batch.count }, (_, i) => batch.bytes[batch.offset[i] ?? 0] ?? -1);
}

async function live(stdin: PassThrough, write: (bytes: Uint8Array) => void): Promise<void> {
  write(header);
  const reader = await openCapture("-", { timeBase: new TimeBase(), stdin });
  let waiting = reader.next();
  expect(await soon(waiting, NOTHING_MS)).toBe("nothing");
  for (let byte = 1; byte <= 3; byte++) {
    write(record(byte));
    expect(await soon(waiting)).toEqual([byte]);
    waiting = reader.next();
  }
  // half a record is no packet; its rest with the next one are two
  write(record(4).subarray(0, 30));
  expect(await soon(waiting, NOTHING_MS)).toBe("nothing");
  write(Buffer.concat([record(4).subarray(30), record(5)]));
  expect(await soon(waiting)).toEqual([4, 5]);
  await reader.close();
}

describe("packets written one at a time", () => {
  it("are delivered as they arrive", async () => {
    const stdin = new PassThrough();
    await live(stdin, (bytes) => stdin.write(bytes));
  });

  it("are delivered as they arrive through gzip", async () => {
    const gzip = createGzip();
    const stdin = gzip.pipe(new PassThrough());
    await live(stdin, (bytes) => {
      gzip.write(bytes);
      gzip.flush(zlib.Z_SYNC_FLUSH);
    });
  });

  it("are delivered as they arrive through zstd", async () => {
    const stdin = new PassThrough();
    await live(stdin, (bytes) => stdin.write(zstdFrame([bytes])));
  });

  it("are delivered as they arrive in a pcapng", async () => {
    const w = new PcapngWriter();
    const stdin = new PassThrough();
    stdin.write(Buffer.concat([w.section(), w.interface()]));
    const reader = await openCapture("-", { timeBase: new TimeBase(), stdin });
    for (let byte = 1; byte <= 3; byte++) {
      stdin.write(w.enhanced(BigInt(byte), new Uint8Array(60).fill(byte)));
      expect(await soon(reader.next())).toEqual([byte]);
    }
    const waiting = reader.next();
    stdin.end(w.statistics(0, [[5, w.i64(3n)]]));
    expect(await soon(waiting)).toBeNull();
    expect(reader.interfaces[0]?.dropped).toBe(3);
    await reader.close();
  });
});

describe("a stream in odd pieces", () => {
  const w = new PcapngWriter(false);
  const inputs = {
    pcap: Buffer.concat([header, ...Array.from({ length: 50 }, (_, i) => record(i))]),
    pcapng: Buffer.concat([
      w.section(),
      w.interface({ name: "eth0", resolution: 9 }),
      ...Array.from({ length: 50 }, (_, i) => w.enhanced(START + BigInt(i), new Uint8Array(i * 3).fill(i))),
    ]),
  };
  for (const [format, bytes] of Object.entries(inputs)) {
    it(`gives the same packets of a ${format}`, async () => {
      const { batches, ...whole } = await readPieces(bytes, [bytes.length]);
      expect(whole.packets).toHaveLength(50);
      expect(batches).toEqual([50]);
      for (const sizes of [[1], [2], [3, 1], [16], [24, 16, 60], [75, 77], [1000, 1]]) {
        const { batches: _, ...pieces } = await readPieces(bytes, sizes);
        expect(pieces).toEqual(whole);
      }
    });
  }

  it("that breaks off half-way keeps what arrived", async () => {
    const stdin = new PassThrough();
    stdin.write(Buffer.concat([header, record(1), record(2).subarray(0, 20)]));
    const reader = await openCapture("-", { timeBase: new TimeBase(), stdin });
    expect((await reader.next())?.count).toBe(1);
    stdin.destroy(new Error("ECONNRESET: the other end is gone"));
    expect(await reader.next()).toBeNull();
    expect(reader.problems).toMatchObject([{ code: "read-error", offset: 24 + 76 + 20 }]);
    expect(reader.problems[0]?.message).toContain("ECONNRESET");
    await reader.close();
  });
});
