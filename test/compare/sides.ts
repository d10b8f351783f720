import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { TimeBase } from "../../src/capture/time-base.ts";
import type { ConnectionSample, Side } from "../../src/compare/side.ts";
import { analyzeCaptures } from "../../src/offline/analyze-captures.ts";
import { type Analysis, analysisOf } from "../../src/report/analysis.ts";
import { projectDir } from "../support/requirement.ts";

export const VIP = "192.0.2.10:443";

/** A connection that went well, but for what is said. */
export function sample(changes: Partial<ConnectionSample> = {}): ConnectionSample {
  return {
    client: "10.1.0.1",
    vip: VIP,
    protocol: "tcp",
    backend: "10.3.0.11:8443",
    members: [{ tier: "r:eth1", member: "lb1" }],
    seenAt: "r:eth1",
    isNew: true,
    openedAt: 0,
    entryAge: 0,
    watchedSeconds: 1,
    outcome: "ok",
    reset: null,
    traffic: { packets: 12, retransmits: 0 },
    hasMoved: false,
    handshake: null,
    connect: null,
    firstByte: null,
    ...changes,
  };
}

/** A side with these connections, captured at `r:eth1`. */
export function sideOf(connections: readonly ConnectionSample[], changes: Partial<Side> = {}): Side {
  return {
    name: "side",
    start: "1795171098.000000000",
    end: "1795171108.000000000",
    durationSeconds: 10,
    points: ["r:eth1"],
    nodesByMac: new Map(),
    vips: [{ vip: VIP, protocol: "tcp", mode: "dnat" }],
    connections,
    findings: [],
    problems: [],
    ...changes,
  };
}

/** So many connections, each made of its number. */
export function times(count: number, make: (index: number) => Partial<ConnectionSample>): ConnectionSample[] {
  return Array.from({ length: count }, (_, index) =>
    sample({ client: `10.1.${index % 40}.1`, openedAt: (index / count) * 10, ...make(index) }),
  );
}

/** Numbers from 0 to 1 that look random and are the same in every run (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const OUTCOMES = ["ok", "ok", "ok", "refused", "reset", "timeout", "open"] as const;

/** Sides of any shape. */
export const anySide: fc.Arbitrary<Side> = fc
  .array(
    fc.record({
      client: fc.integer({ min: 1, max: 12 }),
      backend: fc.option(fc.integer({ min: 11, max: 14 })),
      member: fc.integer({ min: 1, max: 3 }),
      isNew: fc.boolean(),
      watchedSeconds: fc.double({ min: 0, max: 10, noNaN: true }),
      outcome: fc.constantFrom(...OUTCOMES),
      by: fc.constantFrom("lb", "backend"),
      packets: fc.integer({ min: 1, max: 40 }),
      retransmits: fc.integer({ min: 0, max: 3 }),
      hasMoved: fc.boolean(),
      seconds: fc.option(fc.double({ min: 1e-5, max: 2, noNaN: true })),
      other: fc.boolean(),
    }),
    { maxLength: 80 },
  )
  .map((rows) =>
    sideOf(
      rows.map(({ client, backend, member, by, packets, retransmits, seconds, other, ...row }, index) => {
        const timing = seconds === null || !row.isNew ? null : { seconds, point: "r:eth1" };
        const failed = row.outcome === "reset" || row.outcome === "refused";
        return sample({
          ...row,
          client: `10.1.0.${client}`,
          vip: other ? "192.0.2.11:80" : VIP,
          backend: backend === null ? null : `10.3.0.${backend}:8443`,
          members: [{ tier: "r:eth1", member: `lb${member}` }],
          openedAt: index / 10,
          entryAge: row.isNew ? 0 : 3,
          reset: failed ? { by, cause: "no-state", node: null } : null,
          traffic: { packets, retransmits },
          handshake: timing,
          connect: timing,
          firstByte: timing,
        });
      }),
      {
        vips: [
          { vip: VIP, protocol: "tcp", mode: "dnat" },
          { vip: "192.0.2.11:80", protocol: "tcp", mode: "dnat" },
        ],
      },
    ),
  );

/** The captures of a scenario of the lab, or some of them, as analyze sees them. */
export async function analyseScenario(name: string, isWanted = (_file: string) => true): Promise<Analysis> {
  const folder = join(projectDir, "fixtures/scenarios", name);
  const { files } = JSON.parse(readFileSync(join(folder, "expect.json"), "utf8")) as { files: string[] };
  const paths = files.filter(isWanted).map((file) => join(folder, file));
  return analysisOf(await analyzeCaptures(paths, { timeBase: new TimeBase() }));
}
