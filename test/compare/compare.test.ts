import { describe, expect, test } from "vitest";
import { compareSides } from "../../src/compare/compare.ts";
import type { Comparison, Measure } from "../../src/compare/comparison.ts";
import type { SideFinding } from "../../src/compare/side.ts";
import { diffOf } from "../../src/report/compare/diff.ts";
import { verdictOf } from "../../src/report/compare/verdict.ts";
import { sideOf, times, VIP } from "./sides.ts";

const changed = ({ changes }: Comparison) => changes.map(({ measure }) => measure);
const testOf = ({ vips }: Comparison, measure: Measure) =>
  vips.flatMap(({ differences }) => differences).find((one) => one.measure === measure);

describe("failures", () => {
  const lb3 = { tier: "r:eth1", member: "lb3" };
  const before = sideOf(times(300, () => ({})));

  test("resets by the balancer that was added, with where they come from", () => {
    const reset = { outcome: "reset", reset: { by: "lb", cause: "no-state", node: "lb3" } } as const;
    const after = sideOf(
      times(300, (i) => ({
        ...(i % 3 === 0 ? { members: [lb3] } : {}),
        ...(i % 21 === 0 ? reset : {}),
      })),
    );
    const comparison = compareSides(before, after);
    expect(changed(comparison)).toEqual(["reset", "member-presence", "reset-cause"]);
    expect(comparison.changes[0]).toMatchObject({
      before: { events: 0, trials: 300 },
      after: { events: 15, trials: 300 },
      difference: 0.05,
      source: { kind: "node", name: "lb3", events: 15, of: 15 },
    });
    expect(verdictOf(diffOf(before, after)).sentence).toBe(
      "after: 5.0 points more resets of 192.0.2.10:443, all sent by lb3, (0 of 300 before, 15 of 300 after); lb3 is new: 33.3% of new connections of 192.0.2.10:443 (0 of 300 before, 100 of 300 after)",
    );
  });

  test("those of one client among many are no change of the service", () => {
    const after = sideOf(times(300, (i) => (i % 40 === 7 ? { outcome: "timeout" } : {})));
    const comparison = compareSides(before, after);
    expect(testOf(comparison, "timeout")).toMatchObject({ after: { events: 8 }, status: "same" });
    // the same number spread over clients is
    const spread = sideOf(times(300, (i) => (i % 37 < 2 ? { outcome: "timeout" } : {})));
    expect(changed(compareSides(before, spread))).toEqual(["timeout"]);
  });

  test("of connections that were watched for longer are explained by that", () => {
    // one in seven is reset at the age of ten seconds; before, none was watched for longer than five
    const short = sideOf(times(300, () => ({ outcome: "open", watchedSeconds: 5 })));
    const reset = { outcome: "reset", reset: { by: "lb", cause: "idle-timeout", node: null } } as const;
    const long = sideOf(times(300, (i) => ({ watchedSeconds: 10, ...(i % 7 === 0 ? reset : { outcome: "open" }) })));
    const comparison = compareSides(short, long);
    expect(testOf(comparison, "reset")).toMatchObject({ status: "explained", explanation: "watched-longer" });
    expect(comparison.changes).toEqual([]);
    // at an age that both sides saw, it is a change
    const early = sideOf(
      times(300, (i) => (i % 7 === 0 ? { ...reset, watchedSeconds: 2 } : { outcome: "open", watchedSeconds: 10 })),
    );
    expect(changed(compareSides(short, early))).toContain("reset");
  });
});

