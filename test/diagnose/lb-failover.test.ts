import { describe, expect, it } from "vitest";
import type { TimedPacket } from "../../fixtures/packets/capture-file.ts";
import { packet } from "../../fixtures/packets/packet.ts";
import { lbFailover } from "../../src/diagnose/lb-failover.ts";
import { throughNat } from "./balanced.ts";
import { examine, type Seen, times, together } from "./examine.ts";

const traffic = times(8, (index) =>
  throughNat(index, index, (c) => {
    c.handshake().send("up", 200).send("down", 400).fin("up");
  }),
);

/** A router's advertisements, every second. */
function adverts(source: string, priority: number, from: number, to: number): TimedPacket[] {
  const packets: TimedPacket[] = [];
  for (let timeSeconds = from; timeSeconds <= to; timeSeconds++) {
    const bytes = packet()
      .ethernet({ src: "00:00:5e:00:01:33", dst: "01:00:5e:00:00:12" })
      .ipv4({ src: source, dst: "224.0.0.18", ttl: 255 })
      .vrrp({ version: 3, vrid: 51, priority, intervalSeconds: 1, addresses: ["192.0.2.10"] })
      .build();
    packets.push({ timeSeconds, bytes });
  }
  return packets;
}

const find = (...vrrp: TimedPacket[][]) => {
  const seen: Seen = { "r:eth1": vrrp.flat() };
  return lbFailover.find(examine(together(traffic, seen)));
};

describe("lb.failover by VRRP", () => {
  it("is another router's advertisements after the first fell silent", () => {
    const [finding, ...others] = find(adverts("10.2.0.1", 150, 0, 3), adverts("10.2.0.2", 100, 6.6, 12));
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      id: "lb.failover",
      severity: "warning",
      where: { vip: "192.0.2.10:443", node: "10.2.0.2" },
      measured: { virtualRouterId: 51, brokenConnections: 0, resigned: false },
    });
    expect(finding?.measured.gapSeconds).toBeCloseTo(3.6, 1);
  });

  it("knows a router that resigned", () => {
    const [finding] = find(
      adverts("10.2.0.1", 150, 0, 3),
      adverts("10.2.0.1", 0, 3.5, 3.5),
      adverts("10.2.0.2", 100, 4.1, 12),
    );
    expect(finding).toMatchObject({ id: "lb.failover", measured: { resigned: true } });
  });

  it("is silent where one router advertises throughout", () => {
    expect(find(adverts("10.2.0.1", 150, 0, 12))).toEqual([]);
  });

  it("is silent where two networks use the same router id", () => {
    const other = adverts("10.9.0.1", 100, 5, 12).map(({ timeSeconds }) => ({
      timeSeconds,
      bytes: packet()
        .ethernet({ src: "00:00:5e:00:01:33", dst: "01:00:5e:00:00:12" })
        .ipv4({ src: "10.9.0.1", dst: "224.0.0.18", ttl: 255 })
        .vrrp({ version: 3, vrid: 51, priority: 100, intervalSeconds: 1, addresses: ["10.9.0.100"] })
        .build(),
    }));
    expect(find(adverts("10.2.0.1", 150, 0, 12), other)).toEqual([]);
  });

  it("does not call a moment's overlap a split brain", () => {
    const found = find(adverts("10.2.0.2", 100, 0, 4), adverts("10.2.0.1", 150, 4.2, 12));
    expect(found.map(({ id }) => id)).toEqual(["lb.failover"]);
  });
});

describe("lb.split-brain", () => {
  it("is two routers that advertise the same virtual router for longer", () => {
    const [finding, ...others] = find(adverts("10.2.0.1", 150, 0, 12), adverts("10.2.0.2", 100, 4.5, 12));
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ id: "lb.split-brain", severity: "critical", where: { vip: "192.0.2.10:443" } });
    expect(finding?.measured.overlapSeconds).toBeCloseTo(7, 0);
  });
});
