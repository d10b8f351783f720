import type { ChangedPool } from "./pool-change.ts";

/** What a change of the backends does to connections that are established when it comes. */
export interface ChangeEffect {
  /** Connections that had a backend before: what all numbers here are parts of. */
  established: number;
  /** Whose key a method now sends elsewhere, those of removed backends among them. */
  moved: number;
  /** Whose backend is removed: lost whatever anyone does. */
  lost: number;
  /** New connections that find no backend: theirs takes none, and the balancer looks for no other. */
  turnedAway: number;
  /** Which of them break, the lost included, by what keeps them. */
  broken: {
    /** Nothing: every packet goes where its hash says now. */
    stateless: number;
    /** The connection table of a load balancer that all their packets still come to (katran's LRU, IPVS's table). */
    connectionTable: number;
    /** The same tables, when some come to another load balancer, whose table knows none of them; null: none does. */
    otherBalancer: number | null;
    /** No table, but a backend that does not know a connection passes it on once (GLB); null: no such method. */
    secondChance: number | null;
  };
}

export interface EffectInput {
  pool: ChangedPool;
  /** The choice for each key, as an index into the backends before and after. */
  before: Int32Array;
  after: Int32Array;
  /** Of each key, whether it comes to another load balancer now. */
  isRerouted?: Uint8Array | undefined;
  /** The two that GLB's table has for each key after the change, as indices into the backends after. */
  pairs?: { primary: Int32Array; secondary: Int32Array } | undefined;
}

export function changeEffect({ pool, before, after, isRerouted, pairs }: EffectInput): ChangeEffect {
  const staying = new Uint8Array(pool.before.length);
  for (const origin of pool.origins) if (origin >= 0) staying[origin] = 1;
  const originOf = (choice: number) => (choice < 0 ? -1 : pool.origins[choice]!);
  let [established, moved, lost, turnedAway, otherBalancer, secondChance] = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < before.length; i++) {
    const backend = before[i]!;
    if (after[i]! < 0) turnedAway++;
    if (backend < 0) continue;
    established++;
    const hasMoved = originOf(after[i]!) !== backend;
    if (hasMoved) moved++;
    if (staying[backend] === 0) {
      lost++;
      continue;
    }
    if (hasMoved && isRerouted?.[i] === 1) otherBalancer++;
    if (pairs && originOf(pairs.primary[i]!) !== backend && originOf(pairs.secondary[i]!) !== backend) secondChance++;
  }
  return {
    established,
    moved,
    lost,
    turnedAway,
    broken: {
      stateless: moved,
      connectionTable: lost,
      otherBalancer: isRerouted ? lost + otherBalancer : null,
      secondChance: pairs ? lost + secondChance : null,
    },
  };
}