describe("shares", () => {
  const among = (backends: number, weights: (i: number) => number) =>
    sideOf(times(400, (i) => ({ backend: `10.3.0.${11 + (weights(i) % backends)}:8443` })));

  test("of three backends, one of which gets half", () => {
    const comparison = compareSides(
      among(3, (i) => i),
      among(3, (i) => (i % 2 === 0 ? 0 : i)),
    );
    expect(changed(comparison)).toEqual(["backend-shares"]);
    const [one] = comparison.changes;
    expect(one?.kind === "shares" && one.rows[0]).toMatchObject({ name: "10.3.0.11:8443", before: 134, after: 267 });
  });

  test("a backend that came and one that went", () => {
    const comparison = compareSides(
      among(3, (i) => i % 2),
      among(3, (i) => 1 + (i % 2)),
    );
    expect(changed(comparison)).toEqual(["backend-presence", "backend-presence"]);
    expect(new Set(comparison.changes.map(({ subject }) => subject.backend))).toEqual(
      new Set(["10.3.0.11:8443", "10.3.0.13:8443"]),
    );
  });

  test("a backend with so few connections that the other side may have missed it is not new", () => {
    const comparison = compareSides(
      among(2, (i) => i),
      among(3, (i) => (i === 5 || i === 9 ? 2 : i % 2)),
    );
    expect(comparison.changes).toEqual([]);
    expect(testOf(comparison, "backend-presence")).toMatchObject({ after: { events: 2 }, status: "same" });
  });

  test("hashing by source: other clients met other backends, and chance explains that", () => {
    // six clients a side, each all to one backend: 400 connections say no more than six
    const bySource = (first: number, of: readonly number[], clients = 6) =>
      sideOf(
        times(400, (i) => ({
          client: `10.${first}.0.${i % clients}`,
          backend: `10.3.0.${11 + (of[i % clients] ?? 0)}:8443`,
        })),
      );
    expect(compareSides(bySource(1, [0, 0, 1, 1, 2, 2]), bySource(2, [0, 0, 0, 1, 1, 2])).changes).toEqual([]);
    // a single client a side, too
    expect(compareSides(bySource(1, [0], 1), bySource(2, [1], 1)).changes).toEqual([]);
  });

  test("cannot be compared where only one side shows the backends", () => {
    const blind = sideOf(times(400, () => ({ backend: null })));
    const comparison = compareSides(
      blind,
      among(3, (i) => i),
    );
    expect(comparison.changes).toEqual([]);
    expect(comparison.incomparable).toContainEqual({
      measure: "backend-shares",
      subject: { vip: VIP, protocol: "tcp" },
      why: "the backend is seen only after",
    });
  });

  test("a member known by its MAC on one side and by its node on the other is one", () => {
    const mac = "02:69:1d:03:da:0b";
    const by = (first: string) =>
      times(400, (i) => ({ members: [{ tier: "r:eth1", member: i % 2 === 0 ? first : "lb2" }] }));
    const named = sideOf(by("lb1"), { nodesByMac: new Map([[mac, "lb1"]]) });
    expect(compareSides(named, sideOf(by(mac))).changes).toEqual([]);
    expect(compareSides(sideOf(by("lb9")), sideOf(by(mac))).changes).toHaveLength(2);
  });
});

describe("durations", () => {
  const slow = (factor: number, point = "r:eth1", rate = 10) =>
    sideOf(
      times(rate * 10, (i) => ({ handshake: { seconds: factor * (0.01 + ((i * 7919) % 100) / 1e4), point } })),
      { points: [point] },
    );

  test("that are twice as long", () => {
    const [one] = compareSides(slow(1), slow(2)).changes;
    expect(one).toMatchObject({ measure: "handshake", quantile: "p50", superiority: 1 });
    expect(one?.difference).toBeCloseTo(0.0149, 3);
  });

  test("a tenth of a millisecond is nothing that anybody minds", () => {
    expect(testOf(compareSides(slow(0.01), slow(0.02)), "handshake")).toMatchObject({ status: "slight" });
  });

  test("under three times the load say nothing of a change", () => {
    const comparison = compareSides(slow(1), slow(2, "r:eth1", 30));
    expect(testOf(comparison, "handshake")).toMatchObject({ status: "explained", explanation: "load" });
    // slower with less of it they do
    expect(changed(compareSides(slow(1, "r:eth1", 30), slow(2)))).toEqual(["handshake"]);
  });

  test("measured at another point are other durations", () => {
    const elsewhere = slow(2, "lb1:eth0");
    const both = { ...elsewhere, points: ["r:eth1", "lb1:eth0"] };
    const comparison = compareSides(slow(1), both);
    expect(comparison.changes).toEqual([]);
    expect(comparison.incomparable).toContainEqual(
      expect.objectContaining({ measure: "handshake", why: "measured at r:eth1 before, at lb1:eth0 after" }),
    );
  });

  test("of one place under the names of two files are compared, and that is said", () => {
    const of = (point: string, factor: number) => {
      const side = slow(factor, point);
      return { ...side, connections: side.connections.map((one) => ({ ...one, seenAt: point })) };
    };
    const comparison = compareSides(of("before", 1), of("after", 2));
    expect(changed(comparison)).toEqual(["handshake"]);
    expect(comparison.caveats).toEqual(["before and after are taken for one place"]);
    // but two interfaces of one node are two places
    const two = compareSides(of("lb1:eth0", 1), of("lb1:eth1", 2));
    expect(two.changes).toEqual([]);
    expect(two.incomparable[0]).toMatchObject({
      measure: "all",
      why: "its clients were seen at lb1:eth0 before and at lb1:eth1 after",
    });
  });
});

