import { type EncapsulationStack, LAYER_WORDS, MAX_DEPTH, MPLS } from "../decode/encapsulation.ts";

/** One layer of a context. Addresses are mapped words; a tunnel's two ends are sorted, as both directions share it. */
export interface ContextLayer {
  kind: number;
  /** VLAN id, VNI, GRE key or session; -1 where the layer has none. */
  id: number;
  /** IP version of a tunnel's outer header; 0 for a tag. */
  version: number;
  low: readonly [number, number, number, number];
  high: readonly [number, number, number, number];
}

const NO_LAYERS: readonly ContextLayer[] = [];

/** Contexts told apart; a capture with more (or made to have more) has the rest as one, without layers. */
const MAX_CONTEXTS = 65_536;
const CACHE_SLOTS = 1024;
const STACK_WORDS = MAX_DEPTH * LAYER_WORDS;
/** The outer UDP source port of a layer: entropy, no part of the context. */
const PORT_WORD = 3;

/**
 * Numbers the encapsulations that legs were seen in: 0 is none. The same 5-tuple in another VLAN, VNI or tunnel is
 * another leg; MPLS labels and outer UDP source ports are not part of it, since they differ by direction and flow.
 */
export class ContextTable {
  list: (readonly ContextLayer[])[] = [NO_LAYERS];
  private readonly byKey = new Map<string, number>();
  /** Stacks seen lately, so that nothing is allocated for those that come again: a direct-mapped table. */
  private readonly cachedWords = new Int32Array(CACHE_SLOTS * STACK_WORDS);
  private readonly cachedDepth = new Uint8Array(CACHE_SLOTS);
  private readonly cachedContext = new Int32Array(CACHE_SLOTS);

  /** The number of the context of a packet. */
  of(stack: EncapsulationStack): number {
    if (stack.depth === 0) return 0;
    const slot = slotOf(stack);
    if (this.isCached(slot, stack)) return this.cachedContext[slot]!;
    const context = this.number(readLayers(stack));
    this.cachedWords.set(stack.words.subarray(0, stack.depth * LAYER_WORDS), slot * STACK_WORDS);
    this.cachedDepth[slot] = stack.depth;
    this.cachedContext[slot] = context;
    return context;
  }

  private number(layers: readonly ContextLayer[]): number {
    if (layers.length === 0) return 0;
    const key = layers.map(({ kind, id, version, low, high }) => [kind, id, version, ...low, ...high].join()).join(" ");
    const known = this.byKey.get(key);
    if (known !== undefined) return known;
    if (this.list.length >= MAX_CONTEXTS) {
      if (this.list.length === MAX_CONTEXTS) this.list.push(NO_LAYERS);
      return MAX_CONTEXTS;
    }
    this.byKey.set(key, this.list.length);
    return this.list.push(layers) - 1;
  }

  private isCached(slot: number, stack: EncapsulationStack): boolean {
    if (stack.depth !== this.cachedDepth[slot]) return false;
    const words = this.cachedWords;
    const start = slot * STACK_WORDS;
    for (let i = 0; i < stack.depth * LAYER_WORDS; i++) {
      if (stack.words[i] !== words[start + i] && i % LAYER_WORDS !== PORT_WORD) return false;
    }
    return true;
  }
}

function slotOf(stack: EncapsulationStack): number {
  let hash = stack.depth;
  for (let i = 0; i < stack.depth * LAYER_WORDS; i++) {
    if (i % LAYER_WORDS !== PORT_WORD) hash = Math.imul(hash ^ stack.words[i]!, 0x9e3779b1);
  }
  return (hash ^ (hash >>> 15)) & (CACHE_SLOTS - 1);
}

/** True where a packet enters its innermost tunnel at the end that its context sorts low. */
export function entersAtLowEnd(stack: EncapsulationStack): boolean {
  for (let layer = stack.depth - 1; layer >= 0; layer--) {
    const at = layer * LAYER_WORDS;
    if (stack.words[at + 2] === 0) continue;
    return compareWords(stack.words.subarray(at + 4, at + 8), stack.words.subarray(at + 8, at + 12)) <= 0;
  }
  return false;
}

function readLayers(stack: EncapsulationStack): ContextLayer[] {
  const layers: ContextLayer[] = [];
  for (let layer = 0; layer < stack.depth; layer++) {
    const w = stack.words.subarray(layer * LAYER_WORDS, (layer + 1) * LAYER_WORDS);
    if (w[0] === MPLS) continue;
    const source = [w[4]!, w[5]!, w[6]!, w[7]!] as const;
    const target = [w[8]!, w[9]!, w[10]!, w[11]!] as const;
    const sorted = compareWords(source, target) <= 0;
    layers.push({
      kind: w[0]!,
      id: w[1]!,
      version: w[2]!,
      low: sorted ? source : target,
      high: sorted ? target : source,
    });
  }
  return layers;
}

function compareWords(a: ArrayLike<number>, b: ArrayLike<number>): number {
  for (let i = 0; i < 4; i++) if (a[i] !== b[i]) return (a[i]! >>> 0) - (b[i]! >>> 0);
  return 0;
}
