import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PacketRing } from "../../src/live/packet-ring.ts";

const add = (ring: PacketRing, n: number, length: number) => {
  const bytes = Uint8Array.from({ length }, (_, i) => (n + i) & 255);
  ring.add(0, 0, 1, n, n * 1000, length + 5, n % 7, bytes, 0, length);
};

describe("the ring of recent packets", () => {
  it("keeps the newest packets whole and in order, as many as fit", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 300 }),
        fc.integer({ min: 1024, max: 8192 }),
        (lengths, bytes) => {
          const ring = new PacketRing(bytes);
          for (const [n, length] of lengths.entries()) add(ring, n, length);
          const kept = [...ring.select(() => true)];
          expect(kept.map(({ frame }) => frame)).toEqual(
            Array.from({ length: kept.length }, (_, i) => lengths.length - kept.length + i),
          );
          if (lengths.length > 0) expect(kept.length).toBeGreaterThan(0);
          let sum = 0;
          for (const { frame, bytes: own, wireLength, time } of kept) {
            const length = lengths[frame]!;
            expect([own.length, wireLength, time]).toEqual([Math.min(256, length), length + 5, frame * 1000]);
            own.forEach((byte, i) => {
              if (byte !== ((frame + i) & 255)) throw new Error(`frame ${frame} was overwritten`);
            });
            sum += own.length;
          }
          expect(sum).toBeLessThanOrEqual(bytes);
        },
      ),
    );
  });

  it("finds those of some legs", () => {
    const ring = new PacketRing(4096);
    for (let n = 0; n < 20; n++) add(ring, n, 60);
    expect([...ring.select((_, leg) => leg === 3)].map(({ frame }) => frame)).toEqual([3, 10, 17]);
  });
});
