import { describe, expect, test } from "vitest";
import { IS_TCP, IS_UDP, NOTHING } from "../../src/decode/packet.ts";
import { decode, flowOf, layersOf, macsOf, recordOf } from "./decoded.ts";
import { FLOW4, FLOW6 } from "./packets.ts";
import { FLOW_SAMPLES, OTHER_SAMPLES } from "./samples.ts";

describe.each(FLOW_SAMPLES)("$name", ({ packet, linkType }) => {
  const bytes = packet.build();
  const whole = decode(bytes, { linkType });
  // the decoder leaves its cursor at the TCP header, and behind the UDP header
  const neededBytes = whole.kind === IS_TCP ? whole.offset + 20 : whole.offset;

  test("is read whole", () => {
    expect([IS_TCP, IS_UDP]).toContain(whole.kind);
    expect([FLOW4, FLOW6]).toContain(flowOf(whole));
    expect([whole.cut, whole.payloadCaptured]).toEqual([false, whole.payloadLength]);
  });

  test("cut before the transport header's end it is nothing, or a tunnel that does not show yet", () => {
    for (let captured = 0; captured < neededBytes; captured++) {
      const p = decode(bytes, { linkType, captured });
      if (p.kind === NOTHING) expect(p.cut).toBe(true);
      else expect([p.kind, p.srcPort, whole.encapsulation.depth > 0]).toEqual([IS_UDP, 50_000, true]);
    }
  });

  test("cut behind it says the same of the flow as when it is whole", () => {
    for (let captured = neededBytes; captured <= bytes.length; captured++) {
      const p = decode(bytes, { linkType, captured });
      expect([p.kind, flowOf(p), p.flags, p.seq, p.window]).toEqual([
        whole.kind,
        flowOf(whole),
        whole.flags,
        whole.seq,
        whole.window,
      ]);
      expect([layersOf(p), macsOf(p), p.ttl, p.ipId]).toEqual([layersOf(whole), macsOf(whole), whole.ttl, whole.ipId]);
      expect([p.payloadOffset, p.payloadLength]).toEqual([whole.payloadOffset, whole.payloadLength]);
      expect(p.payloadCaptured).toBe(Math.max(0, Math.min(whole.payloadLength, captured - p.payloadOffset)));
      expect(p.cut).toBe(captured < p.payloadOffset);
    }
  });
});

describe.each(OTHER_SAMPLES)("$name", ({ packet, linkType }) => {
  test("is read as far as it goes, and the same however it is cut", () => {
    const bytes = packet.build();
    const whole = decode(bytes, { linkType });
    for (let captured = 0; captured <= bytes.length; captured++) {
      const p = decode(bytes, { linkType, captured });
      if (p.ipVersion === whole.ipVersion && whole.ipVersion !== 0) {
        expect([p.ttl, p.ipId]).toEqual([whole.ttl, whole.ipId]);
      }
      if (p.kind === NOTHING && whole.kind !== NOTHING) expect(p.cut).toBe(true);
    }
    expect(whole.cut).toBe(false);
  });
});

test("a record used for one packet after another says the same as a fresh one", () => {
  const used = decode(FLOW_SAMPLES[0]?.packet ?? new Uint8Array(0));
  for (const { packet, linkType, name } of [...OTHER_SAMPLES, ...FLOW_SAMPLES].flatMap((one) => [
    one,
    ...FLOW_SAMPLES,
  ])) {
    const fresh = decode(packet, { linkType });
    decode(packet, { linkType, into: used });
    expect([name, recordOf(used)]).toEqual([name, recordOf(fresh)]);
  }
});
