import { describe, expect, it } from "vitest";
import { at } from "../../fixtures/packets/capture-file.ts";
import { tcpConversation } from "../../fixtures/packets/conversation.ts";
import { Decoder } from "../../src/decode/decode.ts";
import { Packet } from "../../src/decode/packet.ts";
import { isFollowed, SamplingControl } from "../../src/live/flow-sampling.ts";

const packet = new Packet();
const decoder = new Decoder();

function follows(bytes: Uint8Array, rate: number): boolean {
  decoder.decode(
    packet,
    new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    0,
    bytes.length,
    bytes.length,
    1,
  );
  return isFollowed(packet, rate);
}

describe("conversations that are followed when not all can be", () => {
  it("are followed whole: both directions, and both sides of a destination NAT", () => {
    let followed = 0;
    for (let i = 0; i < 2000; i++) {
      const client = `10.${i & 3}.${i >> 5}.${i & 31}:${20_000 + i * 13}`;
      const answers = ["192.0.2.10:443", "10.2.0.11:8443"].flatMap((server) =>
        tcpConversation({ client, server })
          .handshake()
          .packets()
          .map(({ bytes }) => follows(bytes, 8)),
      );
      expect(new Set(answers).size).toBe(1);
      if (answers[0]) followed++;
    }
    expect(followed).toBeGreaterThan(2000 / 8 / 1.4);
    expect(followed).toBeLessThan((2000 / 8) * 1.4);
  });

  it("at a lower rate are among those of the higher", () => {
    for (let i = 0; i < 500; i++) {
      const [first] = tcpConversation({ client: `10.0.0.9:${10_000 + i}`, server: "192.0.2.10:443" })
        .syn()
        .packets();
      const bytes = (first ?? at(0, new Uint8Array())).bytes;
      if (follows(bytes, 16)) expect(follows(bytes, 4)).toBe(true);
      expect(follows(bytes, 1)).toBe(true);
    }
  });
});

describe("how many are followed", () => {
  it("halves while the session is behind, and grows again when it has been calm for a while", () => {
    const control = new SamplingControl();
    const rates: number[] = [];
    const step = (from: number, to: number, behind: number) => {
      for (let second = from; second < to; second += 0.5) control.update(second, behind, 0);
      rates.push(control.rate);
    };
    step(0, 10, 0.1);
    step(10, 11, 3);
    step(11, 17, 3);
    step(17, 30, 0.2);
    step(30, 33, 0.2);
    step(33, 120, 0.2);
    expect(rates).toEqual([1, 2, 16, 16, 8, 1]);
  });

  it("halves when a source loses packets, and not for what it lost before", () => {
    const control = new SamplingControl();
    control.update(0, 0, 0);
    control.update(5, 0, 100);
    control.update(10, 0, 100);
    expect(control.rate).toBe(2);
    control.update(12, 0, 101);
    expect(control.rate).toBe(4);
    for (let second = 13; second < 1000; second++) control.update(second, 0, 101 + second);
    expect(control.rate).toBe(1024);
  });
});
