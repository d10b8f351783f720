import { describe, expect, test } from "vitest";
import { concat, toBytes } from "../../fixtures/packets/bytes.ts";
import { PROXY_TLV, proxyV1, proxyV2, proxyV2Local } from "../../fixtures/packets/proxy-header.ts";
import { mayBeProxyHeader, type ProxyHeader, readProxyHeader } from "../../src/decode/proxy-header.ts";
import { addressText } from "./decoded.ts";

const PREFIX_BYTES = 3;

/** Reads what was captured of a payload that lies behind other bytes. */
function read(payload: Uint8Array, captured = payload.length): ProxyHeader | null {
  const buffer = new Uint8Array(PREFIX_BYTES + captured).fill(0x50);
  buffer.set(payload.subarray(0, captured), PREFIX_BYTES);
  return readProxyHeader(new DataView(buffer.buffer), PREFIX_BYTES, captured);
}

/** What a header says, as `proxy 203.0.113.9 51000 > 192.0.2.10 443`. */
function said(header: ProxyHeader | null): string | null {
  if (header === null) return null;
  const { command, source, destination } = header;
  const address = (words: ProxyHeader["source"]) => (words === null ? "?" : addressText(...words));
  const from = `${address(source)} ${header.sourcePort}`;
  return `${command} ${from} > ${address(destination)} ${header.destinationPort}`;
}

const FLOW4 = ["203.0.113.9:51000", "192.0.2.10:443"] as const;
const FLOW6 = ["[2001:db8::9]:51000", "[2001:db8::10]:443"] as const;
const SAID4 = "proxy 203.0.113.9 51000 > 192.0.2.10 443";
const SAID6 = "proxy 2001:db8::9 51000 > 2001:db8::10 443";
const after = toBytes("GET / HTTP/1.1\r\n");

describe("version 1", () => {
  test("IPv4, IPv6 and unknown", () => {
    for (const [flow, expected] of [
      [FLOW4, SAID4],
      [FLOW6, SAID6],
    ] as const) {
      const header = proxyV1(...flow);
      const got = read(concat(header, after));
      expect([got?.version, got?.length, said(got)]).toEqual([1, header.length, expected]);
    }
    const unknown = read(concat(proxyV1(), after));
    expect([said(unknown), unknown?.length]).toEqual(["unknown ? 0 > ? 0", 15]);
    expect(said(read(toBytes("PROXY UNKNOWN 1.2.3.4 5.6.7.8 9 10\r\n")))).toBe("unknown ? 0 > ? 0");
  });

  test("every way to write an IPv6 address", () => {
    const write = (address: string) => said(read(toBytes(`PROXY TCP6 ${address} ::1 1 2\r\n`)));
    expect(write("2001:0db8:0:0:0:0:0:9")).toBe("proxy 2001:db8::9 1 > ::1 2");
    expect(write("::ffff:203.0.113.9")).toBe("proxy 203.0.113.9 1 > ::1 2");
    expect(write("::")).toBe("proxy :: 1 > ::1 2");
  });

  test("cut at every length it says nothing wrong", () => {
    for (const [flow, whole] of [
      [FLOW4, SAID4],
      [FLOW6, SAID6],
    ] as const) {
      const header = proxyV1(...flow);
      const line = new TextDecoder().decode(header);
      const knowsSource = line.lastIndexOf(" ") + 1;
      const knowsAll = line.length - 1;
      for (let captured = 0; captured <= header.length; captured++) {
        const got = said(read(header, captured));
        if (captured >= knowsAll) expect(got).toBe(whole);
        else if (captured >= knowsSource) expect(got).toBe(whole.replace(/ \d+$/, " 0"));
        else if (captured > "PROXY TCP4".length) expect(got).toBe("proxy ? 0 > ? 0");
        else if (captured < "PROXY TCP4".length) expect(got).toBeNull();
      }
    }
  });

  test.each([
    "PROXY TCP4 203.0.113.9 192.0.2.10 port 443\r\n",
    "PROXY TCP4 203.0.113.9 192.0.2.10 70000 443\r\n",
    "PROXY TCP4\r\n",
  ])("a damaged line is a header without endpoints: %j", (line) => {
    expect(said(read(toBytes(line)))).toBe("proxy ? 0 > ? 0");
  });

  test.each([
    ["PROXY TCP4 203.0.113.256 192.0.2.10 51000 443\r\n", "proxy ? 51000 > 192.0.2.10 443"],
    ["PROXY TCP4 2001:db8::9 192.0.2.10 51000 443\r\n", "proxy ? 51000 > 192.0.2.10 443"],
    ["PROXY TCP4 203.0.113 192.0.2.10 51000 443\r\n", "proxy ? 51000 > 192.0.2.10 443"],
    ["PROXY TCP6 2001:db8:::9 2001:db8::10 51000 443\r\n", "proxy ? 51000 > 2001:db8::10 443"],
    ["PROXY TCP6 2001:db8::9 g::1 51000 443\r\n", "proxy 2001:db8::9 51000 > ? 443"],
    ["PROXY TCP4 203.0.113.9 192.0.2.10 51000\r\n", "proxy 203.0.113.9 51000 > 192.0.2.10 0"],
    ["PROXY TCP4 203.0.113.9 192.0.2.10 51000 -1\r\n", "proxy 203.0.113.9 51000 > 192.0.2.10 0"],
  ])("%j lacks one endpoint or a part of it", (line, expected) => {
    expect(said(read(toBytes(line)))).toBe(expected);
  });

  test("other text is none", () => {
    for (const text of [
      "PROXYING TCP4 1.2.3.4 ",
      "PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n",
      "PROXY \x01TCP4",
      "PROXIMATE",
    ]) {
      expect(read(toBytes(text))).toBeNull();
    }
  });

  test("a line longer than any header has no end", () => {
    expect(read(toBytes(`PROXY UNKNOWN ${"x".repeat(200)}\r\n`))?.length).toBe(-1);
  });
});

