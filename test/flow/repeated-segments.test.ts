import { describe, expect, it } from "vitest";
import { tcpConversation } from "../../fixtures/packets/conversation.ts";
import type { Segment } from "../../fixtures/packets/leg.ts";
import { RETRANSMIT } from "../../src/flow/event-log.ts";
import * as L from "../../src/flow/leg-layout.ts";
import { onlyLeg } from "./follow.ts";

const start = (options = {}) =>
  tcpConversation({
    client: "10.1.0.1:40001",
    server: "192.0.2.10:443",
    clientIsn: 1000,
    serverIsn: 5000,
    rtt: 0.01,
    ...options,
  });
const retransmits = (leg: ReturnType<typeof onlyLeg>) =>
  [...leg.tracker.events.of(leg.tracker.legs, leg.leg)].filter((event) => event.kind === RETRANSMIT);

/** Six segments of 100 bytes down, sent at once, captured in this order and at these seconds. */
function burst(order: readonly (readonly [segment: number, seconds: number])[], ipIds = true) {
  const script = start().handshake();
  for (const [segment, seconds] of order) {
    script.raw({
      direction: "down",
      flags: "PA",
      seq: 5001 + segment * 100,
      payload: new Uint8Array(100),
      ipId: ipIds ? 7000 + segment : 0,
      timeSeconds: 1 + seconds,
    });
  }
  return script;
}

describe("a segment that comes again", () => {
  it("is a retransmission, of data, a SYN, a SYN-ACK or a FIN", () => {
    const script = start()
      .syn({ retries: [1, 3] })
      .synAck()
      .retransmit("down", { after: 1 })
      .ack("up")
      .send("up", 100, { ack: false })
      .retransmit("up")
      .retransmit("up", { after: 0.4 })
      .ack("down")
      .fin("down", { half: true })
      .retransmit("down");
    const leg = onlyLeg(script.packets());
    expect([leg.up.retransmits, leg.down.retransmits]).toEqual([4, 2]);
    expect([leg.up.synCount, leg.down.synCount]).toEqual([3, 2]);
    expect([leg.up.repeatedCount, leg.up.repeatedSeq]).toEqual([2, 1001]);
    expect(retransmits(leg).map(({ side, seq, flags }) => [side, seq, flags])).toEqual([
      [0, 1000, 0x02],
      [0, 1000, 0x02],
      [1, 5000, 0x12],
      [0, 1001, 0x18],
      [0, 1001, 0x18],
      [1, 5001, 0x11],
    ]);
    expect(leg.history).toBe("SThtADaf");
  });

  it("is one too where only a part of it is old, and its new part counts as sent", () => {
    const leg = onlyLeg(
      start()
        .handshake()
        .send("up", 100)
        .raw({ direction: "up", flags: "PA", seq: 1051, payload: new Uint8Array(100), after: 0.3 })
        .packets(),
    );
    expect([leg.up.retransmits, leg.up.nextSeq]).toEqual([1, 1151]);
  });

  it("leaves the first time of everything as it was", () => {
    const leg = onlyLeg(
      start()
        .handshake()
        .send("up", 10, { ack: false })
        .retransmit("up")
        .fin("up", { half: true })
        .retransmit("up")
        .packets(),
    );
    expect([leg.up.dataFrame, leg.up.finFrame]).toEqual([4, 6]);
  });
});

describe("a segment that fills a hole", () => {
  it("was overtaken where the sender's identification says that it was sent before", () => {
    const leg = onlyLeg(
      burst([
        [0, 0],
        [1, 0.001],
        [4, 0.002],
        [5, 0.003],
        [2, 0.05],
        [3, 0.051],
      ]).packets(),
    );
    expect([leg.down.outOfOrder, leg.down.retransmits, leg.down.has(L.SIDE_HOLE)]).toEqual([2, 0, false]);
  });

  it("was sent again where the identification is later, however soon it comes", () => {
    const script = burst([
      [0, 0],
      [1, 0.0001],
      [3, 0.0002],
      [4, 0.0003],
    ]);
    script.raw({ direction: "down", seq: 5201, payload: new Uint8Array(100), ipId: 7005, timeSeconds: 1.0005 });
    const leg = onlyLeg(script.packets());
    expect([leg.down.outOfOrder, leg.down.retransmits]).toEqual([0, 1]);
  });

  it("is judged by the time since the hole where identifications do not count", () => {
    const soon = burst(
      [
        [0, 0],
        [2, 0.001],
        [1, 0.003],
      ],
      false,
    );
    const late = burst(
      [
        [0, 0],
        [2, 0.001],
        [1, 0.2],
      ],
      false,
    );
    const counts = (script: typeof soon) => {
      const { down } = onlyLeg(script.packets());
      return [down.outOfOrder, down.retransmits];
    };
    expect([counts(soon), counts(late)]).toEqual([
      [1, 0],
      [0, 1],
    ]);
  });

  it("leaves the hole open until its end is reached, and the history tells of it once", () => {
    const gap = burst([
      [0, 0],
      [3, 0.001],
      [1, 0.1],
    ]);
    const leg = onlyLeg(gap.packets());
    expect([leg.down.has(L.SIDE_HOLE), leg.history]).toEqual([true, "ShAdgt"]);
    const filled = gap.raw({ direction: "down", seq: 5201, payload: new Uint8Array(100), timeSeconds: 1.2 });
    expect(onlyLeg(filled.packets()).down.has(L.SIDE_HOLE)).toBe(false);
  });
});

