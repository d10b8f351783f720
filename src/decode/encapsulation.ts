/** How deep tunnels and tags are followed. Deeper packets are counted, not decoded: no real path nests this far. */
export const MAX_DEPTH = 8;

/** Kinds of encapsulation, innermost last in a stack. */
export const VLAN = 1;
export const MPLS = 2;
export const IP_IN_IP = 3;
export const GRE = 4;
export const ERSPAN = 5;
export const GUE = 6;
export const FOU = 7;
export const VXLAN = 8;
export const GENEVE = 9;

const NAMES = ["", "vlan", "mpls", "ipip", "gre", "erspan", "gue", "fou", "vxlan", "geneve"];

/** Words a layer takes: kind, identifier, version, UDP source port, source and destination address (4 + 4). */
export const LAYER_WORDS = 12;

/**
 * The tags and tunnels around a packet, outermost first, in one reused array.
 * A layer's identifier is the VLAN id, MPLS label, GRE key, ERSPAN session or VNI; -1 where it has none.
 */
export class EncapsulationStack {
  depth = 0;
  readonly words = new Int32Array(MAX_DEPTH * LAYER_WORDS);

  /** Adds a layer without addresses (a tag). False when the stack is full. */
  pushTag(kind: number, id: number): boolean {
    if (this.depth >= MAX_DEPTH) return false;
    const at = this.depth++ * LAYER_WORDS;
    this.words.fill(0, at, at + LAYER_WORDS);
    this.words[at] = kind;
    this.words[at + 1] = id;
    return true;
  }

  /** Adds a tunnel; addresses are mapped words. `srcPort` is the outer UDP source port, 0 without UDP. */
  pushTunnel(
    kind: number,
    id: number,
    version: number,
    srcPort: number,
    s0: number,
    s1: number,
    s2: number,
    s3: number,
    d0: number,
    d1: number,
    d2: number,
    d3: number,
  ): boolean {
    if (this.depth >= MAX_DEPTH) return false;
    const at = this.depth++ * LAYER_WORDS;
    const words = this.words;
    words[at] = kind;
    words[at + 1] = id;
    words[at + 2] = version;
    words[at + 3] = srcPort;
    words[at + 4] = s0;
    words[at + 5] = s1;
    words[at + 6] = s2;
    words[at + 7] = s3;
    words[at + 8] = d0;
    words[at + 9] = d1;
    words[at + 10] = d2;
    words[at + 11] = d3;
    return true;
  }

  get hasTunnel(): boolean {
    for (let layer = 0; layer < this.depth; layer++) if (this.words[layer * LAYER_WORDS + 2] !== 0) return true;
    return false;
  }
}

/** The contract's word for an encapsulation kind. */
export function encapsulationName(kind: number): string {
  return NAMES[kind] ?? "unknown";
}
