import ipaddr from "ipaddr.js";
import { describe, expect, test } from "vitest";
import { TCP, UDP } from "../../src/decode/packet.ts";
import type { AddressWords } from "../../src/flow/leg-view.ts";
import { communityId } from "../../src/report/community-id.ts";

/** From the baseline of https://github.com/corelight/community-id-spec at b1fe530. */
const PUBLISHED: [number, string, number, string, number, number, string][] = [
  [TCP, "1.2.3.4", 1122, "5.6.7.8", 3344, 0, "1:wCb3OG7yAFWelaUydu0D+125CLM="],
  [TCP, "1.2.3.4", 1122, "5.6.7.8", 3344, 1, "1:HhA1B+6CoLbiKPEs5nhNYN4XWfk="],
  [UDP, "1.2.3.4", 1122, "5.6.7.8", 3344, 0, "1:0Mu9InQx6z4ZiCZM/7HXi2WMhOg="],
  [TCP, "128.232.110.120", 34855, "66.35.250.204", 80, 0, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="],
  [UDP, "192.168.1.52", 54585, "8.8.8.8", 53, 0, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="],
  [
    TCP,
    "2001:470:e5bf:dead:4957:2174:e82c:4887",
    63943,
    "2607:f8b0:400c:c03::1a",
    25,
    0,
    "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=",
  ],
];

describe("published community IDs", () => {
  test.each(PUBLISHED)("%i %s:%i > %s:%i, seed %i", (protocol, src, srcPort, dst, dstPort, seed, expected) => {
    const [a, b] = [words(src), words(dst)];
    expect(communityId({ protocol, src: a, srcPort, dst: b, dstPort }, seed)).toBe(expected);
    expect(communityId({ protocol, src: b, srcPort: dstPort, dst: a, dstPort: srcPort }, seed)).toBe(expected);
  });
});

test("one address on both sides: the port decides, and 128.0.0.0 is more than 1.0.0.0", () => {
  const own = words("128.0.0.1");
  const flow = { protocol: TCP, src: own, srcPort: 9, dst: own, dstPort: 80 };
  expect(communityId(flow)).toBe(communityId({ ...flow, srcPort: 80, dstPort: 9 }));
  expect(communityId(flow)).not.toBe(communityId({ ...flow, srcPort: 80, dstPort: 80 }));
});

function words(text: string): AddressWords {
  const parsed = ipaddr.parse(text);
  const bytes = (parsed instanceof ipaddr.IPv4 ? parsed.toIPv4MappedAddress() : parsed).toByteArray();
  const view = new DataView(Uint8Array.from(bytes).buffer);
  return [view.getInt32(0), view.getInt32(4), view.getInt32(8), view.getInt32(12)];
}
