import { describe, expect, it } from "vitest";
import { type ChosenFlow, evidentFields } from "../../src/balance/hash-fields.ts";

/** Stands for a hash: the same number for the same parts. */
function hash(...parts: number[]): number {
  let state = 2166136261;
  for (const part of parts) state = Math.imul(state ^ part, 16777619) ^ (state >>> 13);
  return (state ^ (state >>> 15)) >>> 0;
}

/** 120 flows of 12 sources to one or two destinations, from ports of their own or from three that come back. */
function flows(
  member: (flow: Omit<ChosenFlow, "member">) => number,
  { targets = 1, ports = 1000 }: { targets?: number; ports?: number } = {},
): ChosenFlow[] {
  return Array.from({ length: 120 }, (_, i) => {
    const source = i % 12;
    const flow = { source, target: 500 + (hash(i) % targets), endpoint: source * 10_000 + (hash(i, 3) % ports) };
    return { ...flow, member: `m${member(flow) % 3}` };
  });
}

describe("the fields that decide the member", () => {
  it("are the source where it does, whatever it calls", () => {
    expect(evidentFields(flows(({ source }) => hash(source), { targets: 2 })).name).toBe("source");
  });

  it("may be the source alone or with the destination where there is one destination", () => {
    expect(evidentFields(flows(({ source }) => hash(source))).name).toBe("source or 3-tuple");
  });

  it("are three where the destination makes a difference", () => {
    expect(evidentFields(flows(({ source, target }) => hash(source, target), { targets: 2 })).name).toBe("3-tuple");
  });

  it("are five where ports do, surely where they come back", () => {
    const byPort = ({ endpoint, target }: Omit<ChosenFlow, "member">) => hash(endpoint, target);
    const once = evidentFields(flows(byPort));
    const returning = evidentFields(flows(byPort, { ports: 3 }));
    expect([once.name, returning.name]).toEqual(["5-tuple", "5-tuple"]);
    expect(once.confidence).toBeLessThan(0.8);
    expect(returning.confidence).toBeGreaterThan(0.9);
  });

  it("are unknown where a tuple comes back to another member", () => {
    let turn = 0;
    expect(evidentFields(flows(() => hash(turn++), { ports: 3 })).name).toBe("unknown");
  });

  it("are unknown of one member, and of a handful of flows", () => {
    expect(evidentFields(flows(() => 0)).name).toBe("unknown");
    expect(evidentFields(flows(({ source }) => hash(source)).slice(0, 10)).name).toBe("unknown");
    expect(evidentFields([])).toEqual({ name: "unknown", confidence: 0 });
  });
});
