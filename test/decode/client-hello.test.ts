import { expect, test } from "vitest";
import { clientHello, repeatableBytes, tlsRecord } from "../../fixtures/packets/tls.ts";
import { clientHelloRandomOffset } from "../../src/decode/client-hello.ts";

const PREFIX_BYTES = 5;

/** Where it says that the random begins in a payload that lies behind other bytes, of which so many were captured. */
function offsetIn(payload: Uint8Array, captured = payload.length): number {
  const buffer = new Uint8Array(PREFIX_BYTES + captured).fill(22);
  buffer.set(payload.subarray(0, captured), PREFIX_BYTES);
  return clientHelloRandomOffset(new DataView(buffer.buffer), PREFIX_BYTES, captured);
}

test("finds the random of a ClientHello", () => {
  const random = repeatableBytes(99, 32);
  const hello = clientHello({ random, serverName: "example.org" });
  const offset = offsetIn(hello);
  expect(hello.subarray(offset, offset + 32)).toEqual(random);
});

test("of one that is cut, where at least a word of the random is left", () => {
  const hello = clientHello();
  const found = Array.from({ length: 50 }, (_, captured) => offsetIn(hello, captured));
  expect(found).toEqual([...Array(15).fill(0), ...Array(35).fill(11)]);
});

test("nothing else has one", () => {
  expect(offsetIn(tlsRecord(23, new Uint8Array(64)))).toBe(0);
  expect(offsetIn(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: example.org\r\n"))).toBe(0);
  for (const [at, value] of [
    [0, 23],
    [1, 2],
    [5, 2],
    [9, 2],
  ] as const) {
    const changed = Uint8Array.from(clientHello());
    changed[at] = value;
    expect(offsetIn(changed)).toBe(0);
  }
});
