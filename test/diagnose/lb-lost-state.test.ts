import { describe, expect, it } from "vitest";
import type { TcpConversation } from "../../fixtures/packets/conversation.ts";
import { lbLostState } from "../../src/diagnose/lb-lost-state.ts";
import { throughNat } from "./balanced.ts";
import { examine, times, together } from "./examine.ts";

/** Asks something every 0.4 s from its start until 4 s have passed. */
const talk = (c: TcpConversation, index: number) => {
  c.handshake();
  for (let i = 0; i < 10; i++)
    c.silence(0.4 + 0.01 * (index % 7))
      .send("up", 200)
      .send("down", 300);
  return c.silence(0.3);
};
const forgotten = (index: number) =>
  throughNat(index, 0.01 * index, (c) => {
    talk(c, index).send("up", 200, { ack: false, where: "near" }).rst("down", "no-socket", { where: "near", ttl: 64 });
  });
const goesOn = (index: number) =>
  throughNat(100 + index, 0.01 * index, (c) => {
    talk(c, index).send("up", 200).send("down", 300).fin("up");
  });

describe("lb.lost-state", () => {
  it("is many established flows that one balancer resets together", () => {
    const [finding, ...others] = lbLostState.find(examine(together(times(12, forgotten), times(3, goesOn))));
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      id: "lb.lost-state",
      severity: "critical",
      where: { vip: "192.0.2.10:443", node: "lb1" },
      measured: { brokenConnections: 12, openConnections: 15, resetsByBalancer: 12 },
    });
  });

  it("names the backend where only its flows are forgotten", () => {
    const ofOne = (index: number) => forgotten(index * 3);
    const [finding] = lbLostState.find(
      examine(
        together(
          times(8, ofOne),
          times(12, (i) => goesOn(i)),
        ),
      ),
    );
    expect(finding).toMatchObject({ where: { backend: "10.3.0.11:8443" }, measured: { brokenConnections: 8 } });
  });

  it("is silent where all go on", () => {
    expect(lbLostState.find(examine(times(12, goesOn)))).toEqual([]);
  });

  it("is not a wave of clients that abort within a second", () => {
    const aborts = (index: number) =>
      throughNat(index, 0.01 * index, (c) => {
        talk(c, index).rst("up", "abort");
      });
    expect(lbLostState.find(examine(times(12, aborts)))).toEqual([]);
  });

  it("is not a backend that resets its own connections", () => {
    const restarted = (index: number) =>
      throughNat(index * 3, 0.01 * index, (c) => {
        talk(c, index).send("up", 200, { ack: false }).rst("down", "no-socket");
      });
    expect(lbLostState.find(examine(together(times(8, restarted), times(6, goesOn))))).toEqual([]);
  });

  it("is not a few breaks among many that go on", () => {
    expect(lbLostState.find(examine(together(times(4, forgotten), times(40, goesOn))))).toEqual([]);
  });
});
