/** A backend as a selection method sees it. */
export interface HashBackend {
  /** How it is shown, and what methods that hash a text take as its key: `10.2.0.11:8080`. */
  name: string;
  /** 4 or 16 bytes, network order. */
  address: Uint8Array;
  port: number;
  /** Integer from 0; 0 takes no new connections. */
  weight: number;
}

/** What a load balancer may hash of a packet. */
export interface FlowKey {
  /** IANA number: 6 TCP, 17 UDP. */
  protocol: number;
  /** 4 or 16 bytes, network order; both of one kind. */
  src: Uint8Array;
  dst: Uint8Array;
  srcPort: number;
  dstPort: number;
}

/** A step of how a method came to its choice: `slot`, `40213 of 65537`. */
export interface SelectionStep {
  name: string;
  value: string;
}

/** A set of backends, built into whatever a method looks connections up in. */
export interface Selection {
  /** Index into the backends it was built of, or -1 where none can take the connection. */
  select(key: FlowKey): number;
  /** The same with every step on the way. */
  explain(key: FlowKey): { backend: number; steps: SelectionStep[] };
}

/**
 * One way a load balancer chooses. `Options` are what a running one was given: seeds, table sizes, fields hashed; each
 * has the default of the real one.
 */
export interface SelectionMethod<Options extends object = object> {
  /** As users type it: `katran-v2`. */
  id: string;
  /** A few words: whose it is and what it hashes. */
  summary: string;
  defaults: Readonly<Options>;
  /** @throws RangeError in one line, where options or backends are such that the real one refuses them. */
  build(backends: readonly HashBackend[], options?: Partial<Options>): Selection;
}
