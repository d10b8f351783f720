import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ADDRESS, CONTEXT, HASH, LEG_REUSED, POINT, PORTS, PROTOCOL, STATE } from "../../src/flow/leg-layout.ts";
import { conversationHash, LegTable } from "../../src/flow/leg-table.ts";

interface Key {
  source: readonly number[];
  target: readonly number[];
  ports: number;
  point: number;
  context: number;
  protocol: number;
}

/** Few enough addresses and ports that keys, and parts of keys, come again. */
const address = fc.constantFrom([0, 0, 0xffff, 1], [0, 0, 0xffff, -2], [0x20010db8, 0, 0, 1], [0x20010db8, 1, 0, 1]);
const port = fc.constantFrom(0, 80, 443, 40_000, 65_535);
const key: fc.Arbitrary<Key> = fc.record({
  source: address,
  target: address,
  ports: fc.tuple(port, port).map(([from, to]) => (from << 16) | to),
  point: fc.integer({ min: 0, max: 2 }),
  context: fc.integer({ min: 0, max: 2 }),
  protocol: fc.constantFrom(6, 17),
});
const operation = fc.record({
  kind: fc.constantFrom("track", "track", "track", "reuse", "remove"),
  key,
  swap: fc.boolean(),
});

/** Which leg a key stands for, the same in both directions. */
function name({ source, target, ports, point, context, protocol }: Key): string {
  const ends = [`${source} ${ports >>> 16}`, `${target} ${ports & 0xffff}`].sort();
  return [...ends, point, context, protocol].join("|");
}

function swapped(one: Key): Key {
  return { ...one, source: one.target, target: one.source, ports: (one.ports << 16) | (one.ports >>> 16) };
}

/** `spread` of 1 puts all legs into one slot, to walk long chains. */
class Subject {
  readonly table = new LegTable();
  private readonly spread: number;

  constructor(spread: number) {
    this.spread = spread;
  }

  find({ source: s, target: d, ports, point, context, protocol }: Key): number {
    const [s0 = 0, s1 = 0, s2 = 0, s3 = 0] = s;
    const [d0 = 0, d1 = 0, d2 = 0, d3 = 0] = d;
    const hash = this.hash({ source: s, target: d, ports, point, context, protocol });
    return this.table.find(hash, point, context, protocol, ports, s0, s1, s2, s3, d0, d1, d2, d3);
  }

  create(one: Key, replaces: number): number {
    const leg = this.table.create();
    const words = this.table.words(leg);
    const at = this.table.base(leg);
    words.set(one.source, at + ADDRESS);
    words.set(one.target, at + ADDRESS + 4);
    words[at + PORTS] = one.ports;
    words[at + POINT] = one.point;
    words[at + CONTEXT] = one.context;
    words[at + PROTOCOL] = one.protocol;
    words[at + HASH] = this.hash(one);
    this.table.link(leg, replaces);
    return leg;
  }

  isReused(leg: number): boolean {
    return ((this.table.words(leg)[this.table.base(leg) + STATE] ?? 0) & LEG_REUSED) !== 0;
  }

  private hash({ source, target, ports, point, context }: Key): number {
    const [s0 = 0, s1 = 0, s2 = 0, s3 = 0] = source;
    const [d0 = 0, d1 = 0, d2 = 0, d3 = 0] = target;
    return conversationHash(s0, s1, s2, s3, d0, d1, d2, d3, ports, point * 7 + context) % this.spread;
  }
}

describe("the leg table", () => {
  it("finds, replaces and removes as a Map does, whatever the order", () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 400 }), fc.constantFrom(1, 3, 2 ** 31), (operations, spread) => {
        const subject = new Subject(spread);
        const newest = new Map<string, number>();
        const living = new Set<number>();
        for (const { kind, key: one, swap } of operations) {
          const id = name(one);
          const known = newest.get(id);
          expect(subject.find(swap ? swapped(one) : one)).toBe(known ?? -1);
          if (kind === "remove") {
            // whichever is oldest, be it superseded or not
            const [leg] = living;
            if (leg === undefined) continue;
            subject.table.remove(leg);
            living.delete(leg);
            for (const [its, current] of newest) if (current === leg) newest.delete(its);
          } else if (known === undefined || kind === "reuse") {
            const leg = subject.create(one, known ?? -1);
            expect(living.has(leg)).toBe(false);
            living.add(leg);
            newest.set(id, leg);
            if (known !== undefined) expect(subject.isReused(known)).toBe(true);
          }
          expect(subject.table.live).toBe(living.size);
        }
        for (let leg = 0; leg < subject.table.count; leg++) expect(subject.table.has(leg)).toBe(living.has(leg));
        expect([-1, subject.table.count].some((leg) => subject.table.has(leg))).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  it("keeps every leg through growth, and numbers no more records than it ever held at once", () => {
    const subject = new Subject(2 ** 31);
    const keyOf = (i: number): Key => ({
      source: [0, 0, 0xffff, i],
      target: [0, 0, 0xffff, 1],
      ports: 443,
      point: 0,
      context: 0,
      protocol: 6,
    });
    const legs = Array.from({ length: 60_000 }, (_, i) => subject.create(keyOf(i), -1));
    expect(legs.every((leg, i) => subject.find(keyOf(i)) === leg && subject.find(swapped(keyOf(i))) === leg)).toBe(
      true,
    );
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 60_000; i += 2) subject.table.remove(subject.find(keyOf(i)));
      expect(subject.find(keyOf(0))).toBe(-1);
      expect(legs.every((leg, i) => i % 2 === 0 || subject.find(keyOf(i)) === leg)).toBe(true);
      for (let i = 0; i < 60_000; i += 2) subject.create(keyOf(i), -1);
    }
    expect([subject.table.count, subject.table.live]).toEqual([60_000, 60_000]);
  });

  it("hashes both directions alike and spreads ports, addresses and points", () => {
    const hashes = new Set<number>();
    for (let i = 0; i < 20_000; i++) {
      const [low, high] = [i & 0xff, i >>> 8];
      const there = conversationHash(0, 0, 0xffff, 0x0a010000 | low, 0, 0, 0xffff, 1, ((high + 1024) << 16) | 443, 0);
      const back = conversationHash(0, 0, 0xffff, 1, 0, 0, 0xffff, 0x0a010000 | low, (443 << 16) | (high + 1024), 0);
      expect(back).toBe(there);
      hashes.add(there & 0xffff);
    }
    // 20,000 into 65,536 slots at random fill 17,245 of them
    expect(hashes.size).toBeGreaterThan(16_800);
  });
});