describe("acknowledgements", () => {
  const loss = () =>
    start()
      .handshake()
      .send("down", 1000, { ack: false })
      .raw({ direction: "up", flags: "A", ack: 5001, ipId: 21 })
      .raw({ direction: "up", flags: "A", ack: 5001, ipId: 22 });

  it("that repeat one while data is under way are duplicates (RFC 5681)", () => {
    expect(onlyLeg(loss().packets()).up.duplicateAcks).toBe(2);
  });

  it("are none with another window, with data, with a closed window, or with nothing under way", () => {
    const others: Partial<Segment>[] = [
      { ack: 5001, window: 900 },
      { ack: 5001, payload: new Uint8Array(5), flags: "PA" },
      { ack: 5001, window: 0 },
    ];
    for (const other of others) {
      const { up } = onlyLeg(
        start()
          .handshake()
          .send("down", 1000, { ack: false })
          .raw({ direction: "up", flags: "A", ...other })
          .packets(),
      );
      expect(up.duplicateAcks).toBe(0);
    }
    const idle = start().handshake().send("down", 1000).raw({ direction: "up", flags: "A", ack: 6001 });
    expect(onlyLeg(idle.packets()).up.duplicateAcks).toBe(0);
  });

  it("of what was never captured are counted, and say how much was received", () => {
    const leg = onlyLeg(
      start()
        .handshake()
        .send("down", 1000, { ack: false })
        .leg()
        .filter((segment) => segment.payload.length === 0)
        .packets()
        .concat(start({ start: 1 }).raw({ direction: "up", flags: "A", seq: 1001, ack: 6001 }).packets()),
    );
    expect([leg.up.acksOfUnseen, leg.up.highestAck]).toEqual([1, 6001]);
  });

  it("tell the largest segment that came through", () => {
    const leg = onlyLeg(
      start({ timestamps: false })
        .handshake()
        .send("down", 536)
        .send("down", 1460, { ack: false })
        .retransmit("down")
        .packets(),
    );
    expect([leg.down.largestAcked, leg.down.largestSent]).toEqual([536, 1460]);
  });

  it("with window zero are counted, with data too", () => {
    const leg = onlyLeg(
      start().handshake().send("down", 500).zeroWindow("up").send("up", 5, { window: 0 }).windowOpens("up").packets(),
    );
    expect([leg.up.zeroWindows, leg.down.zeroWindows, leg.history]).toEqual([2, 0, "ShAdWDa"]);
  });
});

describe("keepalives", () => {
  it("carry nothing, or one old byte", () => {
    const leg = onlyLeg(
      start()
        .handshake()
        .send("up", 100)
        .keepalive("up", { after: 30 })
        .raw({ direction: "up", flags: "A", seq: 1100, payload: new Uint8Array(1), after: 30 })
        .raw({ direction: "down", flags: "A", ack: 1101 })
        .keepalive("down", { after: 10 })
        .packets(),
    );
    expect([leg.up.keepalives, leg.down.keepalives]).toEqual([2, 1]);
    expect([leg.up.retransmits, leg.down.retransmits, leg.up.duplicateAcks, leg.down.duplicateAcks]).toEqual([
      0, 0, 0, 0,
    ]);
    expect(leg.up.nextSeq).toBe(1101);
  });

  it("are not FINs sent again", () => {
    const leg = onlyLeg(start().handshake().fin("up", { half: true }).retransmit("up").packets());
    expect([leg.up.keepalives, leg.up.retransmits]).toEqual([0, 1]);
  });
});

it("frames longer than the wire carries are marked as put together by offload", () => {
  const leg = onlyLeg(start({ mss: 20_000 }).handshake().send("down", 8000).send("up", 1000).packets());
  expect([leg.down.has(L.SIDE_OVERSIZED), leg.up.has(L.SIDE_OVERSIZED)]).toEqual([true, false]);
});
