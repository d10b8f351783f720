import { resolve } from "node:path";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { LINKTYPE } from "../../fixtures/packets/link.ts";
import { type PacketBuilder, packet } from "../../fixtures/packets/packet.ts";
import { Decoder } from "../../src/decode/decode.ts";
import { MAX_DEPTH } from "../../src/decode/encapsulation.ts";
import { IS_FRAGMENT, IS_TCP, IS_UDP, Packet } from "../../src/decode/packet.ts";
import { projectDir, requires } from "../support/requirement.ts";
import { captureFiles, type Frame, framesOf } from "./corpus.ts";
import { recordOf } from "./decoded.ts";
import { OUTER4, OUTER6, TCP4, TCP6 } from "./packets.ts";
import { FLOW_SAMPLES, OTHER_SAMPLES } from "./samples.ts";

const CAPTURES = "../shared/captures";
const LINK_TYPES = [...Object.values(LINKTYPE), 12, 14, 104];

/** One decoder for all of them, so that what a packet leaves in its memory meets the next. */
const decoder = new Decoder();

type Bytes = Pick<Frame, "bytes" | "linkType" | "wireLength">;

/** Decodes bytes that fill their buffer, so that a read outside of them throws, and checks what every record keeps. */
function expectSound({ bytes, linkType, wireLength }: Bytes): void {
  const p = new Packet();
  // a buffer of their own
  const view = new DataView(Uint8Array.from(bytes).buffer);
  decoder.decode(p, view, 0, bytes.length, wireLength, linkType);
  expect(p.encapsulation.depth).toBeLessThanOrEqual(MAX_DEPTH);
  expect(p.end).toBeGreaterThanOrEqual(0);
  expect(p.end).toBeLessThanOrEqual(bytes.length);
  for (const [field, value] of Object.entries(p)) {
    if (typeof value !== "number" || field === "time") continue;
    if (value !== (value | 0)) throw new Error(`${field} is no 32-bit word: ${value}`);
  }
  if (p.kind === IS_TCP || p.kind === IS_UDP || p.kind === IS_FRAGMENT) {
    for (const port of [p.srcPort, p.dstPort]) expect(port === (port & 0xffff)).toBe(true);
    expect([4, 6]).toContain(p.ipVersion);
    expect(p.payloadLength).toBeGreaterThanOrEqual(0);
    expect(p.payloadCaptured).toBeGreaterThanOrEqual(0);
    expect(p.payloadCaptured).toBeLessThanOrEqual(p.payloadLength);
    if (p.payloadCaptured > 0) expect(p.payloadOffset + p.payloadCaptured).toBeLessThanOrEqual(bytes.length);
  }
  // every group that is valid can be read
  recordOf(p);
}

/** One change: where (as a share of the length) and what. */
const change = fc.oneof(
  { weight: 4, arbitrary: fc.record({ what: fc.constant("byte" as const), at: share(), value: fc.nat(255) }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant("length" as const), at: share(), value: oddLengths() }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant("cut" as const), at: share() }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant("repeat" as const), at: share(), to: share() }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant("noise" as const), at: share(), noise: fc.uint8Array() }) },
);
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

function share(): fc.Arbitrary<number> {
  return fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
}

/** Values that length fields lie with. */
function oddLengths(): fc.Arbitrary<number> {
  return fc.oneof(fc.constantFrom(0, 1, 4, 7, 8, 0x7fff, 0x8000, 0xffff), fc.nat(0xffff));
}

function changed(bytes: Uint8Array, by: Change): Uint8Array {
  const at = Math.floor(by.at * bytes.length);
  switch (by.what) {
    case "byte": {
      const copy = Uint8Array.from(bytes);
      copy[at] = by.value;
      return copy;
    }
    case "length": {
      const copy = Uint8Array.from(bytes);
      copy[at] = by.value >>> 8;
      copy[at + 1] = by.value;
      return copy;
    }
    case "cut":
      return bytes.slice(0, at);
    case "repeat": {
      const part = bytes.slice(at, Math.floor(by.to * bytes.length));
      return Uint8Array.from([...bytes.slice(0, at), ...part, ...part, ...bytes.slice(at)]);
    }
    case "noise":
      return Uint8Array.from([...bytes.slice(0, at), ...by.noise, ...bytes.slice(at)]);
  }
}

