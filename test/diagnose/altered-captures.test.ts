import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ALTERATIONS, type Alteration, randomOf } from "../support/altered/alterations.ts";
import { isKnown } from "../support/altered/known-violations.ts";
import { type Run, readRun } from "../support/altered/run.ts";
import { together } from "../support/altered/two-runs.ts";
import { said, type Violation } from "../support/altered/violations.ts";
import { projectDir, requires, sharedDir } from "../support/requirement.ts";
import { seeded } from "../support/seeded.ts";

/**
 * Captures of the lab's scenarios, seen with other eyes (test/support/altered): what happened stays true, so nothing else
 * may be said. `L4SCOPE_ALTERATIONS=all` looks at every scenario in every way (some minutes), a number at so many of
 * them, drawn anew for `L4SCOPE_SEED`.
 */
const HOW_MANY = process.env.L4SCOPE_ALTERATIONS ?? "200";
const SEED = Number(process.env.L4SCOPE_SEED ?? "1");
const TIMEOUT_MS = 1_800_000;

/** Alterations that once led to something wrong, each by a cause of its own. */
const ONCE_WRONG: readonly (readonly [scenario: string, alteration: string])[] = [
  // a VLAN tag was held for a tunnel
  ["ipvs-vrrp-sync", "VLAN tags everywhere"],
  ["ecmp-skew", "VLAN tags everywhere"],
  // a reset captured twice was a reset and a forged one
  ["idle-timeout-reset", "every packet twice"],
  ["dnat-rr", "every packet twice at one point"],
  // packets of several queues were tracked in the order of the file
  ["idle-timeout-keepalive", "written out of order"],
  ["l2-dsr", "written out of order"],
  // one capture missed a reset that the others saw
  ["dnat-backend-aborting", "loses 5 %"],
  ["dnat-client-aborting", "loses 5 %"],
  ["dnat-late-data", "loses 5 %"],
  // the flow had moved to a balancer that was not captured
  ["ecmp-rehash-add", "points: all but one"],
  ["ecmp-rehash-add", "clocks wrong by 3 s"],
  // resets by a box before the balancer, with no point at the balancer
  ["injected-reset", "points: both ends, no balancer"],
  ["injected-reset", "points: the clients' side alone"],
  // a refused connection was read backwards
  ["dnat-backend-refusing", "clocks drift by 50 ppm"],
  // two points on one way, from mid-stream, were two members
  ["ecmp-rehash-silent", "a short piece"],
  ["failover-garp", "SLL at one point"],
  // what a balancer checks was a client that aborts
  ["dnat-health-checks", "points: the servers alone"],
  // lost handshakes were a full queue
  ["ipvs-netem-loss", "points: the balancers alone"],
  // sizes of connections that lack packets
  ["scheduler-haproxy-static-rr", "loses 5 %"],
  // the order of files was taken for the order of points
  ["gue-dsr", "points in another order"],
  ["ipip-rehash", "points in another order"],
  // a moment's outage was a lossy link
  ["vrrp-failover", "begins late"],
];

const root = join(projectDir, "fixtures/scenarios");
const scenarios = readdirSync(root).filter((name) => existsSync(join(root, name, "expect.json")));

/** What is wrong with an altered run, or null where it cannot be altered so. */
async function wrongOf(run: Run, joined: number, alteration: Alteration): Promise<Violation[] | null> {
  const altered = alteration.apply(run, randomOf(run.truth.scenario, alteration.name, SEED));
  if (altered === null) return null;
  const answer = (await said(altered)).said;
  const wrong = answer.violations.filter(({ kind }) => kind !== "lost finding" || alteration.keeps === "finding");
  if (alteration.keeps === "finding" && answer.joined < joined * KEPT_JOINS) {
    wrong.push({ kind: "lost backends", what: "joined", detail: `${answer.joined} of ${joined}` });
  }
  return wrong.filter((violation) => !isKnown(run.truth.scenario, alteration.name, violation));
}

