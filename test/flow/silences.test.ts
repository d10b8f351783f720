import { describe, expect, it } from "vitest";
import { tcpConversation } from "../../fixtures/packets/conversation.ts";
import { SILENCE_BROKEN } from "../../src/flow/event-log.ts";
import { SILENCE_RESET, SILENCE_SURVIVED, SILENCE_UNANSWERED } from "../../src/flow/tcp.ts";
import { onlyLeg } from "./follow.ts";

const start = () => tcpConversation({ client: "10.1.0.1:40001", server: "192.0.2.10:443", rtt: 0.01 });

/** Seconds of each silence that was logged, its outcome, and the side that broke it. */
function silences(script: ReturnType<typeof start>) {
  const leg = onlyLeg(script.packets());
  return [...leg.tracker.events.of(leg.tracker.legs, leg.leg)]
    .filter((event) => event.kind === SILENCE_BROKEN)
    .map((event) => [Math.round((event.time - event.otherTime) / 1e8) / 10, event.extra[0], event.side]);
}

describe("a silence", () => {
  it("is survived where the other side answers", () => {
    const script = start().handshake().send("up", 10).silence(60).send("up", 10);
    expect(silences(script)).toEqual([[60, SILENCE_SURVIVED, 0]]);
    const leg = onlyLeg(script.packets());
    expect(Math.round(leg.longestSilenceSurvived / 1e9)).toBe(60);
    expect(leg.openSilence).toBeNull();
  });

  it("may be broken by the server", () => {
    expect(silences(start().handshake().silence(30).send("down", 10))).toEqual([[30, SILENCE_SURVIVED, 1]]);
  });

  it("has failed where a reset answers", () => {
    const script = start()
      .handshake()
      .send("up", 10)
      .silence(900)
      .send("up", 10, { ack: false })
      .rst("down", "no-socket");
    expect(silences(script)).toEqual([[900, SILENCE_RESET, 0]]);
    expect(onlyLeg(script.packets()).longestSilenceSurvived).toBe(0);
  });

  it("has failed where a reset answers late", () => {
    const script = start()
      .handshake()
      .silence(900)
      .send("up", 10, { ack: false })
      .rst("down", "no-socket", { after: 2 });
    expect(silences(script)).toEqual([[900, SILENCE_RESET, 0]]);
    expect(onlyLeg(script.packets()).openSilence).toBeNull();
  });

  it("goes on where nothing answers: what is sent again into it begins no other", () => {
    const script = start().handshake().silence(350).send("up", 10, { ack: false });
    for (const seconds of [0.2, 0.4, 0.8, 1.6, 3.2]) script.retransmit("up", { after: seconds });
    expect(silences(script)).toEqual([[350, SILENCE_UNANSWERED, 0]]);
    const leg = onlyLeg(script.packets());
    expect(leg.openSilence).toMatchObject({ side: 0, frame: 4 });
    expect(Math.round(((leg.openSilence?.brokenAt ?? 0) - (leg.openSilence?.start ?? 0)) / 1e9)).toBe(350);
  });

  it("is reset by keepalives, and survived where they are answered", () => {
    const script = start().handshake();
    for (let i = 0; i < 3; i++) script.silence(75).keepalive("up");
    expect(silences(script.silence(75).send("up", 10))).toEqual([
      [75, SILENCE_SURVIVED, 0],
      [75, SILENCE_SURVIVED, 0],
      [75, SILENCE_SURVIVED, 0],
      [75, SILENCE_SURVIVED, 0],
    ]);
  });

  it("may come several times, and each has its outcome", () => {
    const script = start()
      .handshake()
      .silence(10)
      .send("up", 10)
      .silence(100)
      .send("down", 10)
      .silence(300)
      .send("up", 10, { ack: false })
      .rst("down", "no-socket");
    expect(silences(script)).toEqual([
      [10, SILENCE_SURVIVED, 0],
      [100, SILENCE_SURVIVED, 1],
      [300, SILENCE_RESET, 0],
    ]);
    expect(Math.round(onlyLeg(script.packets()).longestSilenceSurvived / 1e9)).toBe(100);
  });

  it("is none where a sender only waits to send again, be it a SYN, data or a FIN", () => {
    const waits = start()
      .syn({ retries: [1, 3, 7] })
      .synAck()
      .ack("up")
      .send("up", 10, { ack: false })
      .retransmit("up", { after: 0.8 })
      .retransmit("up", { after: 1.6 })
      .ack("down")
      .fin("up", { half: true })
      .retransmit("up", { after: 2 });
    expect(silences(waits)).toEqual([]);
    expect(onlyLeg(waits.packets()).longestSilenceSurvived).toBe(0);
  });

  it("is none before a reset out of the blue", () => {
    expect(silences(start().handshake().silence(20).rst("up"))).toEqual([]);
  });

  it("is still logged among very many where it is the longest", () => {
    const script = start().handshake();
    for (let i = 0; i < 300; i++) script.silence(1).send("up", 1);
    const logged = silences(script.silence(60).send("up", 1, { ack: false }).rst("down", "no-socket"));
    expect(logged.length).toBeLessThan(48);
    expect(logged.at(-1)).toEqual([60, SILENCE_RESET, 0]);
  });
});