describe("version 2", () => {
  const [source4, destination4] = FLOW4;
  const [source6, destination6] = FLOW6;
  const v4 = proxyV2({ source: source4, destination: destination4 });
  const v6 = proxyV2({ source: source6, destination: destination6, protocol: "udp" });

  test("IPv4 and IPv6, with additional fields", () => {
    const tlvs = [{ type: PROXY_TLV.authority, value: "example.org" }];
    const withTlvs = proxyV2({ source: source4, destination: destination4, tlvs });
    for (const [header, expected] of [
      [v4, SAID4],
      [v6, SAID6],
      [withTlvs, SAID4],
    ] as const) {
      const got = read(concat(header, after));
      expect([got?.version, got?.length, said(got)]).toEqual([2, header.length, expected]);
    }
  });

  test("LOCAL: its addresses are to be ignored", () => {
    const local = proxyV2Local([{ type: PROXY_TLV.noop, value: "..." }]);
    expect([said(read(local)), read(local)?.length]).toEqual(["local ? 0 > ? 0", local.length]);
    const withAddresses = Uint8Array.from(v4);
    withAddresses[12] = 0x20;
    expect(said(read(withAddresses))).toBe("local ? 0 > ? 0");
  });

  test("cut at every length it says nothing wrong, and how long it is", () => {
    for (const [header, addresses, expected] of [
      [v4, 28, SAID4],
      [v6, 52, SAID6],
    ] as const) {
      for (let captured = 0; captured <= header.length; captured++) {
        const got = read(header, captured);
        if (captured < 16) expect(got).toBeNull();
        else
          expect([said(got), got?.length]).toEqual([
            captured < addresses ? "proxy ? 0 > ? 0" : expected,
            header.length,
          ]);
      }
    }
  });

  test("a header too short for its family has no addresses, whatever follows it", () => {
    for (const [header, length] of [
      [v4, 11],
      [v6, 35],
    ] as const) {
      const short = Uint8Array.from(header);
      short[15] = length;
      expect([said(read(short)), read(short)?.length]).toEqual(["proxy ? 0 > ? 0", 16 + length]);
    }
  });

  test("Unix sockets have no addresses", () => {
    const unix = concat(v4.subarray(0, 13), Uint8Array.of(0x31, 0, 216), new Uint8Array(216));
    expect([said(read(unix)), read(unix)?.length]).toEqual(["proxy ? 0 > ? 0", 232]);
  });

  test("other versions, commands and signatures are none", () => {
    for (const [at, value] of [
      [12, 0x11],
      [12, 0x22],
      [4, 1],
      [11, 0x0b],
    ] as const) {
      const changed = Uint8Array.from(v4);
      changed[at] = value;
      expect(read(changed)).toBeNull();
    }
  });
});

test("the first word tells what may be one", () => {
  const firstWord = (bytes: Uint8Array) => new DataView(Uint8Array.from(bytes).buffer).getInt32(0);
  for (const header of [proxyV1(), proxyV2Local()]) expect(mayBeProxyHeader(firstWord(header))).toBe(true);
  expect(mayBeProxyHeader(firstWord(after))).toBe(false);
});
