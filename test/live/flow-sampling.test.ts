import { describe, expect, it } from "vitest";
import { at } from "../../fixtures/packets/capture-file.ts";
import { tcpConversation } from "../../fixtures/packets/conversation.ts";
import { Decoder } from "../../src/decode/decode.ts";
import { Packet } from "../../src/decode/packet.ts";
import { isFollowed, type Load, SamplingControl } from "../../src/live/flow-sampling.ts";

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
  const run = (control: SamplingControl, from: number, to: number, load: (second: number) => Partial<Load>) => {
    for (let second = from; second < to; second += 0.5) {
      control.update(second, { busyShare: 0.2, lagSeconds: 0, lost: 0, ...load(second) });
    }
    return control.rate;
  };

  it("halves while the session holds a stream up, and grows again when it has been calm for a while", () => {
    const control = new SamplingControl();
    const late = () => ({ busyShare: 1, lagSeconds: 3 });
    expect(run(control, 0, 10, () => ({ lagSeconds: 0.1 }))).toBe(1);
    expect(run(control, 10, 12, late)).toBe(2);
    expect(run(control, 12, 18, late)).toBe(16);
    expect(run(control, 18, 32, () => ({}))).toBe(16);
    expect(run(control, 32, 35, () => ({}))).toBe(8);
    expect(run(control, 35, 120, () => ({}))).toBe(1);
  });

  it("halves where a writer drops what finds no room: never late, and never a pause", () => {
    const control = new SamplingControl();
    expect(run(control, 0, 3, () => ({ busyShare: 0.99, lagSeconds: 0.3 }))).toBe(1);
    expect(run(control, 3, 4, () => ({ busyShare: 0.99, lagSeconds: 0.3 }))).toBe(2);
  });

  it("stays where a stream is late by itself, or is read faster than it was written", () => {
    const control = new SamplingControl();
    expect(run(control, 0, 60, () => ({ busyShare: 0.3, lagSeconds: 20 }))).toBe(1);
    expect(run(control, 60, 90, (second) => ({ busyShare: 1, lagSeconds: 20 - (second - 60) / 2 }))).toBe(1);
    expect(run(control, 90, 200, () => ({ busyShare: 1, lagSeconds: Number.NaN }))).toBe(1);
  });

  it("does not grow where twice the work would be too much", () => {
    const control = new SamplingControl();
    expect(run(control, 0, 2, () => ({ busyShare: 1, lagSeconds: 3 }))).toBe(2);
    expect(run(control, 2, 200, () => ({ busyShare: 0.7 }))).toBe(2);
  });

  it("halves when a source loses packets, and not for what it lost before", () => {
    const control = new SamplingControl();
    const lost = (second: number, packets: number) =>
      control.update(second, { busyShare: 0.2, lagSeconds: Number.NaN, lost: packets });
    lost(0, 0);
    lost(5, 100);
    lost(10, 100);
    expect(control.rate).toBe(2);
    lost(12, 101);
    expect(control.rate).toBe(4);
    for (let second = 13; second < 1000; second++) lost(second, 101 + second);
    expect(control.rate).toBe(1024);
  });
});
