import { createHash } from "node:crypto";
import { crc32 as zlibCrc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CRC_MODELS, Crc } from "../../src/balance/hashing/crc.ts";
import { fnv1, fnv1a, fnv1Signed32 } from "../../src/balance/hashing/fnv.ts";
import { hsiphash32 } from "../../src/balance/hashing/half-siphash.ts";
import { hash32 } from "../../src/balance/hashing/hash32.ts";
import {
  hashlittle2,
  jhash,
  jhash1Word,
  jhash2Words,
  jhash3Words,
  jhashWords,
} from "../../src/balance/hashing/jhash.ts";
import { md5 } from "../../src/balance/hashing/md5.ts";
import { murmurHash64A } from "../../src/balance/hashing/murmur2.ts";
import { murmur3x64, murmur3x86 } from "../../src/balance/hashing/murmur3.ts";
import { hsiphash64, siphash24, sipKey } from "../../src/balance/hashing/siphash.ts";
import { spooky128 } from "../../src/balance/hashing/spooky.ts";
import { Toeplitz } from "../../src/balance/hashing/toeplitz.ts";
import { Word64 } from "../../src/balance/hashing/word64.ts";
import { xorFold16, xorFold32 } from "../../src/balance/hashing/xor-fold.ts";
import { xxh64 } from "../../src/balance/hashing/xxh64.ts";
import { type HashVector, readHashVectors } from "./hash-vectors.ts";

const into = (hash: (result: Word64) => void): bigint => {
  const result = new Word64();
  hash(result);
  return result.toBigInt();
};
const spooky = (input: Uint8Array, seed: bigint): [bigint, bigint] => {
  const [a, b] = [Word64.of(seed), Word64.of(seed)];
  spooky128(input, a, b);
  return [a.toBigInt(), b.toBigInt()];
};
const murmur128 = (input: Uint8Array, seed: number): [bigint, bigint] => {
  const [a, b] = [new Word64(), new Word64()];
  murmur3x64(input, seed, a, b);
  return [a.toBigInt(), b.toBigInt()];
};
const seedOf = (vector: HashVector, at = 0): number => Number(vector.seed[at]);

const FUNCTIONS: Record<string, (vector: HashVector) => (bigint | number)[]> = {
  jhash: (v) => [jhash(v.input, seedOf(v))],
  hashlittle2: (v) => hashlittle2(v.input, seedOf(v), seedOf(v, 1)),
  "siphash-2-4": (v) => [into((result) => siphash24(sipKey(v.key), v.input, result))],
  "hsiphash-64": (v) => [hsiphash64(sipKey(v.key), v.input, new Word64())],
  "hsiphash-32": (v) => {
    const view = new DataView(v.key.buffer);
    return [hsiphash32([view.getInt32(0, true), view.getInt32(4, true)], v.input)];
  },
  "murmur3-x86-32": (v) => [murmur3x86(v.input, seedOf(v))],
  "murmur3-x64-128": (v) => murmur128(v.input, seedOf(v)),
  murmurhash64a: (v) => [into((result) => murmurHash64A(v.input, seedOf(v), result))],
  xxh64: (v) => [into((result) => xxh64(v.input, result, Word64.of(v.seed[0] ?? 0n)))],
  "spooky-v2-32": (v) => [spooky(v.input, v.seed[0] ?? 0n)[0] & 0xffffffffn],
  "spooky-v2-128": (v) => spooky(v.input, v.seed[0] ?? 0n),
  crc: (v) => [new Crc(v.model ?? CRC_MODELS.crc32).of(v.input)],
  "xor-fold-16": (v) => [xorFold16(v.input)],
  "xor-fold-32": (v) => [xorFold32(v.input)],
  toeplitz: (v) => [new Toeplitz(v.key).hash(v.input)],
  md5: (v) => [BigInt(`0x${Buffer.from(md5(v.input)).toString("hex")}`)],
  "fnv-1": (v) => [fnv1(v.input)],
  "fnv-1a": (v) => [fnv1a(v.input)],
};

describe("published values", () => {
  const vectors = readHashVectors();

  it.each(Object.keys(FUNCTIONS))("%s", (name) => {
    const own = vectors.filter((vector) => vector.function === name);
    expect(own.length).toBeGreaterThan(0);
    for (const vector of own) {
      const hashed = FUNCTIONS[name]?.(vector).map(BigInt);
      expect(hashed, `${Buffer.from(vector.input).toString("hex")} (${vector.source})`).toEqual(vector.expected);
    }
  });

  it("there are none that nothing is tried with", () => {
    expect(vectors.filter((vector) => !(vector.function in FUNCTIONS))).toEqual([]);
  });
});

