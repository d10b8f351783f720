import { describe, expect, test } from "vitest";
import { concat } from "../../fixtures/packets/bytes.ts";
import { packet } from "../../fixtures/packets/packet.ts";
import * as option from "../../fixtures/packets/tcp-options.ts";
import * as P from "../../src/decode/packet.ts";
import { addressText, decode, viaOf } from "./decoded.ts";
import { CLIENT4 } from "./packets.ts";

/** Decodes a segment with these options. */
function withOptions(...options: Uint8Array[]): P.Packet {
  return decode(packet().ethernet().ipv4(CLIENT4).tcp({ src: 40001, dst: 443, options }).payload("hello"));
}

function toaOf(p: P.Packet): string | null {
  if ((p.optionsSeen & P.OPT_TOA) === 0) return null;
  return `${p.toaKind}: ${addressText(p.toa0, p.toa1, p.toa2, p.toa3)} ${p.toaPort}`;
}

test("a SYN's usual options", () => {
  const p = withOptions(
    option.mss(1460),
    option.sackPermitted(),
    option.timestamps(0x89abcdef, 0),
    option.noOperation(),
    option.windowScale(7),
  );
  expect(p.optionsSeen).toBe(P.OPT_MSS | P.OPT_SACK_PERMITTED | P.OPT_TIMESTAMPS | P.OPT_WINDOW_SCALE);
  expect(p).toMatchObject({ mss: 1460, windowScale: 7, tsValue: 0x89abcdef | 0, tsEcho: 0, payloadLength: 5 });
});

test("selective acknowledgements, with timestamps before", () => {
  const nops = concat(option.noOperation(), option.noOperation());
  const p = withOptions(nops, option.timestamps(1, 2), nops, option.sack([10, 20], [30, 40]));
  expect(p.optionsSeen).toBe(P.OPT_SACK | P.OPT_TIMESTAMPS);
});

test("Fast Open, asked for and answered", () => {
  expect(withOptions(option.fastOpen()).optionsSeen).toBe(P.OPT_FAST_OPEN);
  expect(withOptions(option.fastOpen("cookie..")).optionsSeen).toBe(P.OPT_FAST_OPEN);
});

test("others are noted as such", () => {
  expect(withOptions(option.mptcp(0, new Uint8Array(10))).optionsSeen).toBe(P.OPT_OTHER);
  expect(withOptions(option.md5Signature()).optionsSeen).toBe(P.OPT_OTHER);
});

test("a window scale above 14 counts as 14", () => {
  expect(withOptions(option.windowScale(255)).windowScale).toBe(14);
});

describe("addresses that a FullNAT load balancer adds", () => {
  test.each([254, 253, 200])("client, kind %i, IPv4", (kind) => {
    const p = withOptions(option.toa("203.0.113.9:51000", { kind }), option.mss(1400));
    expect([toaOf(p), viaOf(p), p.mss]).toEqual([`${kind}: 203.0.113.9 51000`, null, 1400]);
  });

  test.each([254, 253])("client, kind %i, IPv6", (kind) => {
    const p = withOptions(option.toa("[2001:db8::9]:51000", { kind }));
    expect([toaOf(p), viaOf(p)]).toEqual([`${kind}: 2001:db8::9 51000`, null]);
  });

  test("client and VIP in kind 252", () => {
    // client port and address, tenant, VIP and its port, padding
    const data = [0xc7, 0x38, 203, 0, 113, 9, 0, 0, 0, 5, 192, 0, 2, 10, 0x01, 0xbb, 0, 0];
    const p = withOptions(option.tcpOption(252, Uint8Array.from(data)));
    expect([toaOf(p), viaOf(p), p.viaKind]).toEqual(["252: 203.0.113.9 51000", "192.0.2.10:443", P.VIA_TCP_OPTION]);
  });

  test("client and VIP, without its port, in kind 249", () => {
    const address = (last: number) => [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last];
    const data = [0xc7, 0x38, ...address(9), 0, 0, 5, 0, ...address(0x10)];
    const p = withOptions(option.tcpOption(249, Uint8Array.from(data)));
    expect([toaOf(p), viaOf(p)]).toEqual(["249: 2001:db8::9 51000", "[2001:db8::10]:0"]);
  });

  test("VIP in kind 250, beside the client", () => {
    const client = option.toa("203.0.113.9:51000");
    const p = withOptions(client, option.toa("192.0.2.10:443", { kind: 250 }));
    expect([toaOf(p), viaOf(p)]).toEqual(["254: 203.0.113.9 51000", "192.0.2.10:443"]);
  });

  test("VIPs are gone with the next packet", () => {
    const p = withOptions(option.toa("192.0.2.10:443", { kind: 250 }));
    expect(viaOf(decode(packet().ethernet().ipv4(CLIENT4).tcp({ src: 1, dst: 2 }), { into: p }))).toBeNull();
  });

  test.each([
    [254, 6],
    [252, 8],
    [249, 20],
    [250, 20],
  ])("kind %i with %i bytes is something else", (kind, length) => {
    const p = withOptions(option.tcpOption(kind, new Uint8Array(length - 2)));
    expect([p.optionsSeen, toaOf(p), viaOf(p)]).toEqual([P.OPT_OTHER, null, null]);
  });
});

describe("damaged lists", () => {
  test("what comes before the damage is used", () => {
    for (const length of [0, 1, 200]) {
      const p = withOptions(option.mss(1400), option.tcpOption(30, new Uint8Array(2), length), option.windowScale(7));
      expect(p).toMatchObject({ kind: P.IS_TCP, optionsSeen: P.OPT_MSS, mss: 1400, payloadLength: 5 });
    }
  });

  test("nothing counts after the end of the list", () => {
    expect(withOptions(option.endOfOptions(), option.mss(1400)).optionsSeen).toBe(0);
  });

  test("a kind without room for its length", () => {
    expect(withOptions(option.windowScale(7), Uint8Array.of(2)).optionsSeen).toBe(P.OPT_WINDOW_SCALE);
  });

  test.each([
    ["MSS", option.tcpOption(2, new Uint8Array(3))],
    ["window scale", option.tcpOption(3, new Uint8Array(2))],
    ["timestamps", option.tcpOption(8, new Uint8Array(4))],
  ])("%s of a wrong length is another option", (_, wrong) => {
    expect(withOptions(wrong).optionsSeen).toBe(P.OPT_OTHER);
  });

  test("options cut by the snap length are used as far as they go", () => {
    const options = [option.mss(1400), option.windowScale(7), option.noOperation(), option.timestamps(1, 2)];
    const syn = packet().ethernet().ipv4(CLIENT4).tcp({ src: 40001, dst: 443, flags: "S", options });
    const seen = [54, 57, 58, 60, 61, 71, 72, 74].map((captured) => {
      const p = decode(syn, { captured });
      return [p.kind, p.optionsSeen, p.cut];
    });
    const some = P.OPT_MSS | P.OPT_WINDOW_SCALE;
    expect(seen).toEqual([
      [P.IS_TCP, 0, true],
      [P.IS_TCP, 0, true],
      [P.IS_TCP, P.OPT_MSS, true],
      [P.IS_TCP, P.OPT_MSS, true],
      [P.IS_TCP, some, true],
      [P.IS_TCP, some, true],
      [P.IS_TCP, some | P.OPT_TIMESTAMPS, true],
      [P.IS_TCP, some | P.OPT_TIMESTAMPS, false],
    ]);
  });
});
