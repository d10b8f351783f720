import { describe, expect, it } from "vitest";
import { PacketBatch } from "../../src/capture/packet-batch.ts";
import { TimeOrder } from "../../src/capture/time-order.ts";

/** The order of packets with these times, ms. */
function orderOf(...times: number[]): number[] | null {
  const batch = new PacketBatch();
  batch.count = times.length;
  batch.time.set(times.map((ms) => ms * 1e6));
  const order = new TimeOrder().of(batch);
  return order === null ? null : [...order.subarray(0, batch.count)];
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
