import { TimeBase } from "../capture/time-base.ts";
import type { Side } from "../compare/side.ts";
import { type DiffRequest, sideNames, windowsOf } from "../report/compare/diff-request.ts";
import { isStore } from "./is-store.ts";
import { sideOfStore } from "./side-of-store.ts";
import { StoreError } from "./store-error.ts";
import { StoreReader } from "./store-reader.ts";
import { ALWAYS } from "./store-window.ts";
import { storedSpan } from "./stored-span.ts";

const NS = 1_000_000_000n;

/**
 * Both sides of a comparison, where stores are what is compared: two of them, or two windows of one.
 *
 * @returns null where no input is a store.
 * @throws StoreError in a line: stores beside captures, several where one is meant, windows that it has nothing of, a
 *   store that cannot be read.
 */
export async function sidesOfStores(request: DiffRequest): Promise<readonly [before: Side, after: Side] | null> {
  const inputs = request.kind === "captures" ? [...request.before, ...request.after] : request.captures;
  const stores = inputs.filter(isStore);
  const [store] = stores;
  if (store === undefined) return null;
  const capture = inputs.find((path) => !stores.includes(path));
  if (capture !== undefined) {
    const advice = "keep the captures in a store first, with analyze --store, or name captures on both sides";
    throw new StoreError(`${store} is a store and ${capture} is none: ${advice}`, "input");
  }
  if (request.kind === "windows") return windows(store, request);
  const [before, after] = [request.before, request.after];
  if (before.length > 1 || after.length > 1) {
    throw new StoreError("a side is one store: name one before and one after", "input");
  }
  const [nameOfBefore, nameOfAfter] = sideNames(before, after);
  return [await whole(before[0] ?? "", nameOfBefore), await whole(after[0] ?? "", nameOfAfter)];
}

async function whole(path: string, name: string): Promise<Side> {
  const reader = await StoreReader.open(path);
  try {
    reader.beginSnapshot();
    return sideOfStore(reader, storedSpan(reader) ?? ALWAYS, name);
  } finally {
    reader.close();
  }
}

async function windows(
  path: string,
  request: Extract<DiffRequest, { kind: "windows" }>,
): Promise<readonly [Side, Side]> {
  if (request.captures.length > 1) throw new StoreError("times divide one store: name that alone", "input");
  const reader = await StoreReader.open(path);
  try {
    // a recorder may write meanwhile: both windows are of one state of the store
    reader.beginSnapshot();
    const span = storedSpan(reader);
    if (span === null) throw new StoreError(`${path}: has no connections that could be divided by time`, "input");
    const base = span.from / NS;
    const inNs = (time: bigint) => Number(time - base * NS);
    const timeBase = new TimeBase(Number(base));
    const run = { start: inNs(span.from), end: inNs(span.to) - 1, timeBase, isNewestMeant: true };
    const found = windowsOf(request, run, `the connections of ${path}`);
    if (typeof found === "string") throw new StoreError(found, "input");
    const side = ({ from, to, name }: (typeof found)[number]) => {
      const at = (time: number) => base * NS + BigInt(Math.round(time));
      return sideOfStore(reader, { from: at(from), to: at(to) }, name);
    };
    return [side(found[0]), side(found[1])];
  } finally {
    reader.close();
  }
}
