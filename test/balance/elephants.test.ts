import { describe, expect, it } from "vitest";
import { elephantsAmong, type Load } from "../../src/balance/elephants.ts";

const mice = (bytes = 1000): Load<string>[] =>
  Array.from({ length: 90 }, (_, i) => ({ flow: `mouse ${i}`, member: `m${i % 3}`, bytes }));

describe("elephants", () => {
  it("are the few flows that make a member carry most", () => {
    const found = elephantsAmong(
      [...mice(), { flow: "backup", member: "m1", bytes: 5e6 }, { flow: "copy", member: "m1", bytes: 3e6 }],
      3,
      2,
    );
    expect(found).toMatchObject({ member: "m1", flows: ["backup", "copy"], bytes: 8e6 });
    expect(found?.share).toBeGreaterThan(0.9);
  });

  it("are none where bytes are even, or uneven by many flows", () => {
    expect(elephantsAmong(mice(), 3, 2)).toBeNull();
    const heavy = mice().map((load) => (load.member === "m0" ? { ...load, bytes: 50_000 } : load));
    expect(elephantsAmong(heavy, 3, 2)).toBeNull();
  });

  it("are none where each member has its own", () => {
    const each = ["m0", "m1", "m2"].map((member) => ({ flow: `backup of ${member}`, member, bytes: 5e6 }));
    expect(elephantsAmong([...mice(), ...each], 3, 2)).toBeNull();
  });
});
