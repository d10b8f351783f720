import { describe, expect, it } from "vitest";
import { tcpConversation } from "../../fixtures/packets/conversation.ts";
import { membershipsOf } from "../../src/diagnose/members.ts";
import { examine, type Seen, times } from "./examine.ts";

const vip = "192.0.2.10:443";
const router = "02:00:00:00:00:01";
const upstream = "02:00:00:00:00:02";

function conversation(index: number) {
  return tcpConversation({ client: `10.1.0.${1 + (index % 4)}:${40001 + index}`, server: vip, start: index * 0.1 })
    .handshake()
    .send("up", 200)
    .send("down", 900)
    .fin("up");
}

/** What the only group's flows were told apart by. */
function tiers(seen: Seen) {
  const subject = examine(seen);
  return membershipsOf(subject, subject.vips[0]!).map(({ kind, point, memberOf }) => ({
    kind,
    point,
    members: Object.fromEntries(
      [...new Set(memberOf.values())]
        .sort()
        .map((member) => [member, [...memberOf.values()].filter((one) => one === member).length]),
    ),
  }));
}

describe("members", () => {
  it("are told by the interface that a router sends flows out by", () => {
    const seen = times(24, (index) => {
      const script = conversation(index);
      const out = `r:eth${1 + (index % 2)}`;
      const next = `02:00:00:00:0b:0${1 + (index % 2)}`;
      return {
        "r:eth0": script
          .viaMacs({ up: { src: upstream, dst: router }, down: { src: router, dst: upstream } })
          .packets(),
        [out]: script.viaMacs({ up: { src: router, dst: next }, down: { src: next, dst: router } }).packets(),
      };
    });
    expect(tiers(seen)).toContainEqual({
      kind: "interface",
      point: "r",
      members: { "r:eth1": 12, "r:eth2": 12 },
    });
  });

  it("are told by the captured node that a flow passes", () => {
    const seen = times(24, (index) => {
      const script = conversation(index);
      const node = 1 + (index % 3);
      const own = `02:00:00:00:0c:0${node}`;
      return {
        "r:eth1": script.viaMacs({ up: { src: router, dst: own }, down: { src: own, dst: router } }).packets(),
        [`t${node}:eth0`]: script.viaMacs({ up: { src: router, dst: own }, down: { src: own, dst: router } }).packets(),
      };
    });
    const found = tiers(seen);
    expect(found.map(({ kind }) => kind)).toContain("mac");
    expect(found).toContainEqual({ kind: "point", point: "t1, t2, t3", members: { t1: 8, t2: 8, t3: 8 } });
  });

  it("are none where clients' own nodes were captured, each with its flows", () => {
    const seen = times(24, (index) => {
      const script = tcpConversation({
        client: `10.1.0.${1 + (index % 2)}:${40001 + index}`,
        server: vip,
        start: index,
      })
        .handshake()
        .send("up", 200)
        .fin("up");
      const own = `02:00:00:00:0d:0${1 + (index % 2)}`;
      return {
        [`c${1 + (index % 2)}:eth0`]: script
          .viaMacs({ up: { src: own, dst: router }, down: { src: router, dst: own } })
          .packets(),
      };
    });
    expect(tiers(seen)).toEqual([]);
  });
});
