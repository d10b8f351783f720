import { describe, expect, it } from "vitest";
import { type TcpConversation, tcpConversation } from "../../fixtures/packets/conversation.ts";
import { pathInjectedReset } from "../../src/diagnose/path-injected-reset.ts";
import { examine, type Seen, times, together } from "./examine.ts";

const vip = "192.0.2.10:443";

/** A NAT balancer, seen at the client, on both of its sides and at the backend. */
function seen(index: number, exchange: (script: TcpConversation) => TcpConversation): Seen {
  const script = exchange(
    tcpConversation({
      client: `10.1.0.1:${40001 + index}`,
      server: vip,
      start: index * 0.1,
      serverTtl: 62,
    }).handshake(),
  );
  const behind = script.viaNat({ server: "10.2.0.11:8443", delay: 200e-6, ttl: -1 });
  return {
    "c1:eth0": script.packets(),
    "lb1:eth0": script.viaMacs({ delay: 100e-6 }).packets(),
    "lb1:eth1": behind.packets(),
    "rs1:eth0": behind.viaMacs({ delay: 100e-6 }).packets(),
  };
}

const healthy = (index: number) => seen(index + 100, (script) => script.send("up", 200).send("down", 900).fin("up"));

describe("path.injected-reset", () => {
  it("is found by the place and the TTL", () => {
    const hit = times(4, (index) =>
      seen(index, (script) =>
        script.send("up", 200).rst("down", "injected", { where: "near", ttl: 200 }).send("down", 900, { where: "far" }),
      ),
    );
    const [finding, ...others] = pathInjectedReset.find(examine(times(2, (i) => (i === 0 ? hit : times(20, healthy)))));
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      id: "path.injected-reset",
      severity: "critical",
      where: { vip, node: "c1" },
      measured: { injectedResets: 4, withTwoClues: 4, towardsClients: 4 },
    });
    expect(finding?.connections).toHaveLength(4);
    expect(finding?.evidence[0]).toMatchObject({ capture: 0 });
  });

  it("is silent on a healthy balancer", () => {
    expect(pathInjectedReset.find(examine(times(20, healthy)))).toEqual([]);
  });

  it("is silent where the backend itself aborts", () => {
    const aborted = times(8, (index) => seen(index, (script) => script.send("up", 200).rst("down", "abort")));
    expect(pathInjectedReset.find(examine(aborted))).toEqual([]);
  });

  it("is silent where a client gives up and its packets had another TTL on the way", () => {
    const aborted = times(8, (index) =>
      seen(index, (script) => script.send("up", 200).rst("up", "abort", { ttl: 63 })),
    );
    expect(pathInjectedReset.find(examine(aborted))).toEqual([]);
  });
});

describe("a reset that one point missed", () => {
  const aborts = (index: number) => seen(index, (script) => script.send("up", 200).rst("down", "abort"));
  /** Without the resets that a point's capture lost. */
  const without = (all: Seen, point: string) => ({
    ...all,
    [point]: (all[point] ?? []).filter(({ bytes }) => ((bytes[47] ?? 0) & 4) === 0),
  });
  const authors = (all: Seen) => {
    const subject = examine(all);
    return subject.users.map((connection) => subject.mainReset(connection)?.by);
  };

  it("is not the balancer's where the point saw most of its kind: its capture lost some", () => {
    const all = times(300, (index) => (index === 7 ? without(aborts(index), "rs1:eth0") : aborts(index)));
    expect(new Set(authors(all).filter((_, i) => i !== 7))).toEqual(new Set(["backend"]));
    expect(authors(all)[7]).toBe("unknown");
  });

  it("on an unchanged stretch is nobody's for sure while only one of its kind was missed", () => {
    const all = times(3, (index) => (index === 1 ? without(aborts(index), "rs1:eth0") : aborts(index)));
    expect(authors(all)).toEqual(["backend", "unknown", "backend"]);
  });

  it("is the balancer's where none was seen behind it", () => {
    const all = times(6, (index) => without(without(aborts(index), "rs1:eth0"), "lb1:eth1"));
    // the capture goes on after the last of them
    expect(authors(together(all, healthy(0)))).toEqual([...new Array(6).fill("lb"), undefined]);
  });

  it("and that another captured twice is one reset, not a forged second", () => {
    const all = times(6, aborts);
    const twice = {
      ...all,
      "lb1:eth0": (all["lb1:eth0"] ?? []).flatMap((one) => [one, { ...one, timeSeconds: one.timeSeconds + 2e-6 }]),
    };
    expect(new Set(authors(twice))).toEqual(new Set(["backend"]));
    expect(pathInjectedReset.find(examine(twice))).toEqual([]);
  });
});
