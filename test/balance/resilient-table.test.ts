import { describe, expect, it } from "vitest";
import { changeMembers, newResilientTable, upkeep } from "../../src/balance/selection/resilient-table.ts";

const members = (...ids: string[]) => ids.map((id) => ({ id, weight: 1 }));
const timers = { idleSeconds: 120, unbalancedSeconds: 0 };
const never = (): number => Number.NEGATIVE_INFINITY;

describe("a resilient group's buckets", () => {
  const two = newResilientTable(members("a", "b"), 8);

  it("lie in one run for each member, the last member's first, as Linux lays them", () => {
    expect([...two.buckets]).toEqual([1, 1, 1, 1, 0, 0, 0, 0]);
  });
  it("move at once where their member leaves, and only those", () => {
    const three = newResilientTable(members("a", "b", "c"), 9);
    const left = changeMembers(three, members("a", "c"), timers, 10, () => 9);
    const idOf = (table: typeof three, bucket: number) => table.members[table.buckets[bucket] ?? -1]?.id;
    for (let bucket = 0; bucket < 9; bucket++) {
      const before = idOf(three, bucket);
      if (before === "b") expect(["a", "c"]).toContain(idOf(left, bucket));
      else expect(idOf(left, bucket)).toBe(before);
    }
    expect(left.unbalancedSince).toBeNull();
  });
  it("wait for a silence where a member comes", () => {
    const busy = (bucket: number): number => (bucket < 4 ? 100 : 0);
    const came = changeMembers(two, members("a", "b", "c"), timers, 110, busy);
    expect(came.buckets).toEqual(two.buckets);
    expect(came.unbalancedSince).toBe(110);
    // the second half's buckets have been silent since 0
    const later = upkeep(came, timers, 120, busy);
    expect([...later.buckets.slice(0, 4)]).toEqual([1, 1, 1, 1]);
    expect([...later.buckets.slice(4)].filter((owner) => owner === 2)).toHaveLength(1);
    expect(later.unbalancedSince).toBe(110);
    const last = upkeep(later, timers, 300, busy);
    expect([0, 1, 2].map((owner) => last.buckets.filter((own) => own === owner).length)).toEqual([3, 2, 3]);
    expect(last.unbalancedSince).toBeNull();
  });
  it("move in spite of packets when the group has been unbalanced for too long", () => {
    const impatient = { idleSeconds: 120, unbalancedSeconds: 60 };
    const came = changeMembers(two, members("a", "b", "c"), impatient, 0, () => 1000);
    expect(upkeep(came, impatient, 60, () => 1000).buckets).toEqual(two.buckets);
    expect(upkeep(came, impatient, 61, () => 1000).buckets).not.toEqual(two.buckets);
  });
  it("move at once where none has seen a packet", () => {
    const came = changeMembers(two, members("a", "b", "c"), timers, 0, never);
    expect(came.unbalancedSince).toBeNull();
  });
  it("need a member", () => {
    expect(() => newResilientTable([{ id: "a", weight: 0 }], 8)).toThrow("needs a member");
  });
});