/** SMHasher's check of a whole function (src/KeysetTest.cpp, VerificationTest): every length from 0 to 255. */
function verification(resultBytes: number, hash: (bytes: Uint8Array, seed: number) => (bigint | number)[]): number {
  const digest = (bytes: Uint8Array, seed: number): Buffer => {
    const parts = hash(bytes, seed);
    const out = Buffer.alloc(resultBytes);
    for (const [at, part] of parts.entries()) {
      if (resultBytes === 4) out.writeUInt32LE(Number(part), 0);
      else out.writeBigUInt64LE(BigInt(part), at * 8);
    }
    return out;
  };
  const key = Uint8Array.from({ length: 256 }, (_, at) => at);
  const all = Buffer.concat(Array.from({ length: 256 }, (_, at) => digest(key.subarray(0, at), 256 - at)));
  return digest(all, 0).readUInt32LE(0);
}

describe("SMHasher's verification values (aappleby/smhasher, src/main.cpp)", () => {
  it("lookup3", () => expect(verification(4, (b, s) => [jhash(b, s)])).toBe(0x3d83917a));
  it("Murmur3A", () => expect(verification(4, (b, s) => [murmur3x86(b, s)])).toBe(0xb0f57ee3));
  it("Murmur3F", () => expect(verification(16, murmur128)).toBe(0x6384ba69));
  it("Murmur2B", () => expect(verification(8, (b, s) => [into((r) => murmurHash64A(b, s, r))])).toBe(0x1f0d3804));
});

describe("against other implementations", () => {
  const bytes = fc.uint8Array({ maxLength: 200 });
  it("MD5 and CRC-32 are OpenSSL's and zlib's", () => {
    const crc = new Crc(CRC_MODELS.crc32);
    fc.assert(
      fc.property(bytes, (input) => {
        expect(Buffer.from(md5(input))).toEqual(createHash("md5").update(input).digest());
        expect(crc.of(input)).toBe(zlibCrc32(input));
      }),
    );
  });

  it("jhash over words is jhash over their bytes, whatever the form", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(0xffffffff), { maxLength: 9 }), fc.nat(0xffffffff), (words, seed) => {
        const expected = jhash(new Uint8Array(Uint32Array.from(words).buffer), seed);
        expect(jhashWords(words, seed)).toBe(expected);
        const [a = 0, b = 0, c = 0] = words;
        if (words.length === 1) expect(jhash1Word(a, seed)).toBe(expected);
        if (words.length === 2) expect(jhash2Words(a, b, seed)).toBe(expected);
        if (words.length === 3) expect(jhash3Words(a, b, c, seed)).toBe(expected);
      }),
    );
  });

  it("64-bit arithmetic in halves is BigInt's", () => {
    const word = fc.bigInt(0n, 2n ** 64n - 1n);
    const mask = 2n ** 64n - 1n;
    fc.assert(
      fc.property(word, word, fc.integer({ min: 1, max: 63 }), fc.integer({ min: 1, max: 1 << 26 }), (a, b, n, m) => {
        const right = Word64.of(b);
        const bits = BigInt(n);
        expect(Word64.of(a).add(right.hi, right.lo).toBigInt()).toBe((a + b) & mask);
        expect(Word64.of(a).subtract(right.hi, right.lo).toBigInt()).toBe((a - b) & mask);
        expect(Word64.of(a).multiply(right.hi, right.lo).toBigInt()).toBe((a * b) & mask);
        expect(Word64.of(a).rotateLeft(n).toBigInt()).toBe(((a << bits) | (a >> (64n - bits))) & mask);
        expect(Word64.of(a).xorShiftRight(n).toBigInt()).toBe(a ^ (a >> bits));
        expect(BigInt(Word64.of(a).modulo(m))).toBe(a % BigInt(m));
      }),
    );
  });
});

describe("small ones", () => {
  it("hash_32 takes the upper bits of the product", () => {
    expect(hash32(0x0a010014, 8)).toBe(Number(((0x0a010014n * 0x61c88647n) & 0xffffffffn) >> 24n));
  });
  it("FNV over signed chars differs from FNV only where a byte has its upper bit set", () => {
    expect(fnv1Signed32(Uint8Array.of(10, 0, 0, 1))).toBe(fnv1(Uint8Array.of(10, 0, 0, 1)));
    expect(fnv1Signed32(Uint8Array.of(192))).toBe((fnv1(Uint8Array.of(192)) ^ 0xffffff00) >>> 0);
  });
  it("envoy's chain of XXH64 takes each result as the next seed", () => {
    const h = new Word64();
    for (const item of ["foo", "bar"]) xxh64(Buffer.from(item), h, h);
    // envoyproxy/envoy test/common/common/hash_test.cc, xxHash64 of a vector
    expect(h.toBigInt()).toBe(17745830980996999794n);
  });
});
