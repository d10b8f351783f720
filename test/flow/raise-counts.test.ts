import { expect, it } from "vitest";
import { tcpConversation } from "../../fixtures/packets/conversation.ts";
import { legOutcome } from "../../src/flow/leg-outcome.ts";
import { raiseCounts } from "../../src/flow/raise-counts.ts";
import { follow, legsOf } from "./follow.ts";

const words = (last: number) => [0, 0, 0xffff, last] as const;
const CLIENT = words(0x0a010015);
const SERVER = words(0xc000020a | 0);

it("completes a leg by what its source counted besides, and takes nothing away", () => {
  const script = tcpConversation({ client: "10.1.0.21:40000", server: "192.0.2.10:443" }).handshake();
  const tracker = follow(script.packets());
  const before = legsOf(tracker)[0]!.down;
  const headers = before.wireBytes / before.packets;
  const counter = {
    interface: 0,
    protocol: 6,
    src: SERVER,
    dst: CLIENT,
    srcPort: 443,
    dstPort: 40_000,
    packets: before.packets + 100,
    bytes: before.wireBytes + 100 * (headers + 1000),
    lastTime: 60e9,
  };
  expect(raiseCounts(tracker, counter)).toBe(0);
  expect(raiseCounts(tracker, { ...counter, packets: 1, bytes: 1, lastTime: 1 })).toBe(0);
  const [leg] = legsOf(tracker);
  expect([leg!.down.packets, leg!.down.payloadBytes, leg!.end, legOutcome(leg!)]).toEqual([101, 100_000, 60e9, "open"]);
  expect(leg!.up.packets).toBe(2);
  expect(raiseCounts(tracker, { ...counter, srcPort: 444 })).toBe(-1);
});
