import { describe, expect, it } from "vitest";
import { inOrder } from "../../fixtures/packets/capture-file.ts";
import { tcpConversation } from "../../fixtures/packets/conversation.ts";
import * as L from "../../src/flow/leg-layout.ts";
import { follow, legsOf } from "./follow.ts";
import { endpoint } from "./tshark-agreement.ts";

const life = (start: number, isn: number) =>
  tcpConversation({
    client: "10.1.0.1:40001",
    server: "192.0.2.10:443",
    start,
    clientIsn: isn,
    serverIsn: isn + 50_000,
  });
const packetsOf = (...scripts: { packets(): ReturnType<ReturnType<typeof life>["packets"]> }[]) =>
  legsOf(follow(inOrder(...scripts.map((script) => script.packets())))).map(
    ({ up, down }) => up.packets + down.packets,
  );

describe("a SYN in a 4-tuple that was used before", () => {
  it("begins a new leg where its sequence number is another", () => {
    const first = life(0, 1000).handshake().send("up", 10).fin("up");
    const second = life(10, 2000).handshake().send("up", 10);
    const legs = legsOf(follow(inOrder(first.packets(), second.packets())));
    expect(legs.map((leg) => [leg.up.baseSeq, leg.has(L.LEG_REUSED), leg.up.retransmits])).toEqual([
      [1000, true, 0],
      [2000, false, 0],
    ]);
    // even while the first is open
    expect(packetsOf(life(0, 1000).handshake(), life(1, 2000).handshake())).toEqual([3, 3]);
  });

  it("begins a new leg after a close or a reset, where its number is the same", () => {
    expect(packetsOf(life(0, 1000).handshake().fin("up"), life(10, 1000).handshake())).toEqual([6, 3]);
    expect(packetsOf(life(0, 1000).handshake().rst("up"), life(10, 1000).handshake())).toEqual([4, 3]);
    expect(packetsOf(life(0, 1000).syn().rst("down", "refused"), life(300, 1000).handshake())).toEqual([2, 3]);
  });

  it("is the same leg where it only comes again", () => {
    expect(
      packetsOf(
        life(0, 1000)
          .syn({ retries: [1, 3] })
          .synAck()
          .ack("up"),
      ),
    ).toEqual([5]);
  });

  it("begins a new leg where the one from before was taken for the other way round", () => {
    const low = { client: "10.2.0.2:1030", server: "10.2.0.11:8080" };
    const old = tcpConversation({ ...low, clientIsn: 5 }).raw({ direction: "down", flags: "A" });
    const young = tcpConversation({ ...low, start: 1, clientIsn: 900 }).handshake();
    const legs = legsOf(follow(inOrder(old.packets(), young.packets())));
    expect(legs.map((leg) => endpoint(leg.src, leg.srcPort))).toEqual(["10.2.0.11 8080", "10.2.0.2 1030"]);
    expect(legs.map((leg) => leg.has(L.LEG_MIDSTREAM))).toEqual([true, false]);
  });
});

describe("a SYN-ACK in a 4-tuple that was used before", () => {
  const down = (script: ReturnType<typeof life>) => ({
    packets: () =>
      script
        .leg()
        .filter((segment) => segment.direction === "down")
        .packets(),
  });

  it("begins a new leg where only the server's side is captured", () => {
    const first = life(0, 1000).handshake().send("down", 10).fin("down");
    expect(packetsOf(down(first), down(life(10, 2000).handshake().send("down", 10)))).toEqual([4, 2]);
  });

  it("begins a new leg where the SYN before it was lost by the capture", () => {
    const first = life(0, 1000).handshake().fin("up");
    const second = life(10, 2000).handshake();
    expect(packetsOf(first, { packets: () => second.packets().slice(1) })).toEqual([6, 2]);
  });

  it("is the same leg where it answers the SYN, or answers an older one", () => {
    const stale = life(1, 2000)
      .syn()
      .raw({ direction: "down", flags: "SA", seq: 51_000, ack: 1001 })
      .synAck()
      .ack("up");
    expect(packetsOf(stale)).toEqual([4]);
  });
});

it("a reused 4-tuple's legs are found by the newest", () => {
  const tracker = follow(
    inOrder(
      ...[0, 10, 20].map((seconds) =>
        life(seconds, 1000 + seconds)
          .handshake()
          .packets(),
      ),
    ),
  );
  expect(legsOf(tracker)).toHaveLength(3);
  expect(tracker.legs.live).toBe(3);
});
