import { describe, expect, it } from "vitest";
import { PacketBatch } from "../../src/capture/packet-batch.ts";
import { TimeOrder } from "../../src/capture/time-order.ts";

/** The order of packets with these times, ms, as places in the file; null where it is the file's. */
function orderOf(...times: number[]): number[] | null {
  const batch = new PacketBatch();
  batch.count = times.length;
  batch.firstFrame = 100;
  times.forEach((ms, i) => {
    batch.time[i] = ms * 1e6;
    batch.offset[i] = i;
    batch.captured[i] = i + 1;
    batch.wire[i] = i + 2;
    batch.interface[i] = i + 3;
  });
  new TimeOrder().sort(batch);
  const order = times.map((_, i) => batch.offset[i] ?? -1);
  // columns stay together
  order.forEach((place, i) => {
    expect([batch.frame(i) - 100, batch.captured[i], batch.wire[i], batch.interface[i]]).toEqual([
      place,
      place + 1,
      place + 2,
      place + 3,
    ]);
    expect(batch.time[i]).toEqual((times[place] ?? 0) * 1e6);
  });
  return batch.place === null ? null : order;
}

describe("the order of packets", () => {
  it("is the file's where its times agree", () => {
    expect(orderOf(0, 1, 1, 2)).toBeNull();
    expect(orderOf()).toBeNull();
  });

  it("is that of their times where queues wrote them late", () => {
    expect(orderOf(0, 2, 1, 1, 4, 3)).toEqual([0, 2, 3, 1, 5, 4]);
  });

  it("is the file's where its times run back by more than queues do", () => {
    expect(orderOf(0, 100, 49, 101)).toBeNull();
  });

  it("leaves what has no time behind the packet before it", () => {
    expect(orderOf(0, 3, Number.NaN, 2)).toEqual([0, 1, 2, 3]);
  });
});
