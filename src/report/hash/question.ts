import type { FlowKey, HashBackend } from "../../balance/selection/selection.ts";
import type { SourceKind } from "../../balance/what-if/synthetic-keys.ts";
import type { Protocol } from "../../topology/vocabulary.ts";

/** A VIP and who stands behind it. */
export interface Pool {
  /** As the contract prints it. */
  vip: string;
  protocol: Protocol;
  backends: readonly HashBackend[];
  /** Where the backends are from. */
  source: "flags" | "topology" | "capture";
  /** What a reader should know of how it came about, a sentence each. */
  notes: readonly string[];
}

/** Connections whose keys are hashed. */
export interface KeySet {
  source: "synthetic" | "capture";
  /** Of synthetic ones: who the clients are, and the seed they are made of. */
  kind: SourceKind | null;
  seed: number | null;
  /** Different source addresses. */
  clients: number;
  keys: readonly FlowKey[];
  /** Index of the backend that the capture shows for each, -1 where it shows none of these; null of synthetic ones. */
  seen: Int32Array | null;
}
