import { describe, expect, it } from "vitest";
import { lbAborting } from "../../src/diagnose/lb-aborting.ts";
import { lbIdleTimeout } from "../../src/diagnose/lb-idle-timeout.ts";
import { lbLostState } from "../../src/diagnose/lb-lost-state.ts";
import { answer, request, throughNat, throughProxy } from "./balanced.ts";
import { examine, type Seen, times, together } from "./examine.ts";

const survives = (seconds: number) => (index: number) =>
  throughNat(index, index * 0.4, (c) => {
    c.handshake().send("up", 200).send("down", 400).silence(seconds).send("up", 200).send("down", 400).fin("up");
  });
/** What the balancer has forgotten does not reach the backend: it answers itself. */
const isReset = (seconds: number) => (index: number) =>
  throughNat(100 + index, index * 0.4, (c) => {
    c.handshake().send("up", 200).send("down", 400).silence(seconds);
    c.send("up", 200, { ack: false, where: "near" }).rst("down", "no-socket", { where: "near", ttl: 64 });
  });
const vanishes = (seconds: number) => (index: number) =>
  throughNat(200 + index, index * 0.4, (c) => {
    c.handshake().send("up", 200).send("down", 400).silence(seconds).send("up", 200, { ack: false, where: "near" });
    for (const after of [0.2, 0.4, 0.8, 1.6]) c.retransmit("up", { after, where: "near" });
  });

describe("lb.idle-timeout of a forwarding balancer", () => {
  it("puts the timeout between the longest silence survived and the shortest that failed", () => {
    const [finding, ...others] = lbIdleTimeout.find(examine(together(times(6, survives(52)), times(5, isReset(70)))));
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      id: "lb.idle-timeout",
      severity: "critical",
      where: { vip: "192.0.2.10:443", node: "lb1" },
      measured: { brokenConnections: 5, survivingConnections: 6, resetsByBalancer: 5, knownValueSeconds: 60 },
      explains: { cause: "idle-timeout" },
    });
    expect(finding?.measured.thresholdLowSeconds).toBeCloseTo(52, 1);
    expect(finding?.measured.thresholdHighSeconds).toBeCloseTo(70, 1);
  });

  it("sees silence instead of resets", () => {
    const [finding] = lbIdleTimeout.find(examine(together(times(6, survives(3)), times(5, vanishes(8)))));
    expect(finding).toMatchObject({ measured: { brokenConnections: 5, unanswered: 5, resetsByBalancer: 0 } });
  });

  it("is silent where every silence is survived", () => {
    expect(lbIdleTimeout.find(examine(together(times(6, survives(3)), times(6, survives(60)))))).toEqual([]);
  });

  it("is silent where longer silences than the broken ones are survived", () => {
    const seen = together(times(8, survives(60)), times(4, isReset(8)));
    expect(lbIdleTimeout.find(examine(seen))).toEqual([]);
  });

  it("leaves clients that abort after idling to themselves", () => {
    const aborts = (index: number) =>
      throughNat(300 + index, index * 0.4, (c) => {
        c.handshake().send("up", 200).send("down", 400).silence(8).send("up", 200).rst("up", "abort");
      });
    expect(lbIdleTimeout.find(examine(together(times(6, survives(3)), times(5, aborts))))).toEqual([]);
  });

  it("leaves resets of what was closed alone", () => {
    const closed = (index: number) =>
      throughNat(300 + index, index * 0.4, (c) => {
        c.handshake().send("up", 200).send("down", 400).fin("down").silence(8);
        c.ack("up", { where: "near" }).rst("down", "no-socket", { where: "near", ttl: 64 });
      });
    expect(lbIdleTimeout.find(examine(together(times(6, survives(3)), times(5, closed))))).toEqual([]);
  });

  it("does not call a table that was emptied an idle timeout", () => {
    const busy = (index: number) =>
      throughNat(index, 0.01 * index, (c) => {
        c.handshake();
        for (let i = 0; i < 8; i++) c.silence(0.4).send("up", 200).send("down", 300);
        c.silence(0.4).send("up", 200, { ack: false, where: "near" });
        c.rst("down", "no-socket", { where: "near", ttl: 64 });
      });
    const subject = examine(times(12, busy));
    expect(lbIdleTimeout.find(subject)).toEqual([]);
    expect(lbLostState.find(subject)).toMatchObject([{ id: "lb.lost-state", measured: { brokenConnections: 12 } }]);
  });
});

describe("lb.idle-timeout of a terminating proxy", () => {
  const exchange = (index: number, then: (front: Parameters<Script>[0], back: Parameters<Script>[1]) => void): Seen =>
    throughProxy(index, index * 0.3, (front, back) => {
      front.handshake().send("up", request(index));
      back.handshake().silence(0.001).send("up", request(index)).send("down", answer(index));
      front.silence(0.003).send("down", answer(index));
      then(front, back);
    });
  type Script = Parameters<typeof throughProxy>[2];
  const timedOut = (index: number) =>
    exchange(index, (front, back) => {
      front.silence(4).fin("down");
      back.silence(4.002).fin("up");
    });
  const givenUp = (index: number) =>
    throughProxy(index, index * 0.3, (front, back) => {
      front.handshake().send("up", request(index)).silence(2).fin("down");
      back.handshake().silence(0.001).send("up", request(index)).silence(2).fin("up");
    });

  it("is the constant time after which the proxy closes both sides", () => {
    const [finding, ...others] = lbIdleTimeout.find(examine(times(6, timedOut)));
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ id: "lb.idle-timeout", severity: "warning", measured: { closedWhileIdle: 6 } });
    expect(finding?.measured.timeoutSeconds).toBeCloseTo(4, 1);
  });

  it("is silent where clients or backends close", () => {
    const byClient = (index: number) =>
      exchange(index, (front, back) => {
        front.silence(4).fin("up");
        back.silence(4.002).fin("up");
      });
    const byBackend = (index: number) =>
      exchange(index, (front, back) => {
        back.silence(4).fin("down");
        front.silence(4.003).fin("down");
      });
    const subject = examine(
      together(
        times(5, byClient),
        times(5, (index) => byBackend(index + 10)),
      ),
    );
    expect(lbIdleTimeout.find(subject)).toEqual([]);
    expect(lbAborting.find(subject)).toEqual([]);
  });

  it("is lb.aborting where only clients that wait for an answer are cut off", () => {
    const subject = examine(times(6, givenUp));
    expect(lbIdleTimeout.find(subject)).toEqual([]);
    const [finding, ...others] = lbAborting.find(subject);
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ id: "lb.aborting", severity: "critical", measured: { abortedConnections: 6 } });
    expect(finding?.measured.timeoutSeconds).toBeCloseTo(2, 1);
  });

  it("takes cut-off answers and closed silences of one timer for one cause", () => {
    const slow = (index: number) =>
      throughProxy(100 + index, index * 0.3, (front, back) => {
        front
          .handshake()
          .send("up", request(100 + index))
          .silence(4)
          .fin("down");
        back
          .handshake()
          .silence(0.001)
          .send("up", request(100 + index))
          .silence(4)
          .fin("up");
      });
    const subject = examine(together(times(6, timedOut), times(4, slow)));
    expect(lbAborting.find(subject)).toEqual([]);
    expect(lbIdleTimeout.find(subject)).toMatchObject([
      { severity: "critical", measured: { closedWhileIdle: 6, closedWhileWaiting: 4 } },
    ]);
  });
});
