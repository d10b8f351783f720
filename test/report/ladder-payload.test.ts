import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { proxyV1, proxyV2, proxyV2Local } from "../../fixtures/packets/proxy-header.ts";
import { clientHello, tlsRecord } from "../../fixtures/packets/tls.ts";
import { payloadKind } from "../../src/report/ladder/payload-kind.ts";

const bytes = (text: string) => Uint8Array.from(Buffer.from(text, "latin1"));
const stream = (payload: Uint8Array) => payloadKind(payload, false)?.text ?? null;
const datagram = (payload: Uint8Array) => payloadKind(payload, true)?.text ?? null;

describe("what a stream begins with", () => {
  test.each<[string, Uint8Array, string | null]>([
    ["a ClientHello", clientHello({ serverName: "shop.example" }), "ClientHello shop.example"],
    ["one without a name", clientHello(), "ClientHello"],
    ["one that is cut before its name", clientHello({ serverName: "shop.example" }).subarray(0, 60), "ClientHello"],
    ["a ServerHello", tlsRecord(22, Uint8Array.of(2, 0, 0, 0)), "ServerHello"],
    ["an alert in the clear", tlsRecord(21, Uint8Array.of(2, 40)), "TLS alert 40"],
    ["application data", tlsRecord(23, new Uint8Array(50)), "TLS data"],
    ["a request", bytes("GET /cart?id=7 HTTP/1.1\r\nHost: a\r\n"), "GET /cart?id=7"],
    ["a long request", bytes(`POST /${"x".repeat(60)} HTTP/1.1\r\n`), `POST /${"x".repeat(30)}…`],
    ["a response", bytes("HTTP/1.1 503 Service Unavailable\r\n"), "HTTP 503 Service Unavailable"],
    ["HTTP/2", bytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "HTTP/2 preface"],
    ["SSH", bytes("SSH-2.0-OpenSSH_9.6\r\n"), "SSH-2.0-OpenSSH_9.6"],
    ["PROXY version 1", proxyV1("10.1.0.1:40001", "192.0.2.10:443"), "PROXY v1 10.1.0.1:40001"],
    ["PROXY UNKNOWN", proxyV1(), "PROXY v1"],
    [
      "PROXY version 2",
      proxyV2({ source: "[2001:db8::1]:40001", destination: "[2001:db8::2]:443" }),
      "PROXY v2 [2001:db8::1]:40001",
    ],
    ["a balancer's own", proxyV2Local(), "PROXY v2 LOCAL"],
    [
      "PROXY before a request",
      Uint8Array.from([...proxyV1("10.1.0.1:40001", "192.0.2.10:443"), ...bytes("GET / HTTP/1.1\r\n")]),
      "PROXY v1 10.1.0.1:40001 + GET /",
    ],
    ["plain text", bytes("HELLO world\r\nmore"), '"HELLO world"'],
    ["bytes", Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7), null],
    ["next to nothing", bytes("hi"), null],
  ])("%s", (_, payload, expected) => expect(stream(payload)).toBe(expected));
});

describe("what a datagram is", () => {
  const question = (flags: number, name: number[]) =>
    Uint8Array.of(0, 1, flags >> 8, flags & 255, 0, 1, 0, 0, 0, 0, 0, 0, ...name, 0, 0, 1, 0, 1);
  const name = [1, 97, 7, ...Buffer.from("example")];
  test.each<[string, Uint8Array, string | null]>([
    ["a DNS query", question(0x0100, name), "DNS query a.example"],
    ["an answer", question(0x8180, name), "DNS answer a.example"],
    ["no such name", question(0x8183, name), "DNS error 3 a.example"],
    ["a name that runs out of the packet", question(0x0100, [63, 97]), null],
    ["QUIC version 1", Uint8Array.of(0xc3, 0, 0, 0, 1, 8, 1, 2, 3), "QUIC Initial"],
    ["QUIC version 2", Uint8Array.of(0xd3, 0x6b, 0x33, 0x43, 0xcf, 8, 1, 2), "QUIC Initial"],
    ["a short header", Uint8Array.of(0x43, 1, 2, 3, 4, 5, 6, 7), null],
  ])("%s", (_, payload, expected) => expect(datagram(payload)).toBe(expected));
});

test("whatever the bytes, it is a short text or nothing", () => {
  const seeds = [
    clientHello({ serverName: "shop.example" }),
    proxyV2({ source: "1.2.3.4:5", destination: "6.7.8.9:10" }),
  ];
  const mutated = fc
    .tuple(fc.constantFrom(...seeds), fc.array(fc.tuple(fc.nat(300), fc.nat(255)), { maxLength: 8 }), fc.nat(300))
    .map(([seed, changes, length]) => {
      const copy = Uint8Array.from(seed);
      for (const [at, value] of changes) if (at < copy.length) copy[at] = value;
      return copy.subarray(0, length);
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), mutated), fc.boolean(), (payload, isDatagram) => {
      const kind = payloadKind(payload, isDatagram);
      if (kind !== null) expect(kind.text.length).toBeLessThan(120);
    }),
    { numRuns: 3000 },
  );
});
