import type { StoreReader } from "./store-reader.ts";
import type { StoreWindow } from "./store-window.ts";

/**
 * From the first packet that a store tells of to the last, as far as its minutes reach: of what was opened before the
 * oldest minute kept, others of its time are gone. Null where there are no connections.
 *
 * @throws StoreError where the store is damaged.
 */
export function storedSpan(reader: StoreReader): StoreWindow | null {
  const [minutes] = reader.read("SELECT min(minute) AS first, max(minute) + 60 AS last FROM minutes");
  // the ends have no index: an ordered look would not be faster than this
  const [times] = reader.read(
    `SELECT (SELECT CAST(min(start_ns) AS TEXT) FROM connections) AS first,
            (SELECT CAST(max(end_ns) AS TEXT) FROM connections) AS last`,
  );
  if (typeof minutes?.first !== "number" || typeof minutes.last !== "number") return null;
  if (typeof times?.first !== "string" || typeof times.last !== "string") return null;
  const kept = { from: BigInt(minutes.first) * 1_000_000_000n, to: BigInt(minutes.last) * 1_000_000_000n };
  const seen = { from: BigInt(times.first), to: BigInt(times.last) + 1n };
  const span = {
    from: seen.from > kept.from ? seen.from : kept.from,
    to: seen.to < kept.to ? seen.to : kept.to,
  };
  return span.to > span.from ? span : null;
}
