import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeProxyHeader,
  decodeRequest,
  encodeReply,
  encodeRequest,
  replyLength,
} from "../../fixtures/lab/traffic/wire.ts";

const head = fc.record({
  cid: fc.nat(),
  index: fc.nat(1000),
  replyBytes: fc.nat(100_000),
  replyDelaySeconds: fc.nat(5000).map((milliseconds) => milliseconds / 1000),
  end: fc.constantFrom("keep", "fin", "late", "reset", "reset-mid", "reset-before"),
  bodyBytes: fc.nat(3000),
});

describe("what the lab's agents say to each other", () => {
  it("gives back the request that was written, and nothing before its head is whole", () => {
    fc.assert(
      fc.property(head, fc.nat(60), (request, cut) => {
        const bytes = encodeRequest(request, "vip");
        const decoded = decodeRequest(bytes);
        expect(decoded).toEqual({ ...request, headBytes: bytes.length - request.bodyBytes });
        expect(decodeRequest(bytes.subarray(0, cut))).toBeNull();
      }),
    );
  });

  it("knows a reply's length from its head", () => {
    fc.assert(
      fc.property(fc.nat(5000), (length) => {
        const bytes = encodeReply("rs1", length);
        expect(replyLength(bytes)).toBe(bytes.length);
      }),
    );
  });

  it("reads PROXY v1 and v2, and takes nothing else for one", () => {
    const v1 = Buffer.from("PROXY TCP4 10.1.0.20 192.0.2.10 40001 443\r\nPOST");
    expect(decodeProxyHeader(v1)).toEqual({ text: "v1 10.1.0.20:40001", length: v1.length - 4 });
    const v2 = Buffer.from("0d0a0d0a000d0a515549540a2111000c0a010014c000020a9c4101bb", "hex");
    expect(decodeProxyHeader(v2)).toEqual({ text: "v2 10.1.0.20:40001", length: 28 });
    for (let cut = 1; cut < v2.length; cut++) expect(decodeProxyHeader(v2.subarray(0, cut))).toBe("incomplete");
    fc.assert(
      fc.property(head, (request) => {
        expect(decodeProxyHeader(encodeRequest(request, "vip"))).toBeNull();
      }),
    );
  });
});
