import type { SelectionStep } from "../../balance/selection/selection.ts";

/** The document of `hash --json`. Shares are parts of 1; null is what was not asked, or cannot be told. */
export interface HashDocument {
  schema: "l4scope.hash/1";
  vip: string;
  protocol: "tcp" | "udp";
  /** Where the backends are from: flags, topology, capture. */
  source: string;
  backends: readonly BackendDocument[];
  /** null with --explain, which hashes one connection only. */
  keys: {
    source: "synthetic" | "capture";
    kind: string | null;
    seed: number | null;
    count: number;
    clients: number;
  } | null;
  change: {
    add: readonly string[];
    remove: readonly string[];
    drain: readonly string[];
    reweigh: readonly { backend: string; weight: number }[];
    /** Those that are left, by their new weights. */
    backends: readonly BackendDocument[];
    /** What the weights say must move at least. */
    idealMovedShare: number;
    ecmp: { from: number; to: number; method: string; movedShare: number } | null;
  } | null;
  /** Backends at first and at last, with --grow. */
  growth: { from: number; to: number } | null;
  /** With --explain. */
  connection: { client: string; vip: string } | null;
  /** The method that sends captured connections where they went, and the chance of that; null where none does. */
  recognised: { method: string; known: number; same: number; chance: number } | null;
  methods: readonly MethodDocument[];
}

export interface BackendDocument {
  backend: string;
  weight: number;
  expectedShare: number;
}

export interface MethodDocument {
  method: string;
  summary: string;
  /** Defaults included. */
  options: Readonly<Record<string, string | number | boolean>>;
  /** Why such a balancer would not take these backends or options; all below is null then. */
  refusal: string | null;
  shares: readonly { backend: string; keys: number; share: number; expectedShare: number }[] | null;
  /** Keys that no backend takes. */
  unserved: number | null;
  skew: SkewDocument | null;
  /** Of connections whose backend the capture shows, those this method would have sent there, too. */
  agreement: { known: number; same: number } | null;
  change: {
    established: number;
    moved: number;
    movedShare: number;
    broken: { stateless: number; connectionTable: number; otherBalancer: number | null; secondChance: number | null };
    /** Of the broken, those whose backend is gone. */
    lost: number;
    /** New connections that find no backend after the change. */
    turnedAway: number;
  } | null;
  growth:
    | readonly {
        backends: number;
        skew: SkewDocument | null;
        movedShare: number | null;
        idealMovedShare: number | null;
      }[]
    | null;
  explained: {
    backend: string | null;
    steps: readonly SelectionStep[];
    afterChange: { backend: string | null; steps: readonly SelectionStep[] } | null;
  } | null;
}

export interface SkewDocument {
  maxOverExpected: number;
  coefficientOfVariation: number;
  jain: number;
  chiSquare: number;
  pValue: number;
}
