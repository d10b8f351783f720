import { readFileSync, statSync } from "node:fs";
import { Readable } from "node:stream";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pcapFile, type TimedPacket } from "../../fixtures/packets/capture-file.ts";
import { openCapture } from "../../src/capture/open.ts";
import { CaptureError } from "../../src/capture/reader.ts";
import { TimeBase } from "../../src/capture/time-base.ts";
import { connState, tcpState } from "../../src/flow/conn-state.ts";
import { legOutcome } from "../../src/flow/leg-outcome.ts";
import { LegView } from "../../src/flow/leg-view.ts";
import { FlowTracker } from "../../src/flow/tracker.ts";
import { trackCapture } from "../../src/offline/track-capture.ts";
import { everyNth, referenceCaptures } from "../flow/reference-captures.ts";
import { mutate, mutation, packetsOfEveryKind, wholeCaptures } from "./mutated-captures.ts";

const MAX_LEGS = 64;
/** A capture of some kB takes a millisecond or two; this is a hang. */
const HANG_MS = 5000;

/** Reads, decodes and tracks; what a reader may refuse is refused with a message for the user. */
async function track(bytes: Uint8Array, tracker = new FlowTracker({ maxLegs: MAX_LEGS })): Promise<FlowTracker> {
  const stdin = Readable.from([Buffer.from(bytes)]);
  const reader = await openCapture("-", { timeBase: new TimeBase(), stdin }).catch((error: unknown) => {
    if (error instanceof CaptureError) return null;
    throw error;
  });
  if (reader === null) return tracker;
  try {
    await trackCapture(reader, tracker);
  } finally {
    await reader.close();
  }
  return tracker;
}

/** Everything that later rooms read of a tracker can be read, and is within its bounds. */
function expectSound(tracker: FlowTracker): void {
  const { legs, totals, points, events, neighbourhood, claims, contexts } = tracker;
  expect(legs.live).toBeLessThanOrEqual(MAX_LEGS);
  expect(legs.count).toBeLessThanOrEqual(MAX_LEGS);
  let onLegs = 0;
  let living = 0;
  for (const leg of new LegView(tracker).all()) {
    living++;
    onLegs += leg.up.packets + leg.down.packets;
    for (const side of [leg.up, leg.down]) {
      expect(side.copies).toBeLessThanOrEqual(side.packets);
      expect(side.retransmits + side.outOfOrder + side.keepalives + side.duplicateAcks).toBeLessThanOrEqual(
        2 * side.packets,
      );
      expect(side.wireBytes).toBeGreaterThanOrEqual(0);
    }
    expect(leg.history).toMatch(/^[SHADFRTWGshadfrtwg]*$/);
    expect(connState(leg)).toMatch(/^(S[0-3F]|REJ|RST(O|R|OS0|RH)|SHR?|OTH)$/);
    expect(tcpState(leg)).toMatch(/^[A-Z0-9-]+$/);
    expect(legOutcome(leg)).toMatch(/^(ok|refused|reset|timeout|open)$/);
    expect([...events.of(legs, leg.leg)].every((event) => event.leg === leg.leg)).toBe(true);
  }
  expect(living).toBe(legs.live);
  expect(onLegs).toBeLessThanOrEqual(totals.packets);
  expect(points.list.reduce((sum, point) => sum + point.packets, 0)).toBe(totals.packets);
  expect(claims.length).toBeLessThanOrEqual(MAX_LEGS);
  expect(contexts.list.length).toBeLessThanOrEqual(65_537);
  expect(points.list.length).toBeLessThanOrEqual(4096);
  expect(neighbourhood.messages.length).toBeLessThanOrEqual(20_000);
}

function sources(): Uint8Array[] {
  const { withTcp, withoutTcp } = referenceCaptures();
  const small = [...everyNth(withTcp, 4), ...everyNth(withoutTcp, 15)].filter((path) => statSync(path).size < 20_000);
  return [...wholeCaptures(), ...small.map((path) => readFileSync(path))];
}

describe("a capture that is damaged", () => {
  it("in any way is read, decoded and tracked without harm: 5,000 times", async () => {
    const captures = sources();
    let tracked = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.nat(captures.length - 1),
        fc.array(mutation, { minLength: 1, maxLength: 8 }),
        async (choice, mutations) => {
          const bytes = captures[choice] ?? new Uint8Array(0);
          const begin = performance.now();
          const tracker = await track(mutate(bytes, mutations));
          expectSound(tracker);
          if (tracker.totals.packets > 0) tracked++;
          expect(performance.now() - begin).toBeLessThan(HANG_MS);
        },
      ),
      { numRuns: 5000 },
    );
    // many of them must come past the reader's door
    expect(tracked).toBeGreaterThan(1500);
  }, 300_000);

  it("in its packets only is decoded and tracked without harm: 5,000 times", async () => {
    const whole = packetsOfEveryKind();
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            packet: fc.nat(whole.length - 1),
            mutations: fc.array(mutation, { minLength: 1, maxLength: 4 }),
          }),
          {
            minLength: 1,
            maxLength: 40,
          },
        ),
        fc.constantFrom(40, 96, 262_144),
        async (damages, snapLength) => {
          const packets = whole.slice();
          for (const { packet, mutations } of damages) {
            const one = packets[packet] as TimedPacket;
            packets[packet] = { ...one, bytes: mutate(one.bytes, mutations) };
          }
          const tracker = await track(pcapFile(packets, { snapLength }));
          expect(tracker.totals.packets).toBe(packets.length);
          expectSound(tracker);
        },
      ),
      { numRuns: 5000 },
    );
  }, 300_000);

  it("fills no more memory than its bounds, however long it goes on", async () => {
    const whole = packetsOfEveryKind();
    const tracker = new FlowTracker({ maxLegs: MAX_LEGS });
    const measure = () => process.memoryUsage().arrayBuffers;
    let settled = 0;
    let seed = 1;
    const random = () => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return seed / 2 ** 32;
    };
    for (let round = 0; round < 400; round++) {
      const packets = whole.map((one) => ({
        ...one,
        bytes: mutate(one.bytes, [{ kind: "byte", place: random(), value: Math.floor(random() * 256), length: 1 }]),
      }));
      await track(pcapFile(packets), tracker);
      if (round === 200) settled = measure();
    }
    expectSound(tracker);
    expect(tracker.totals.packets).toBe(400 * whole.length);
    expect(tracker.events.count).toBeLessThanOrEqual(400_000);
    // Events take 128 bytes each until their limit; nothing else may grow.
    expect(measure() - settled).toBeLessThan(64e6);
  }, 300_000);
});
