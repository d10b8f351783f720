import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CaptureMerge } from "../../src/capture/merge.ts";
import { PacketBatch } from "../../src/capture/packet-batch.ts";
import type { CaptureReader } from "../../src/capture/reader.ts";

/** A reader of packets that have only a time, in batches of the given sizes, which reuses its batch as real ones do. */
function reader(times: readonly number[], sizes: readonly number[] = [3]): CaptureReader {
  const batch = new PacketBatch();
  let at = 0;
  let turn = 0;
  return {
    path: "test",
    format: "pcap",
    interfaces: [],
    problems: [],
    progress: { readBytes: 0, totalBytes: null },
    next: async () => {
      if (at >= times.length) return null;
      const size = sizes[turn++ % sizes.length] ?? 1;
      const part = times.slice(at, at + size);
      batch.time.fill(-1);
      batch.time.set(part);
      batch.count = part.length;
      batch.firstFrame = at + 1;
      at += part.length;
      return batch;
    },
    close: async () => {},
  };
}

async function merged(readers: readonly CaptureReader[]): Promise<[reader: number, frame: number, time: number][]> {
  const merge = new CaptureMerge(readers);
  const seen: [number, number, number][] = [];
  while (await merge.refill()) {
    while (merge.advance()) {
      seen.push([merge.reader, merge.batch.firstFrame + merge.index, merge.batch.time[merge.index] ?? Number.NaN]);
    }
  }
  expect(merge.advance()).toBe(false);
  return seen;
}

describe("merging", () => {
  it("puts packets of several inputs in the order of time", async () => {
    const seen = await merged([reader([1, 4, 5, 9]), reader([2, 3, 10, 11, 12]), reader([0, 6])]);
    expect(seen.map(([, , time]) => time)).toEqual([0, 1, 2, 3, 4, 5, 6, 9, 10, 11, 12]);
  });

  it("gives the first input's packets first at equal times", async () => {
    const seen = await merged([reader([1, 1, 2, 2], [1]), reader([1, 2], [1]), reader([1, 1, 1], [2])]);
    expect(seen.map(([input]) => input)).toEqual([0, 0, 1, 2, 2, 2, 0, 0, 1]);
  });

  it("leaves packets without a time behind the one before them", async () => {
    const none = Number.NaN;
    const seen = await merged([reader([none, 5, none, none, 8]), reader([1, 6, none, 7])]);
    expect(seen.map(([input, frame]) => `${input}/${frame}`)).toEqual([
      "0/1",
      "1/1",
      "0/2",
      "0/3",
      "0/4",
      "1/2",
      "1/3",
      "1/4",
      "0/5",
    ]);
  });

  it("has nothing to say of no inputs, and of empty ones", async () => {
    expect(await merged([])).toEqual([]);
    expect(await merged([reader([]), reader([])])).toEqual([]);
    expect(await merged([reader([]), reader([7])])).toEqual([[1, 1, 7]]);
  });

  it("keeps each input's own order and every packet, and sorts sorted inputs", async () => {
    const times = fc.array(fc.oneof(fc.integer({ min: 0, max: 30 }), fc.constant(Number.NaN)), { maxLength: 40 });
    const sizes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(times, sizes, fc.boolean()), { maxLength: 5 }), async (inputs) => {
        const sorted = inputs.every(([list, , sort]) => sort && !list.some(Number.isNaN));
        const lists = inputs.map(([list, , sort]) =>
          sort ? list.filter((t) => !Number.isNaN(t)).sort((a, b) => a - b) : list,
        );
        const seen = await merged(lists.map((list, i) => reader(list, inputs[i]?.[1])));
        lists.forEach((list, i) => {
          const own = seen.filter(([input]) => input === i);
          expect(own.map(([, frame]) => frame)).toEqual(list.map((_, k) => k + 1));
          expect(own.map(([, , time]) => time)).toEqual(list);
        });
        expect(seen).toHaveLength(lists.reduce((sum, list) => sum + list.length, 0));
        if (sorted) {
          const all = lists.flatMap((list, i) => list.map((time, k) => [i, k + 1, time] as const));
          expect(seen).toEqual(all.sort((a, b) => a[2] - b[2] || a[0] - b[0] || a[1] - b[1]));
        }
      }),
      { numRuns: 300 },
    );
  });
});
