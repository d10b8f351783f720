import { describe, expect, it } from "vitest";
import { type TcpConversation, tcpConversation } from "../../fixtures/packets/conversation.ts";
import { pathInjectedReset } from "../../src/diagnose/path-injected-reset.ts";
import { examine, type Seen, times } from "./examine.ts";

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
