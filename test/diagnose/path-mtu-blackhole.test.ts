import { describe, expect, it } from "vitest";
import { type TcpConversation, tcpConversation } from "../../fixtures/packets/conversation.ts";
import { packet } from "../../fixtures/packets/packet.ts";
import { pathMtuBlackhole } from "../../src/diagnose/path-mtu-blackhole.ts";
import { examine, type Seen, times, together } from "./examine.ts";

const vip = "192.0.2.10:443";

function seen(index: number, exchange: (script: TcpConversation) => TcpConversation): Seen {
  const client = `10.1.0.1:${40001 + index}`;
  return { "lb1:eth0": exchange(tcpConversation({ client, server: vip, start: index * 0.1 }).handshake()).packets() };
}

const stall = (script: TcpConversation, bytes: number) =>
  script
    .send("up", bytes, { ack: false })
    .retransmit("up", { after: 0.3 })
    .retransmit("up", { after: 0.6 })
    .retransmit("up", { after: 1.2 });

const small = (index: number) => seen(index + 100, (script) => script.send("up", 900).send("down", 900).fin("up"));

describe("path.mtu-blackhole", () => {
  it("tells the largest size that passes from the smallest that does not", () => {
    const stuck = times(5, (index) => seen(index, (script) => stall(script.send("up", 700), 1400)));
    const [finding, ...others] = pathMtuBlackhole.find(examine(together(stuck, times(5, small))));
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      id: "path.mtu-blackhole",
      severity: "critical",
      where: { vip },
      measured: { stalledConnections: 5, largestAckedBytes: 900, smallestLostBytes: 1400, icmpTooBigSeen: 0 },
      displayFilter: "tcp.analysis.retransmission && tcp.len >= 1400",
    });
    expect(finding?.explanation).toContain("vanish silently");
  });

  it("names the tunnel that the requests take", () => {
    const stuck = times(4, (index) => {
      const client = `10.1.0.1:${40001 + index}`;
      const script = stall(
        tcpConversation({ client, server: vip, start: index * 0.1 })
          .handshake()
          .send("up", 700),
        1448,
      );
      const outer = packet().ipv4({ src: "10.2.0.2", dst: "10.2.0.11" });
      return {
        "c1:eth0": script.packets(),
        "lb1:eth0": script
          .viaTunnel({ outer, only: "up", delay: 1e-4 })
          .filter(({ payload }) => payload.length < 1400)
          .packets(),
      };
    });
    const [finding] = pathMtuBlackhole.find(examine(stuck));
    expect(finding?.measured).toMatchObject({
      tunnelOverheadBytes: 20,
      smallestLostBytes: 1448,
      offeredMssBytes: 1460,
    });
    expect(finding?.explanation).toContain("IPIP");
  });

  it("is silent where small segments vanish just as well: the other end is gone", () => {
    const mute = times(6, (index) =>
      seen(index, (script) => stall(script.send("up", 1400).send("down", 100), index % 2 === 0 ? 120 : 1400)),
    );
    expect(pathMtuBlackhole.find(examine(together(mute, times(5, small))))).toEqual([]);
  });

  it("is silent where large segments were lost and arrived when sent again", () => {
    const lossy = times(6, (index) =>
      seen(index, (script) => script.send("up", 1400, { ack: false }).retransmit("up").ack("down").fin("up")),
    );
    expect(pathMtuBlackhole.find(examine(together(lossy, times(5, small))))).toEqual([]);
  });
});