function mutationsOf(frames: readonly Bytes[]): fc.Arbitrary<Bytes> {
  return fc
    .record({
      index: fc.nat(frames.length - 1),
      changes: fc.array(change, { minLength: 1, maxLength: 6 }),
      more: fc.option(fc.nat(0xffff), { freq: 4 }),
      linkType: fc.option(fc.constantFrom(...LINK_TYPES), { freq: 6 }),
    })
    .map(({ index, changes, more, linkType }) => {
      const frame = frames[index] ?? { bytes: new Uint8Array(0), linkType: 1, wireLength: 0 };
      const bytes = changes.reduce(changed, frame.bytes);
      return { bytes, linkType: linkType ?? frame.linkType, wireLength: bytes.length + (more ?? 0) };
    });
}

const SAMPLES = [...FLOW_SAMPLES, ...OTHER_SAMPLES].map(({ packet: builder, linkType }): Bytes => {
  const bytes = builder.build();
  return { bytes, linkType, wireLength: bytes.length };
});

// Each run has a seed of its own; fast-check prints it, and the path to the shortest case, where one fails.

test("10,000 mutated packets of every kind are decoded soundly", () => {
  fc.assert(fc.property(mutationsOf(SAMPLES), expectSound), { numRuns: 10_000 });
});

test("bytes without any sense are decoded soundly", () => {
  const anything = fc.record({ bytes: fc.uint8Array({ maxLength: 200 }), linkType: fc.constantFrom(...LINK_TYPES) });
  const property = fc.property(anything, ({ bytes, linkType }) =>
    expectSound({ bytes, linkType, wireLength: bytes.length }),
  );
  fc.assert(property, { numRuns: 5_000 });
});

describe("nesting made to be endless", () => {
  const nestings: readonly ((around: PacketBuilder) => PacketBuilder)[] = [
    (around) => around.ipv4(OUTER4),
    (around) => around.ipv6(OUTER6),
    (around) => around.ipv6(OUTER6).ipv6Extension("destination").ipv6Extension("routing"),
    (around) => around.ipv4(OUTER4).gre({ key: 1 }),
    (around) => around.ipv4(OUTER4).gre().ethernet(),
    (around) => around.ipv4(OUTER4).gre({ sequence: 1 }).erspan2({ session: 1 }).ethernet(),
    (around) => around.ipv4(OUTER4).udp({ src: 50_000 }).vxlan(1).ethernet(),
    (around) => around.ipv6(OUTER6).udp({ src: 50_000 }).geneve(1).ethernet().vlan(1),
    (around) => around.ipv4(OUTER4).udp({ src: 50_000 }).gue(),
    (around) => around.ipv4(OUTER4).udp({ src: 50_000, dst: 5555 }),
    (around) => around.ipv4(OUTER4).gre().ethernet().vlan(0).vlan(0),
    (around) => around.ipv4(OUTER4).gre().mpls(1).mpls(2),
  ];

  test("ends at MAX_DEPTH, and short of it reaches what is inside", () => {
    const order = fc.array(fc.nat(nestings.length - 1), { minLength: 1, maxLength: 40 });
    const property = fc.property(order, fc.boolean(), (indexes, isIpv6) => {
      const around = indexes.reduce((so, index) => nestings[index]?.(so) ?? so, packet().ethernet());
      const bytes = around.carrying(isIpv6 ? TCP6 : TCP4).build();
      expectSound({ bytes, linkType: LINKTYPE.ethernet, wireLength: bytes.length });
      const p = new Packet();
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      decoder.decode(p, view, 0, bytes.length, bytes.length, LINKTYPE.ethernet);
      // the last nesting may add more than one layer
      if (indexes.length > MAX_DEPTH) expect([p.kind === IS_TCP, p.encapsulation.depth]).toEqual([false, MAX_DEPTH]);
      if (indexes.length <= MAX_DEPTH / 3) expect(p.kind).toBe(IS_TCP);
    });
    fc.assert(property, { numRuns: 500 });
  });
});

describe.skipIf(requires({ path: CAPTURES }).missing)("real captures", () => {
  const frames: Frame[] = [];

  beforeAll(async () => {
    const folder = resolve(projectDir, CAPTURES);
    for (const file of captureFiles(folder)) {
      // a few of each are as good as all; BIG TCP's are too long to be copied 10,000 times
      const some = (await framesOf(folder, file)).filter(({ bytes }) => bytes.length < 4096).slice(0, 5);
      frames.push(...some);
    }
  });

  test("as they are", () => {
    for (const frame of frames) expectSound(frame);
    expect(frames.length).toBeGreaterThan(1000);
  });

  test("10,000 mutations of them", () => {
    fc.assert(fc.property(mutationsOf(frames), expectSound), { numRuns: 10_000 });
  });
});
