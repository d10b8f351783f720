import { fnv1Signed32 } from "./fnv.ts";
import { spooky128 } from "./spooky.ts";
import { Word64 } from "./word64.ts";

const AF_INET = 2;
const AF_INET6 = 10;

const b = new Word64();
const second = new Word64();

/**
 * folly::IPAddress::hash (folly/IPAddressV4.h, IPAddressV6.cpp, IPAddress.cpp) on Linux: what katran sorts and places
 * its reals by.
 * @param address 4 or 16 bytes, network order; an IPv4-mapped one hashes as IPv4
 */
export function follyAddressHash(address: Uint8Array, result: Word64): void {
  if (address.length === 4) hashV4(address, result);
  else if (isMapped(address)) hashV4(address.subarray(12), result);
  else hashV6(address, result);
}

function hashV6(address: Uint8Array, result: Word64): void {
  result.set(0, 0);
  second.set(0, 0);
  spooky128(address, result, second);
  combine(result, second, result);
  second.copy(result);
  combine(result.set(0, AF_INET6), second, result);
}

function hashV4(address: Uint8Array, result: Word64): void {
  second.set(0, fnv1Signed32(address));
  combine(result.set(0, AF_INET), second, result);
}

/** folly's hash_128_to_64 (folly/hash/Hash.h): CityHash's Hash128to64. */
function combine(upper: Word64, lower: Word64, result: Word64): void {
  b.copy(upper);
  result.set(upper.hi ^ lower.hi, upper.lo ^ lower.lo);
  result.multiply(0x9ddfea08, 0xeb382d69).xorShiftRight(47);
  b.xor(result.hi, result.lo).multiply(0x9ddfea08, 0xeb382d69).xorShiftRight(47);
  result.copy(b).multiply(0x9ddfea08, 0xeb382d69);
}

function isMapped(address: Uint8Array): boolean {
  for (let at = 0; at < 10; at++) if (address[at] !== 0) return false;
  return address[10] === 0xff && address[11] === 0xff;
}
