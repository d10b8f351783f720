import { describe, expect, it } from "vitest";
import { tcpConversation } from "../../fixtures/packets/conversation.ts";
import { ecmpShares } from "../../src/diagnose/ecmp-shares.ts";
import { examine, times } from "./examine.ts";

const VIP = "192.0.2.10:443";
const router = (n: number) => `02:00:00:00:0a:0${n}`;
const member = (n: number) => `02:00:00:00:0b:0${n}`;

/** Flows of 20 clients that come to a router and are given to a member; replies go by the first router. */
function mesh(hop: (index: number) => { router: number; member: number }, reply: (at: number) => number = () => 1) {
  return examine(
    times(160, (index) => {
      const { router: at, member: to } = hop(index);
      const frames = tcpConversation({
        client: `10.1.0.${1 + (Math.floor(index / 4) % 20)}:${40001 + index}`,
        server: VIP,
        start: index * 0.05,
      })
        .handshake()
        .send("up", 200)
        .send("down", 900)
        .fin("up")
        .viaMacs({
          up: { src: router(at), dst: member(to) },
          down: { src: member(to), dst: router(reply(at)) },
        })
        .packets();
      return { [`lb${to}:eth0`]: frames };
    }),
  );
}

const polarization = (subject: ReturnType<typeof examine>) =>
  ecmpShares.find(subject).filter(({ id }) => id === "ecmp.polarization");

describe("two tiers in a full mesh", () => {
  it("are polarized where the router decides the member, and the idle member of a router is named", () => {
    const [finding] = polarization(mesh((index) => ({ router: 1 + (index % 2), member: 1 + (index % 4) })));
    expect(finding?.where).toEqual({ vip: VIP, node: router(1), member: "lb2, lb4" });
    expect(finding?.measured).toMatchObject({ routers: 2, members: 4, idleShare: 0.5 });
    expect(finding?.connections).toHaveLength(160);
  });

  it("are not where every router uses every member", () => {
    expect(
      polarization(mesh((index) => ({ router: 1 + (index % 2), member: 1 + (Math.floor(index / 2) % 4) }))),
    ).toEqual([]);
  });

  it("are not where nothing shows that a router could reach the members that it leaves idle", () => {
    const apart = mesh(
      (index) => ({ router: 1 + (index % 2), member: 1 + (index % 4) }),
      (at) => at,
    );
    expect(polarization(apart)).toEqual([]);
  });

  it("are not where one router only has lost a next hop", () => {
    const lost = mesh((index) => {
      const at = 1 + (index % 2);
      return { router: at, member: 1 + (Math.floor(index / 2) % (at === 1 ? 3 : 4)) };
    });
    expect(polarization(lost)).toEqual([]);
  });

  it("are not where each client has a router of its own", () => {
    const placed = mesh((index) => ({
      router: 1 + (Math.floor(index / 4) % 2),
      member: 1 + (Math.floor(index / 4) % 2) + 2 * (index % 2),
    }));
    expect(polarization(placed)).toEqual([]);
  });
});
