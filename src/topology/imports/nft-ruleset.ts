import { z } from "zod";

/** Any JSON, as `nft -j` nests its expressions. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A rule, and where it stands: nft's JSON is one line, so its handle says more than a line number. */
export interface NftRule {
  family: string;
  table: string;
  chain: string;
  handle: number;
  expr: readonly Json[];
}

export interface NftChain {
  family: string;
  table: string;
  name: string;
  /** Where the kernel enters it; null for one that is only jumped to. */
  hook: string | null;
  type: string | null;
  prio: number;
}

/** What `nft -j list ruleset` prints, as far as it matters here. */
export interface NftRuleset {
  chains: NftChain[];
  /** By `chainKey`. */
  rules: Map<string, NftRule[]>;
  /** Elements of named sets and maps, by family, table and name. */
  elements: Map<string, readonly Json[]>;
}

const name = z.string();
const ruleSchema = z.object({
  family: name,
  table: name,
  chain: name,
  handle: z.number().default(0),
  expr: z.array(z.custom<Json>(() => true)),
});
const chainSchema = z.object({
  family: name,
  table: name,
  name,
  hook: name.nullish(),
  type: name.nullish(),
  prio: z.number().default(0),
});
const setSchema = z.object({ family: name, table: name, name, elem: z.array(z.custom<Json>(() => true)).default([]) });
const rulesetSchema = z.object({
  nftables: z.array(
    z.record(
      z.string(),
      z.custom<Json>(() => true),
    ),
  ),
});

export function chainKey(family: string, table: string, chain: string): string {
  return `${family} ${table} ${chain}`;
}

/** @returns null where the JSON is no ruleset; parts of other forms are left out and counted */
export function readRuleset(json: unknown): { ruleset: NftRuleset; unread: number } | null {
  const parsed = rulesetSchema.safeParse(json);
  if (!parsed.success) return null;
  const ruleset: NftRuleset = { chains: [], rules: new Map(), elements: new Map() };
  let unread = 0;
  for (const entry of parsed.data.nftables) {
    const [kind = ""] = Object.keys(entry);
    const value = entry[kind];
    if (kind === "rule") {
      const rule = ruleSchema.safeParse(value);
      if (!rule.success) {
        unread++;
        continue;
      }
      const { family, table, chain } = rule.data;
      const key = chainKey(family, table, chain);
      const list = ruleset.rules.get(key);
      if (list) list.push(rule.data);
      else ruleset.rules.set(key, [rule.data]);
    } else if (kind === "chain") {
      const chain = chainSchema.safeParse(value);
      if (chain.success)
        ruleset.chains.push({ ...chain.data, hook: chain.data.hook ?? null, type: chain.data.type ?? null });
      else unread++;
    } else if (kind === "set" || kind === "map") {
      const set = setSchema.safeParse(value);
      if (set.success) {
        ruleset.elements.set(chainKey(set.data.family, set.data.table, set.data.name), set.data.elem);
      } else unread++;
    }
  }
  return { ruleset, unread };
}

/** A member of a JSON object, undefined where there is none. */
export function member(value: Json | undefined, key: string): Json | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, key) ? (value as { readonly [key: string]: Json })[key] : undefined;
}

export function items(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}
