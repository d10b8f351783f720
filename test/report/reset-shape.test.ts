import { describe, expect, test } from "vitest";
import { tcpConversation } from "../../fixtures/packets/conversation.ts";
import { LegView } from "../../src/flow/leg-view.ts";
import { type ResetShape, resetShape } from "../../src/report/reset-shape.ts";
import { firstReset } from "../../src/report/survey/resets.ts";
import { trackFiles } from "./track-files.ts";
import { fates } from "./traffic.ts";

const begin = () => tcpConversation({ client: "10.1.0.1:40001", server: "192.0.2.10:443" });

describe("the shape of a leg's first reset", () => {
  const { refused, noSocket, serverAborts, clientAborts, lateData } = fates();
  test.each<[string, ReturnType<typeof begin> | undefined, ResetShape, number]>([
    ["a port that nobody listens on", refused, "refused", 1],
    ["a host that lost the connection", noSocket, "no-socket", 1],
    ["a server that gives up", serverAborts, "abort", 1],
    ["a client that gives up", clientAborts, "abort", 0],
    ["data after the receiver had closed", lateData, "after-close", 0],
    [
      "a client that resets what the server has closed",
      begin().handshake().fin("down", { half: true }).rst("up"),
      "after-close",
      0,
    ],
    [
      "a FIN to a host that knows nothing of it",
      begin().handshake().fin("up", { half: true }).rst("down", "no-socket"),
      "no-socket",
      1,
    ],
    [
      "a bare reset in answer to a SYN",
      begin().syn().raw({ direction: "down", flags: "R", seq: 0, ack: 0 }),
      "other",
      1,
    ],
    [
      "a refusal that acknowledges something else",
      begin().syn().raw({ direction: "down", flags: "RA", seq: 0, ack: 7 }),
      "other",
      1,
    ],
    [
      "a reset far out of sequence",
      begin().handshake().raw({ direction: "down", flags: "RA", seq: 12345 }),
      "other",
      1,
    ],
  ])("%s", async (_, conversation, shape, side) => {
    const { captures } = await trackFiles({ "x.pcap": conversation?.packets() ?? [] });
    const tracker = captures[0]?.shards[0]?.tracker;
    if (tracker === undefined) throw new Error("nothing tracked");
    const reset = firstReset(new LegView(tracker).at(0));
    expect(reset).not.toBeNull();
    expect(reset && resetShape(reset)).toBe(shape);
    expect(reset?.side).toBe(side);
  });

  test("mid-stream, where the resetting side had sent nothing yet, the peer's acknowledgment is what counts", async () => {
    const conversation = begin().handshake().send("up", 200, { ack: false }).rst("down", "abort");
    // the capture began after the handshake
    const { captures } = await trackFiles({ "x.pcap": conversation.packets().slice(3) });
    const tracker = captures[0]?.shards[0]?.tracker;
    const reset = tracker && firstReset(new LegView(tracker).at(0));
    expect(reset && resetShape(reset)).toBe("abort");
  });
});
