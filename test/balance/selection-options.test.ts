import { describe, expect, it } from "vitest";
import { METHODS } from "../../src/balance/selection/methods.ts";
import { rss } from "../../src/balance/selection/rss.ts";
import { backendsOf, flow, manyBackends } from "./selection-backends.ts";

const REFUSED: readonly [string, object, string][] = [
  ["katran-v2", { ring: 65536 }, "ring 65536: expected a prime"],
  ["cilium", { table: 100 }, "table 100: expected a prime"],
  ["cilium", { seed: "c2hvcnQ=" }, "expected 12 bytes in base64"],
  ["cilium", { key: "port" }, "expected address or name"],
  ["envoy-maglev", { table: 5000077 }, "5000011 entries at most"],
  ["envoy-ring", { minimum: 10, maximum: 5 }, "expected 1 <= minimum <= maximum"],
  ["envoy-ring", { hash: "md5" }, "expected xxhash or murmur2"],
  ["ipvs-mh", { index: 18 }, "the kernel takes 8 to 17"],
  ["ipvs-mh", { bits: 16 }, "expected 64 or 32"],
  ["ipvs-sh", { hash: "md5" }, "expected hash32 or multiply"],
  ["ipvs-sh", { order: "sorted" }, "expected newest-first or as-given"],
  ["glb", { seed: new Uint8Array(3) }, "16 bytes, not 3"],
  ["glb", { fields: ["protocol"] }, "GLB hashes addresses and ports"],
  ["nft-jhash", { fields: ["ttl"] }, "no field ttl"],
  ["modulo", { fields: [] }, "no field to hash"],
  ["modulo", { hash: "sha1" }, "expected crc16"],
  ["linux-ecmp", { policy: 3 }, "expected 0 (addresses) or 1"],
  ["resilient", { buckets: 0 }, "the kernel takes 1 to 65535"],
  ["rss", { table: 100 }, "a power of two"],
  ["rss", { indirection: [0, 9] }, "no queue 9"],
  ["rss", { key: Uint8Array.of(1) }, "Toeplitz key of 1 bytes"],
];

describe("options", () => {
  it.each(REFUSED)("%s refuses %j", (id, options, words) => {
    const method = METHODS.find((one) => one.id === id);
    const build = () => method?.build(manyBackends(3), options);
    expect(build).toThrow(RangeError);
    expect(build).toThrow(words);
  });

  it("have a name and a default that can be typed", () => {
    const ids = METHODS.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { id, defaults } of METHODS) {
      expect(id).toMatch(/^[a-z0-9-]+$/);
      for (const value of Object.values(defaults)) expect(value).not.toBeNull();
    }
  });
});

describe("rss", () => {
  it("takes the lowest bits of the published hash to a queue (Microsoft's verification suite)", () => {
    const queues = backendsOf(["10.0.0.1:1", "10.0.0.2:2", "10.0.0.3:3"]);
    const key = flow("66.9.149.187", 2794, "161.142.100.80", 1766);
    // hash 0x51ccc178: entry 0x78 of 128, which is queue 120 mod 3
    expect(rss.build(queues).select(key)).toBe(0);
    expect(rss.build(queues).explain(key).steps).toContainEqual({ name: "hash", value: "0x51ccc178" });
    const weighed = queues.map((queue, index) => ({ ...queue, weight: [1, 2, 1][index] ?? 1 }));
    expect(rss.build(weighed).select(key)).toBe(2);
    expect(rss.build(queues, { indirection: [2, 1, 0, 0, 0, 0, 0, 0] }).select(key)).toBe(2);
  });
});
