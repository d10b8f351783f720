import { describe, expect, test } from "vitest";
import { zeros } from "../../fixtures/packets/bytes.ts";
import { packet } from "../../fixtures/packets/packet.ts";
import { mss, timestamps } from "../../fixtures/packets/tcp-options.ts";
import { IS_TCP, IS_UDP, NOTHING, OPT_MSS, OPT_TIMESTAMPS } from "../../src/decode/packet.ts";
import { decode, flowOf } from "./decoded.ts";
import { CLIENT4, CLIENT6, FLOW4, UDP4 } from "./packets.ts";

const ports = { src: 40001, dst: 443 };
const ipv4 = packet().ethernet().ipv4(CLIENT4);

describe("TCP", () => {
  test("every field", () => {
    const segment = ipv4.tcp({ ...ports, seq: 0xfedcba98, ack: 0x12345678, flags: "SAEC", window: 65_535 });
    const p = decode(segment.payload("hello"));
    expect(p).toMatchObject({ kind: IS_TCP, seq: 0xfedcba98 | 0, ack: 0x12345678, flags: 0xd2, window: 65_535 });
    expect(p).toMatchObject({ srcPort: 40001, dstPort: 443, payloadOffset: 54, payloadLength: 5, payloadCaptured: 5 });
    expect(p).toMatchObject({ optionsSeen: 0, toaKind: 0, cut: false });
  });

  test("ports from 0 to 65535", () => {
    expect(decode(ipv4.tcp({ src: 65_535, dst: 0 }))).toMatchObject({ srcPort: 65_535, dstPort: 0 });
    expect(decode(ipv4.tcp({ src: 0, dst: 65_535 }))).toMatchObject({ srcPort: 0, dstPort: 65_535 });
  });

  test("the option list of established connections", () => {
    const p = decode(ipv4.tcp({ ...ports, options: [Uint8Array.of(1, 1), timestamps(0xf0000001, 8)] }).payload("hi"));
    expect(p).toMatchObject({ optionsSeen: OPT_TIMESTAMPS, tsValue: 0xf0000001 | 0, tsEcho: 8, payloadLength: 2 });
  });

  test("options of one packet are not those of the next", () => {
    const p = decode(ipv4.tcp({ ...ports, flags: "S", options: [mss(1460)] }));
    expect(p.optionsSeen).toBe(OPT_MSS);
    expect(decode(ipv4.tcp(ports), { into: p }).optionsSeen).toBe(0);
  });

  test("a header of less than 20 bytes is nothing", () => {
    for (const headerWords of [0, 4]) expect(decode(ipv4.tcp({ ...ports, headerWords })).kind).toBe(NOTHING);
  });

  test("a header that claims more than the segment has is cut, and has no payload", () => {
    const p = decode(ipv4.tcp({ ...ports, headerWords: 15 }).payload("hello"));
    expect(p).toMatchObject({ kind: IS_TCP, cut: true, payloadLength: 0, payloadCaptured: 0 });
  });
});

describe("UDP", () => {
  test("every field", () => {
    const p = decode(packet().ethernet().carrying(UDP4));
    expect(p).toMatchObject({ kind: IS_UDP, srcPort: 40001, dstPort: 443, payloadOffset: 42, payloadLength: 5 });
    expect([flowOf(p), p.payloadCaptured]).toEqual([FLOW4, 5]);
  });

  test("its length leaves out what follows in the datagram", () => {
    const p = decode(ipv4.udp({ ...ports, length: 11 }).payload("hello"));
    expect(p).toMatchObject({ payloadLength: 3, payloadCaptured: 3 });
    expect(decode(ipv4.udp({ ...ports, length: 8 }).payload("hello"))).toMatchObject({ payloadLength: 0 });
  });

  test.each([0, 7, 14, 65_535])("a length of %i is a lie, the datagram's counts", (length) => {
    expect(decode(ipv4.udp({ ...ports, length }).payload("hello"))).toMatchObject({ kind: IS_UDP, payloadLength: 5 });
  });

  test("offload above 64 KiB: no length anywhere", () => {
    const big = packet()
      .ethernet()
      .ipv6({ ...CLIENT6, payloadLength: 0 })
      .udp({ ...ports, length: 0 });
    expect(decode(big.payload(zeros(70_000)))).toMatchObject({ kind: IS_UDP, payloadLength: 70_000 });
  });
});
