import { describe, expect, it } from "vitest";
import type { TimedPacket } from "../../fixtures/packets/capture-file.ts";
import { type TcpConversation, tcpConversation } from "../../fixtures/packets/conversation.ts";
import { connState } from "../../src/flow/conn-state.ts";
import { legOutcome } from "../../src/flow/leg-outcome.ts";
import { onlyLeg } from "./follow.ts";

const start = () =>
  tcpConversation({ client: "10.1.0.1:40001", server: "192.0.2.10:443", clientIsn: 1000, serverIsn: 5000, rtt: 0.01 });
const open = () => start().handshake().send("up", 100).send("down", 100);
const judge = (packets: readonly TimedPacket[]) => {
  const leg = onlyLeg(packets);
  return [connState(leg), leg.history, legOutcome(leg)];
};
const oneSide = (script: TcpConversation, direction: "up" | "down") =>
  script
    .leg()
    .filter((segment) => segment.direction === direction)
    .packets();

describe("conn_state, history and outcome", () => {
  const cases: [what: string, script: TcpConversation, state: string, history: string, outcome: string][] = [
    ["SYN without answer", start().syn({ retries: [1, 3, 7] }), "S0", "ST", "timeout"],
    ["answered, not yet acknowledged", start().syn().synAck(), "S1", "Sh", "open"],
    ["established", open(), "S1", "ShADad", "open"],
    ["closed by both", open().fin("up"), "SF", "ShADadFf", "ok"],
    ["closed by both, the server first", open().fin("down"), "SF", "ShADadfF", "ok"],
    ["closed by the client only", open().fin("up", { half: true }), "S2", "ShADadF", "open"],
    ["closed by the server only", open().fin("down", { half: true }), "S3", "ShADadf", "open"],
    ["refused", start().syn().rst("down", "refused"), "REJ", "Sr", "refused"],
    ["aborted by the client", open().rst("up"), "RSTO", "ShADadR", "reset"],
    ["aborted by the server", open().rst("down"), "RSTR", "ShADadr", "reset"],
    ["given up before an answer", start().syn().rst("up"), "RSTOS0", "SR", "reset"],
    ["reset after both closed", open().fin("up").rst("up"), "SF", "ShADadFfR", "ok"],
    [
      "reset after its own close, before the other's",
      open().fin("up", { half: true }).rst("up"),
      "RSTO",
      "ShADadFR",
      "reset",
    ],
    ["both reset", open().rst("up").rst("down"), "RSTR", "ShADadRr", "reset"],
    ["health check with a reset", start().handshake().rst("up"), "RSTO", "ShAR", "reset"],
  ];
  for (const [what, script, state, history, outcome] of cases) {
    it(`of ${what}: ${state} ${history} ${outcome}`, () => {
      expect(judge(script.packets())).toEqual([state, history, outcome]);
    });
  }

  it("of one direction only", () => {
    expect(judge(oneSide(open().fin("up"), "up"))).toEqual(["SH", "SADF", "open"]);
    expect(judge(oneSide(open(), "up"))).toEqual(["S0", "SAD", "open"]);
    expect(judge(oneSide(open().rst("up"), "up"))).toEqual(["RSTOS0", "SADR", "reset"]);
    expect(judge(oneSide(open().fin("up"), "down"))).toEqual(["SHR", "hadf", "open"]);
    expect(judge(oneSide(open().rst("down"), "down"))).toEqual(["RSTRH", "hadr", "reset"]);
    // the client acknowledged something: nobody refused it
    expect(judge(oneSide(start().handshake().rst("up"), "up"))[2]).toBe("reset");
    expect(judge(oneSide(start().handshake(), "up"))[2]).toBe("open");
  });

  it("of a stream seen from its middle on", () => {
    const middle = (script: TcpConversation) => judge(script.packets().slice(3));
    expect(middle(open())).toEqual(["OTH", "DadA", "open"]);
    expect(middle(open().fin("up"))).toEqual(["SF", "DadAFf", "ok"]);
    expect(middle(open().rst("down"))).toEqual(["RSTRH", "DadAr", "reset"]);
  });

  it("of data sent again and again into silence, and of some that was answered in the end", () => {
    const script = open().send("up", 50, { ack: false });
    for (const seconds of [0.2, 0.4, 0.8]) script.retransmit("up", { after: seconds });
    expect(judge(script.packets())).toEqual(["S1", "ShADadT", "timeout"]);
    expect(judge(script.ack("down").packets())[2]).toBe("open");
  });

  it("lists each letter of a side once, however often it happens", () => {
    const script = open();
    for (let i = 0; i < 30; i++) script.send("up", 10).send("down", 10);
    expect(judge(script.fin("up").packets())[1]).toBe("ShADadFf");
  });

  it("has room for every letter of both sides", () => {
    const script = start().handshake();
    for (const direction of ["up", "down"] as const) {
      script.send(direction, 10).retransmit(direction).zeroWindow(direction);
      const end = direction === "up" ? 1011 : 5011;
      script.raw({ direction, flags: "PA", seq: end + 100, payload: new Uint8Array(5) });
    }
    script.fin("up", { half: true }).fin("down", { half: true }).rst("up").rst("down");
    const letters = judge(script.packets())[1] ?? "";
    expect([...letters].sort().join("")).toBe("ADFGRSTWadfghrtw");
  });
});
