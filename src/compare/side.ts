/** The tier of the load balancers that were captured themselves, where nothing before them shows whom they were given by. */
export const NODE_TIER = "load balancers";

/** How a connection stood when the side ended. */
export type Outcome = "ok" | "refused" | "reset" | "timeout" | "open";

/** A duration, and where it was measured: what a client waits is not the same at its own interface and at a backend's. */
export interface Timing {
  seconds: number;
  /** Name of the observation point. */
  point: string;
}

/** One client's connection as one side of a comparison saw it. Health checks are none, nor is what balancers open. */
export interface ConnectionSample {
  /** The client's address without its port: connections of one client are not drawn independently. */
  client: string;
  /** `ip:port`, as the contract prints it. */
  vip: string;
  protocol: "tcp" | "udp";
  /** null where nothing shows it. */
  backend: string | null;
  /**
   * What it was first sent to, one for each tier that shows it: by the name of the point where the choice shows, or
   * NODE_TIER. A member is a MAC (see `nodesByMac`) or a node.
   */
  members: readonly { tier: string; member: string }[];
  /** Observation point of the leg nearest to the client: where its outcome was seen. */
  seenAt: string;
  /** Opened on this side. Otherwise it was open already, and only how it fared here counts. */
  isNew: boolean;
  /** When it was opened, or first seen, seconds since the side's start; negative where it was opened before. */
  openedAt: number;
  /** Its age when the side began to watch it, seconds: 0 for a new one; null where it is not known. */
  entryAge: number | null;
  /** How long the side watched it, seconds: to its end, or to the side's. */
  watchedSeconds: number;
  /** `open` where it went on when the side ended; a reset that took nothing from anybody is `ok`. */
  outcome: Outcome;
  /** Who sent the reset or refusal that ended it here, and why: words of the contract. */
  reset: { by: string; cause: string; node: string | null } | null;
  /** Both directions; null where it reaches beyond the side and cannot be told apart. */
  traffic: { packets: number; retransmits: number } | null;
  /** It went on at another member of a tier, or another backend, on this side. */
  hasMoved: boolean;
  /** From the client's SYN to the ACK of its handshake. Durations are of new connections only; null where not seen. */
  handshake: Timing | null;
  /** From the SYN to the SYN-ACK at the backend's leg. */
  connect: Timing | null;
  /** From a request's first byte to the answer's. */
  firstByte: Timing | null;
}

/** A finding in what tells it from others. */
export interface SideFinding {
  id: string;
  severity: "critical" | "warning" | "info";
  title: string;
  where: { vip?: string; backend?: string; node?: string; member?: string };
  /** Connections that suffer from it; 0 where it names none. */
  connections: number;
}

/** A VIP that the side shows to be one, whether or not it has connections. */
export interface SideVip {
  vip: string;
  protocol: "tcp" | "udp";
  /** How it hands connections on; null where nothing shows. */
  mode: string | null;
}

/**
 * One side of a comparison: what captures, a window of them, or a store hold of a time. Plain data, whoever made it;
 * nothing in it refers to packets.
 */
export interface Side {
  /** How it is told from the other: `before.pcap`, `14:07:41 to 14:07:52`. */
  name: string;
  /** Epoch seconds as decimal strings; null where there are no times. */
  start: string | null;
  end: string | null;
  durationSeconds: number;
  /** Observation points that took part. */
  points: readonly string[];
  /** Nodes by the MAC addresses known to be theirs, so that a member named either way is the same one. */
  nodesByMac: ReadonlyMap<string, string>;
  vips: readonly SideVip[];
  connections: readonly ConnectionSample[];
  findings: readonly SideFinding[];
  /** What makes its numbers less sure: loss of the capture, damage. A sentence each. */
  problems: readonly string[];
}

/** Ended for its client otherwise than it should have. */
export function isFailed({ outcome }: Pick<ConnectionSample, "outcome">): boolean {
  return outcome === "reset" || outcome === "refused" || outcome === "timeout";
}
