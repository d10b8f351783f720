import { type EncapsulationStack, LAYER_WORDS, MPLS } from "../decode/encapsulation.ts";

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

/**
 * Numbers the encapsulations that legs were seen in: 0 is none. The same 5-tuple in another VLAN, VNI or tunnel is
 * another leg; MPLS labels and outer UDP source ports are not part of it, since they differ by direction and flow.
 */
export class ContextTable {
  list: (readonly ContextLayer[])[] = [NO_LAYERS];
  private readonly byKey = new Map<string, number>();
  private readonly lastWords = new Int32Array(8 * LAYER_WORDS);
  private lastDepth = -1;
  private lastContext = 0;

  /** The number of the context of a packet. */
  of(stack: EncapsulationStack): number {
    if (stack.depth === 0) return 0;
    if (this.isLast(stack)) return this.lastContext;
    const layers = readLayers(stack);
    const key = JSON.stringify(layers);
    let context = layers.length === 0 ? 0 : this.byKey.get(key);
    if (context === undefined) {
      context = this.list.length;
      this.byKey.set(key, context);
      this.list.push(layers);
    }
    this.lastWords.set(stack.words.subarray(0, stack.depth * LAYER_WORDS));
    this.lastDepth = stack.depth;
    this.lastContext = context;
    return context;
  }

  private isLast(stack: EncapsulationStack): boolean {
    if (stack.depth !== this.lastDepth) return false;
    for (let i = 0; i < stack.depth * LAYER_WORDS; i++) if (stack.words[i] !== this.lastWords[i]) return false;
    return true;
  }
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
