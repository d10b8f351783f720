import { md5Shared } from "../hashing/md5.ts";
import { readLittle } from "../hashing/word32.ts";
import { HashRing } from "./hash-ring.ts";
import type { SelectionMethod } from "./selection.ts";
import { sourceRing } from "./source-ring.ts";

/** Digests of a server that weighs as much as the mean; each gives four points. */
const DIGESTS = 40;

/** libketama/ketama.c, ketama_create_continuum. @param names `10.2.0.11:11211` */
export function ketamaRing(names: readonly string[], weights: readonly number[]): HashRing {
  const points: number[] = [];
  const owners: number[] = [];
  const servers = weights.filter((weight) => weight > 0).length;
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const encoder = new TextEncoder();
  for (const [index, weight] of weights.entries()) {
    if (weight <= 0) continue;
    // floats there: what a double would round otherwise can cost a digest
    const share = Math.fround(Math.fround(weight) / Math.fround(sum));
    const digests = Math.floor(Math.fround(share * DIGESTS * servers));
    for (let i = 0; i < digests; i++) {
      const digest = md5Shared(encoder.encode(`${names[index]}-${i}`));
      for (let at = 0; at < 16; at += 4) {
        points.push(readLittle(digest, at));
        owners.push(index);
      }
    }
  }
  return new HashRing(new Int32Array(points.length), Int32Array.from(points), Int32Array.from(owners));
}

export const ketama: SelectionMethod = {
  id: "ketama",
  summary: "libketama's ring of MD5 points, 160 for a backend of mean weight: source address",
  defaults: {},
  build: (backends) =>
    sourceRing(backends, ketamaRing, {
      name: "MD5, its first four bytes",
      of: (text, length) => readLittle(md5Shared(text, length), 0),
    }),
};
