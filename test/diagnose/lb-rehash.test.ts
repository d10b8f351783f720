import { describe, expect, it } from "vitest";
import { tcpConversation } from "../../fixtures/packets/conversation.ts";
import { packet } from "../../fixtures/packets/packet.ts";
import { lbRehash } from "../../src/diagnose/lb-rehash.ts";
import { client, VIP } from "./balanced.ts";
import { examine, type Seen, times, together } from "./examine.ts";

/** A stateless balancer with IPIP tunnels; at 4 s it sends a flow elsewhere, or does not. */
function tunnelled(index: number, moves: boolean, silence = 0.4): Seen {
  const script = tcpConversation({ client: client(index), server: VIP, start: index * 0.05 });
  script.handshake();
  for (let i = 0; i < 10; i++) script.silence(0.4).send("up", 200).send("down", 300);
  script.silence(silence).send("up", 200, { ack: false });
  if (moves) script.rst("down", "no-socket");
  else script.ack("down").send("down", 300).fin("up");
  const backend = (timeSeconds: number) =>
    `10.2.0.${11 + ((index + (moves && timeSeconds > 4.1 + index * 0.05 ? 1 : 0)) % 4)}`;
  return {
    "c1:eth0": script.packets(),
    "lb1:eth0": [
      ...script
        .leg()
        .filter(({ direction }) => direction === "up")
        .packets(),
      ...script
        .viaTunnel({
          delay: 20e-6,
          outer: ({ timeSeconds }) => packet().ipv4({ src: "10.2.0.1", dst: backend(timeSeconds) }),
        })
        .packets(),
    ],
  };
}

describe("lb.rehash", () => {
  it("is open flows that leave in the tunnel to another backend and are reset there", () => {
    const seen = together(
      times(6, (index) => tunnelled(index, true)),
      times(10, (index) => tunnelled(20 + index, false)),
    );
    expect(lbRehash.find(examine(seen))).toMatchObject([
      {
        id: "lb.rehash",
        severity: "critical",
        where: { node: "lb1" },
        measured: { movedConnections: 6, brokenConnections: 6 },
      },
    ]);
  });

  it("is silent where flows stay", () => {
    expect(lbRehash.find(examine(times(12, (index) => tunnelled(index, false))))).toEqual([]);
  });

  it("is silent where flows are given away after long silences: a stateful balancer forgot them", () => {
    const seen = times(8, (index) => tunnelled(index, true, 20));
    expect(lbRehash.find(examine(seen))).toEqual([]);
  });
});