/** Pairs of scenarios put together in each run. */
const PAIRS = 8;
/** Share of the backends found before that an alteration that takes nothing away must leave. */
const KEPT_JOINS = 0.9;

async function hold(folder: string, names: readonly string[]): Promise<void> {
  const run = await readRun(folder);
  const whole = (await said(run)).said;
  const usual = new Set(whole.violations.map(({ kind, what }) => `${kind} ${what}`));
  const wrong: Record<string, string[]> = {};
  for (const alteration of ALTERATIONS.filter(({ name }) => names.includes(name))) {
    const found = (await wrongOf(run, whole.joined, alteration)) ?? [];
    const own = found.filter(({ kind, what }) => !usual.has(`${kind} ${what}`));
    if (own.length > 0) wrong[alteration.name] = own.map(({ kind, what, detail }) => `${kind}: ${what}: ${detail}`);
  }
  expect(wrong).toEqual({});
}

/** A sample of scenarios, each with the alterations drawn for it. */
function sampleOf(count: number): Map<string, string[]> {
  const random = seeded(SEED);
  const sample = new Map<string, string[]>();
  for (let i = 0; i < count; i++) {
    const scenario = scenarios[Math.floor(random() * scenarios.length)] ?? "";
    const { name } = ALTERATIONS[Math.floor(random() * ALTERATIONS.length)] ?? { name: "" };
    sample.set(scenario, [...(sample.get(scenario) ?? []), name]);
  }
  return sample;
}

const everything = ALTERATIONS.map(({ name }) => name);
const chosen =
  HOW_MANY === "all" ? new Map(scenarios.map((scenario) => [scenario, everything])) : sampleOf(Number(HOW_MANY));

describe("captures seen with other eyes", () => {
  it.each(ONCE_WRONG)("%s: %s", { timeout: TIMEOUT_MS }, async (scenario, alteration) => {
    expect(everything).toContain(alteration);
    await hold(join(root, scenario), [alteration]);
  });

  it.each([...chosen])("%s: %s", { timeout: TIMEOUT_MS }, async (scenario, names) => {
    await hold(join(root, scenario), names);
  });
});

describe("two networks in the same captures", () => {
  const random = seeded(SEED + 1);
  const pairs = Array.from({ length: HOW_MANY === "all" ? 200 : PAIRS }, () => [
    scenarios[Math.floor(random() * scenarios.length)] ?? "",
    scenarios[Math.floor(random() * scenarios.length)] ?? "",
    random() < 0.5 ? 0 : 20,
  ]) as [string, string, number][];

  it.each(pairs)("are told apart: %s, and %s %i s later", { timeout: TIMEOUT_MS }, async (one, other, afterSeconds) => {
    const runs = [await readRun(join(root, one)), await readRun(join(root, other))] as const;
    const merged = together(...runs, afterSeconds * 1e9, seeded(SEED));
    if (merged === null) return;
    const usual = new Set<string>();
    for (const run of runs)
      for (const { kind, what } of (await said(run)).said.violations) usual.add(`${kind} ${what}`);
    const { violations } = (await said(merged)).said;
    // what asks for the whole of the time may be silent where others talk longer
    const wrong = violations.filter(({ kind, what }) => kind !== "lost finding" && !usual.has(`${kind} ${what}`));
    expect(wrong).toEqual([]);
  });
});

const labelled = requires({ path: "../shared/labelled" });

describe.skipIf(labelled.missing !== null || HOW_MANY !== "all")("labelled captures seen with other eyes", () => {
  const folder = join(sharedDir() ?? "", "labelled");
  const names = labelled.missing === null ? readdirSync(folder).filter((name) => !name.includes(".")) : [];
  it.each(names)("%s", { timeout: TIMEOUT_MS }, async (name) => {
    await hold(join(folder, name), everything);
  });
});
