import { describe, expect, it } from "vitest";
import { inOrder, pcapFile } from "../../fixtures/packets/capture-file.ts";
import { type TcpConversation, tcpConversation } from "../../fixtures/packets/conversation.ts";
import { TCP } from "../../src/decode/packet.ts";
import { LegView } from "../../src/flow/leg-view.ts";
import { temporaryFile } from "../capture/read-all.ts";
import { requires } from "../support/requirement.ts";
import { followCapture } from "./follow.ts";
import { onePerScenario, referenceCaptures } from "./reference-captures.ts";
import { type Remark, type TsharkFrame, tsharkTcp } from "./tshark-tcp.ts";

const needs = requires({ tool: "tshark", path: "../shared/labelled" });
const all = process.env.L4SCOPE_ALL === "1";

/** What both count of one leg, by l4scope and by tshark's `tcp.analysis`. */
const COUNTS = {
  /** Which of the two a segment is, both guess by the time; that it is one of them is sure. */
  repeated: {
    ours: ({ up, down }: LegView) => up.retransmits + down.retransmits + up.outOfOrder + down.outOfOrder,
    theirs: ["retransmission", "out_of_order"],
  },
  duplicateAcks: {
    ours: ({ up, down }: LegView) => up.duplicateAcks + down.duplicateAcks,
    theirs: ["duplicate_ack"],
  },
  zeroWindows: { ours: ({ up, down }: LegView) => up.zeroWindows + down.zeroWindows, theirs: ["zero_window"] },
  keepalives: { ours: ({ up, down }: LegView) => up.keepalives + down.keepalives, theirs: ["keep_alive"] },
} as const satisfies Record<string, { ours: (leg: LegView) => number; theirs: readonly Remark[] }>;
type Count = keyof typeof COUNTS;
const NAMES = Object.keys(COUNTS) as Count[];

interface Tally {
  legs: number;
  equal: Record<Count, number>;
  sum: Record<Count, number>;
  /** Legs for which l4scope counts more than tshark. */
  more: Record<Count, number>;
}

/** Compares the legs whose frames are a stream of their own, none of which passed the point twice. */
async function tally(path: string, into: Tally): Promise<void> {
  const theirs = (await tsharkTcp(path)).frames.filter((frame) => !frame.isQuote);
  const { tracker, frames } = await followCapture(path);
  const framesOf = new Map<number, TsharkFrame[]>();
  const legsOfStream = new Map<number, Set<number>>();
  for (const frame of theirs) {
    const leg = frames[frame.frame - 1]?.leg ?? -1;
    const its = framesOf.get(leg);
    if (its) its.push(frame);
    else framesOf.set(leg, [frame]);
    legsOfStream.set(frame.stream, (legsOfStream.get(frame.stream) ?? new Set()).add(leg));
  }
  for (const leg of new LegView(tracker).all()) {
    const seen = framesOf.get(leg.leg) ?? [];
    const stream = seen[0]?.stream ?? -1;
    if (leg.protocol !== TCP || legsOfStream.get(stream)?.size !== 1) continue;
    if (leg.up.copies + leg.down.copies > 0 || seen.length !== leg.up.packets + leg.down.packets) continue;
    into.legs++;
    for (const name of NAMES) {
      const ours = COUNTS[name].ours(leg);
      const remarks: readonly Remark[] = COUNTS[name].theirs;
      const counted = seen.filter((frame) => remarks.some((remark) => frame.remarks.has(remark))).length;
      into.sum[name] += ours;
      if (ours === counted) into.equal[name]++;
      if (ours > counted) into.more[name]++;
    }
  }
}

const zero = (): Record<Count, number> => ({ repeated: 0, duplicateAcks: 0, zeroWindows: 0, keepalives: 0 });
const newTally = (): Tally => ({ legs: 0, equal: zero(), sum: zero(), more: zero() });

describe.skipIf(requires({ tool: "tshark" }).missing)(
  "what l4scope counts of repeated segments is what tshark remarks on",
  () => {
    it("in scripted conversations", async () => {
      const begin = (port: number) =>
        tcpConversation({ client: `10.1.0.1:${port}`, server: "192.0.2.10:443", start: port - 40_000 }).handshake();
      const scripts = [
        begin(40_001).keepalive("up", { after: 10 }).keepalive("up", { after: 10 }).keepalive("down", { after: 5 }),
        begin(40_101).send("down", 9000).zeroWindow("up").windowOpens("up", { after: 1 }).send("down", 500),
        begin(40_201).send("up", 700, { ack: false }).retransmit("up").retransmit("up", { after: 0.4 }).ack("down"),
        begin(40_301).fin("up", { half: true }).retransmit("up", { after: 0.3 }).send("down", 10),
        tcpConversation({ client: "10.1.0.1:40401", server: "192.0.2.10:443", start: 401 })
          .syn({ retries: [1, 3] })
          .synAck()
          .retransmit("down", { after: 1 })
          .ack("up"),
        lostSegment(begin(40_501)),
      ];
      const path = temporaryFile(
        pcapFile(inOrder(...scripts.map((script) => script.packets())), { resolution: "nano" }),
      );
      const result = newTally();
      await tally(path, result);
      expect(result).toEqual({
        legs: 6,
        sum: { repeated: 7, duplicateAcks: 3, zeroWindows: 1, keepalives: 3 },
        equal: { repeated: 6, duplicateAcks: 6, zeroWindows: 6, keepalives: 6 },
        more: zero(),
      });
    });
  },
);

/** A segment that is lost before this point: three duplicate acknowledgements, then it comes again. */
function lostSegment(script: TcpConversation): TcpConversation {
  script.send("down", 100);
  const [base, acked] = [script.leg().segments.at(-2), script.leg().segments.at(-1)];
  if (!base || !acked) throw new Error("a segment and its acknowledgement were expected");
  const next = base.seq + 100;
  for (const segment of [1, 2, 3]) {
    script.raw({ direction: "down", flags: "PA", seq: next + segment * 100, payload: new Uint8Array(100) });
    script.raw({ direction: "up", flags: "A", ack: next, window: acked.window, ipId: 9000 + segment });
  }
  return script.raw({ direction: "down", flags: "PA", seq: next, payload: new Uint8Array(100), after: 0.25 });
}

describe.skipIf(needs.missing)("what l4scope counts of repeated segments is what tshark remarks on", () => {
  it("in runs of load balancers, with loss and without", async () => {
    const result = newTally();
    const { labelled } = referenceCaptures();
    for (const path of all ? labelled : onePerScenario(labelled)) await tally(path, result);
    console.info(JSON.stringify(result));

    expect(result.legs).toBeGreaterThan(4000);
    expect(result.sum.repeated).toBeGreaterThan(300);
    expect(result.equal.repeated).toBe(result.legs);
    expect(result.equal.zeroWindows).toBe(result.legs);
    expect(result.equal.keepalives).toBe(result.legs);
    // RFC 5681 knows a duplicate only while data is under way: tshark counts the answers to needless repetitions too.
    expect(result.sum.duplicateAcks).toBeGreaterThan(20);
    expect(result.more.duplicateAcks).toBe(0);
    expect(result.equal.duplicateAcks / result.legs).toBeGreaterThan(0.998);
  }, 600_000);
});
