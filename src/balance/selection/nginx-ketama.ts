import { CRC_MODELS, Crc } from "../hashing/crc.ts";
import { HashRing } from "./hash-ring.ts";
import type { SelectionMethod } from "./selection.ts";
import { sourceRing } from "./source-ring.ts";

const POINTS_PER_WEIGHT = 160;
const crc = new Crc(CRC_MODELS.crc32);

/**
 * ngx_stream_upstream_hash_module.c, ngx_stream_upstream_init_chash: CRC-32 of host, a zero, port and the point before.
 * @param names the servers as configured, `10.2.0.11:8080`
 */
export function nginxRing(names: readonly string[], weights: readonly number[]): HashRing {
  const total = POINTS_PER_WEIGHT * weights.reduce((sum, weight) => sum + weight, 0);
  const points = new Int32Array(total);
  const owners = new Int32Array(total);
  const encoder = new TextEncoder();
  const previous = new Uint8Array(4);
  const view = new DataView(previous.buffer);
  let count = 0;
  for (const [index, weight] of weights.entries()) {
    const [, host = names[index]!, port = ""] = /^(.*):(\d*)$/.exec(names[index]!) ?? [];
    const start = encoder.encode(`${host}\0${port}`);
    const base = crc.update(crc.begin(), start, 0, start.length);
    view.setUint32(0, 0, true);
    for (let i = 0; i < weight * POINTS_PER_WEIGHT; i++) {
      const point = crc.finish(crc.update(base, previous, 0, 4));
      view.setUint32(0, point, true);
      points[count] = point;
      owners[count++] = index;
    }
  }
  return new HashRing(new Int32Array(total), points, owners, true);
}

export const nginxKetama: SelectionMethod = {
  id: "nginx-ketama",
  summary: "NGINX stream's `hash $remote_addr consistent`, 160 points for each unit of weight: source address",
  defaults: {},
  build: (backends) => sourceRing(backends, nginxRing, { name: "CRC-32", of: (text, length) => crc.of(text, length) }),
};
