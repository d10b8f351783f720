import { describe, expect, it } from "vitest";
import { tcpConversation } from "../../fixtures/packets/conversation.ts";
import type { Segment } from "../../fixtures/packets/leg.ts";
import { pathSpray } from "../../src/diagnose/path-spray.ts";
import { examine, type Seen, times, together } from "./examine.ts";

const vip = "192.0.2.10:443";
const router = "02:00:00:00:00:01";
const members = ["02:00:00:00:0a:01", "02:00:00:00:0a:02"] as const;

/** A connection at the router's side of the members; `member` chooses by segment, the n-th of the requests. */
function seen(index: number, member: (n: number) => 0 | 1): Seen {
  const script = tcpConversation({ client: `10.1.0.1:${40001 + index}`, server: vip, start: index * 0.1 }).handshake();
  for (let i = 0; i < 6; i++) script.send("up", 200).send("down", 900);
  script.fin("up");
  const part = (which: 0 | 1) => {
    let n = 0;
    const isOf = ({ direction }: Segment) => (direction === "up" ? member(n++) === which : which === 0);
    const up = { src: router, dst: members[which] };
    return script.viaMacs({ up, down: { src: members[which], dst: router } }).filter(isOf);
  };
  return { "r:eth1": [...part(0).packets(), ...part(1).packets()] };
}

describe("path.spray", () => {
  it("is found where packets of one flow take turns", () => {
    const [finding, ...others] = pathSpray.find(
      examine(times(6, (index) => seen(index, (n) => (n % 2 === 0 ? 0 : 1)))),
    );
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      id: "path.spray",
      where: { vip },
      measured: { sprayedConnections: 6, members: 2, brokenConnections: 0 },
    });
    expect(finding?.displayFilter).toContain(members[1]);
  });

  it("is silent where each flow keeps to its member", () => {
    expect(pathSpray.find(examine(times(6, (index) => seen(index, () => (index % 2 === 0 ? 0 : 1)))))).toEqual([]);
  });

  it("is silent on flows that moved once, and on a single one that drifted back", () => {
    const moved = times(6, (index) => seen(index, (n) => (n < 5 ? 0 : 1)));
    expect(pathSpray.find(examine(moved))).toEqual([]);
    const drifted = seen(20, (n) => (n === 4 || n === 7 ? 1 : 0));
    expect(
      pathSpray.find(
        examine(
          together(
            drifted,
            times(6, (index) => seen(index, () => 0)),
          ),
        ),
      ),
    ).toEqual([]);
  });
});
