import { expect, test } from "vitest";
import { type PacketBuilder, packet } from "../../fixtures/packets/packet.ts";
import { MAX_DEPTH } from "../../src/decode/encapsulation.ts";
import { NOTHING } from "../../src/decode/packet.ts";
import { decode, flowOf, layersOf } from "./decoded.ts";
import { FLOW4, FLOW6, TCP4, TCP6 } from "./packets.ts";

test("labels, outermost first, and IP of both versions", () => {
  const labelled = packet().ethernet().mpls(16001).mpls(0xfffff, { ttl: 1 });
  const p = decode(labelled.carrying(TCP4));
  expect([flowOf(p), layersOf(p)]).toEqual([FLOW4, ["mpls 16001", "mpls 1048575"]]);
  expect(flowOf(decode(labelled.carrying(TCP6)))).toBe(FLOW6);
});

test("Ethernet in a pseudowire with a control word", () => {
  const controlWord = Uint8Array.of(0, 0, 0, 9);
  const frame = packet().ethernet().carrying(TCP4).build();
  const p = decode(packet().ethernet().mpls(300).payload(controlWord).payload(frame));
  expect([flowOf(p), layersOf(p)]).toEqual([FLOW4, ["mpls 300"]]);
});

test("something else below the labels is nothing", () => {
  const p = decode(
    packet()
      .ethernet()
      .mpls(300)
      .payload(Uint8Array.of(0x90, 1, 2, 3)),
  );
  expect(p).toMatchObject({ kind: NOTHING, cut: false });
});

test("labels without an end are cut, or too deep", () => {
  const label = (packetSoFar: PacketBuilder) => packetSoFar.mpls(1, { bottom: false });
  let labels = label(packet().ethernet());
  expect(decode(labels)).toMatchObject({ kind: NOTHING, cut: true });
  for (let i = 1; i < 2 * MAX_DEPTH; i++) labels = label(labels);
  const p = decode(labels.mpls(2).carrying(TCP4));
  expect([p.kind, p.encapsulation.depth]).toEqual([NOTHING, MAX_DEPTH]);
});
