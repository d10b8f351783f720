import { siphash24, sipKey } from "../hashing/siphash.ts";
import { Word64 } from "../hashing/word64.ts";
import { FieldBytes, readFields } from "./fields.ts";
import { GLB_ROWS, GlbTable } from "./glb-table.ts";
import type { FlowKey, HashBackend, Selection, SelectionMethod } from "./selection.ts";
import { backendStep, fieldsText, hexBytes, step } from "./step-text.ts";

export interface GlbOptions {
  /** `hash_key` of the forwarding table, which packets are hashed with: 16 bytes. */
  hashKey: Uint8Array;
  /** `seed` of the forwarding table, which its rows are ordered by: 16 bytes. */
  seed: Uint8Array;
  /** `hash_fields`: any of `src`, `dst`, `src-port`, `dst-port`, which are hashed in that order. */
  fields: readonly string[];
}

/** What a connection's row holds. */
export interface GlbRoute {
  /** 0 to 65535. */
  row: number;
  /** Index of the backend that gets the packets, -1 where there is none. */
  primary: number;
  /** Index of the one that the primary passes packets on to which it does not know: the second chance. */
  secondary: number;
  /** Whether the table's two are the other way round, since its primary takes no new connections. */
  isSwapped: boolean;
}

/** GLB's selection, with the row behind each choice. */
export interface GlbSelection extends Selection {
  route(key: FlowKey): GlbRoute;
  /** The same for a row of the table: with all 65536 a second chance can be played through. */
  rowRoute(row: number): GlbRoute;
}

export interface GlbMethod extends SelectionMethod<GlbOptions> {
  build(backends: readonly HashBackend[], options?: Partial<GlbOptions>): GlbSelection;
}

const FIELD_ORDER = ["src", "dst", "src-port", "dst-port"] as const;
const fromHex = (text: string): Uint8Array =>
  Uint8Array.from(text.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));

/** github/glb-director. Weights are not known there: 0 is a backend that drains, and any other counts as active. */
export const glb: GlbMethod = {
  id: "glb",
  summary: "GLB director's rendezvous table, primary and secondary: source address",
  defaults: {
    hashKey: fromHex("12345678901234561234567890123456"),
    seed: fromHex("34567890123456783456789012345678"),
    fields: ["src"],
  },
  build: (backends, options = {}) => buildGlb(backends, { ...glb.defaults, ...options }),
};

function buildGlb(backends: readonly HashBackend[], { hashKey, seed, fields }: GlbOptions): GlbSelection {
  const wanted = readFields(fields);
  const used = FIELD_ORDER.filter((field) => wanted.includes(field));
  if (used.length !== wanted.length) throw new RangeError(`fields ${fields.join("+")}: GLB hashes addresses and ports`);
  const key = sipKey(hashKey);
  const table = new GlbTable(
    seed,
    backends.map(({ address }) => address),
  );
  const packer = new FieldBytes(used);
  const digest = new Word64();
  const rowOf = (flow: FlowKey): number => {
    siphash24(key, packer.bytes, digest, packer.write(flow));
    return digest.lo & (GLB_ROWS - 1);
  };
  // the director looks at the secondary's state, not at its health
  const isSwapped = (first: number, second: number): boolean =>
    second >= 0 && backends[first]!.weight <= 0 && backends[second]!.weight > 0;
  const rowRoute = (row: number): GlbRoute => {
    const first = table.primary(row);
    const second = table.secondary(row);
    if (first < 0) return { row, primary: -1, secondary: -1, isSwapped: false };
    const swap = isSwapped(first, second);
    return { row, primary: swap ? second : first, secondary: swap ? first : second, isSwapped: swap };
  };
  return {
    route: (flow) => rowRoute(rowOf(flow)),
    rowRoute,
    select: (flow) => {
      const row = rowOf(flow);
      const first = table.primary(row);
      if (first < 0) return -1;
      const second = table.secondary(row);
      return isSwapped(first, second) ? second : first;
    },
    explain: (flow) => {
      const { row, primary, secondary, isSwapped: swapped } = rowRoute(rowOf(flow));
      const hash = digest.toHex();
      const scores = table.order(row).slice(0, 3);
      const text = scores.map(({ host, score }) => `${backends[host]!.name} ${score.toString(16).padStart(16, "0")}`);
      return {
        backend: primary,
        steps: [
          step("hashed", fieldsText(flow, used)),
          step("function", "SipHash-2-4"),
          step("seed", hexBytes(hashKey)),
          step("hash", hash),
          step("slot", `row ${row} of ${GLB_ROWS}`),
          step(
            "scores",
            text.length === 0 ? "none" : `${text.join(", ")} (lowest first, table seed ${hexBytes(seed)})`,
          ),
          backendStep(backends, primary),
          step("second chance", secondary < 0 ? "none" : backends[secondary]!.name),
          ...(swapped ? [step("swapped", "the row's primary takes no new connections")] : []),
        ],
      };
    },
  };
}