describe("findings", () => {
  const finding = (id: string, connections: number, severity: SideFinding["severity"] = "critical"): SideFinding => ({
    id,
    severity,
    title: id,
    where: { vip: VIP },
    connections,
  });
  const with_ = (count: number, ...findings: SideFinding[]) =>
    sideOf(
      times(count, () => ({})),
      { findings },
    );

  test("that appeared and are gone", () => {
    const { findings } = compareSides(with_(200, finding("lb.failover", 30)), with_(200, finding("ecmp.rehash", 40)));
    expect(findings.appeared).toMatchObject([{ finding: { id: "ecmp.rehash" }, isSure: true }]);
    expect(findings.gone).toMatchObject([{ finding: { id: "lb.failover" }, isSure: true }]);
  });

  test("that the other side had too few connections for are not sure", () => {
    const few = compareSides(with_(5), with_(200, finding("ecmp.rehash", 40)));
    expect(few.findings.appeared).toMatchObject([{ isSure: false }]);
    expect(verdictOf(diffOf(with_(5), with_(200, finding("ecmp.rehash", 40)))).result).toBe("unchanged");
  });

  test("about a statistic that did not change itself are not sure either", () => {
    const { findings } = compareSides(with_(200), with_(200, finding("balance.backend-skew", 200, "warning")));
    expect(findings.appeared).toMatchObject([{ isSure: false }]);
  });

  test("about the capture, or good to know, are none", () => {
    const side = with_(200, finding("capture.loss", 0, "warning"), finding("note.dsr", 0, "info"));
    expect(compareSides(with_(200), side).findings).toEqual({ appeared: [], gone: [], both: [] });
  });
});

describe("the verdict", () => {
  test("says how much silence is worth", () => {
    const side = sideOf(times(1000, () => ({ handshake: { seconds: 0.01, point: "r:eth1" } })));
    expect(verdictOf(diffOf(side, side))).toEqual({
      result: "unchanged",
      sentence:
        "nothing changed that chance does not explain: 1,000 connections before, 1,000 after; failures of 0.8% and more would have shown",
    });
    const few = sideOf(times(3, () => ({})));
    expect(verdictOf(diffOf(few, few)).sentence).toMatch(/too few for any change to show$/);
  });

  test("says why nothing can be compared", () => {
    const side = sideOf(times(30, () => ({})));
    expect(verdictOf(diffOf(side, sideOf([])))).toEqual({
      result: "unknown",
      sentence: "nothing can be compared: no connection after",
    });
    const other = sideOf(
      times(30, () => ({ vip: "192.0.2.99:80" })),
      {
        vips: [{ vip: "192.0.2.99:80", protocol: "tcp", mode: null }],
      },
    );
    expect(verdictOf(diffOf(side, other)).sentence).toBe("nothing can be compared: no VIP was called on both sides");
  });
});
