import type { EvidentFields } from "../balance/hash-fields.ts";
import type { Scheduler } from "../balance/scheduler.ts";
import type { ResetAuthor, ResetCause } from "../diagnose/reset-verdict.ts";
import type { Outcome } from "../flow/leg-outcome.ts";
import type { Role } from "../path/connection.ts";

/**
 * The document of `analyze --json`, schema l4scope.analysis/1. Times are epoch seconds as decimal strings, null where a
 * capture has none; durations are seconds; sizes are bytes; endpoints print as `ip:port` and `[ip6]:port`.
 */
export interface AnalysisDocument {
  schema: "l4scope.analysis/1";
  capture: CaptureDocument;
  topology: {
    vips: readonly VipDocument[];
    nodes: readonly NodeDocument[];
    /** Where the packets and the given topology do not agree. */
    contradictions: readonly string[];
  };
  summary: SummaryDocument;
  findings: readonly FindingDocument[];
  /** What was found and is not told, as `id: title`; only where findings were chosen. */
  leftOut?: { ignored: readonly string[]; explainedByIgnored: readonly string[]; notAsked: readonly string[] };
  /** Each is written as what its `toJSON` gives, so that they need not all be there at once. */
  connections?: readonly { toJSON(): ConnectionDocument }[];
}

export interface CaptureDocument {
  packets: number;
  bytes: number;
  start: string | null;
  end: string | null;
  files: readonly FileDocument[];
}

export interface FileDocument {
  path: string;
  format: "pcap" | "pcapng";
  packets: number;
  bytes: number;
  start: string | null;
  end: string | null;
  observationPoints: readonly string[];
  /** Seconds by which the file's clock is ahead of the run's reference, in the middle of the run. */
  clockOffset: number;
  /** Half the width of the interval that the connections leave for it, seconds; null where nothing bounds it. */
  clockUncertainty: number | null;
  /** Change of the offset, seconds per second; 0 where it cannot be told. */
  clockDrift: number;
  problems: readonly { code: string; message: string; offset: number }[];
}

/** How a balancer hands connections on. */
export type Mode = "dnat" | "fullnat" | "dsr-l2" | "dsr-tunnel" | "proxy" | "forward";

export interface VipDocument {
  vip: string;
  protocol: Protocol;
  /** null where it is not known. */
  mode: Mode | null;
  connections: number;
  scheduler: Scheduler;
  backends: readonly {
    backend: string;
    connections: number;
    bytes: number;
    share: number;
    expectedShare: number;
  }[];
  /** Equal next hops in front of the VIP; none where no capture tells members apart. */
  tiers: readonly TierDocument[];
}

export interface TierDocument {
  /**
   * What told members apart: the destination MAC at a point, the outer destination of a tunnel there, the interface of a
   * node, the load balancer that was reached, or another captured node.
   */
  by: "mac" | "tunnel" | "interface" | "node" | "point";
  /** The point or nodes where they were told apart. */
  seenAt: string;
  /** What the choice evidently depends on. */
  hashFields: EvidentFields;
  /** Of the first piece of each series. */
  start: string | null;
  /** Of one piece. */
  pieceSeconds: number;
  /** Flows that went on at another member. */
  moved: number;
  members: readonly {
    member: string;
    connections: number;
    share: number;
    bytes: number;
    /** Flows that moved to it, and away from it. */
    joined: number;
    left: number;
    series: {
      newConnections: readonly number[];
      /** Means over each piece. */
      activeConnections: readonly number[];
      /** Each flow's bytes spread evenly over its time. */
      bytes: readonly number[];
    };
  }[];
  /** Few flows that make one member carry more bytes than others, largest first. */
  elephants: readonly { connection: string; member: string; bytes: number }[];
}

export type Protocol = "tcp" | "udp";

export interface NodeDocument {
  name: string;
  role: "client" | "router" | "lb" | "backend" | "middlebox" | "unknown";
  addresses: readonly string[];
  macs: readonly string[];
  observationPoints: readonly string[];
}

export interface SummaryDocument {
  connections: number;
  byOutcome: Readonly<Record<Outcome, number>>;
  healthChecks: number;
  /** Connections of clients put together from several legs, and those that one leg alone shows. */
  joined: number;
  unjoined: number;
}

export interface FindingDocument {
  id: string;
  severity: "critical" | "warning" | "info";
  confidence: number;
  title: string;
  explanation: string;
  where: { vip?: string; backend?: string; node?: string; member?: string };
  /** null where the captures have no times. */
  window: { from: string | null; to: string | null };
  measured: Readonly<Record<string, number | string | boolean>>;
  affected: { connections: number; examples: readonly string[] };
  evidence: readonly { file: string; frame: number; note: string }[];
  displayFilter: string;
  remedy: readonly string[];
  /** What else was seen and follows from this cause: `backend.unreachable: …`. */
  symptoms: readonly string[];
  /** The finding that explains this one, as `id: title`, where this one was asked for all the same. */
  explainedBy?: string;
}

/** Something counted for each direction: client to backend, and back. */
export interface UpDown {
  up: number;
  down: number;
}

export interface ConnectionDocument {
  id: string;
  protocol: Protocol;
  client: string;
  vip: string;
  /** null where no packet or table can tell. */
  backend: string | null;
  mode: Mode | null;
  start: string | null;
  end: string | null;
  outcome: Outcome;
  healthCheck: boolean;
  /** `balancer`: opened by a load balancer for itself, to a backend that stands as its VIP. */
  role: Role;
  /** Payload, what was sent again included. */
  bytes: UpDown;
  /** Without copies of a packet on its way through the point. */
  packets: UpDown;
  retransmits: UpDown;
  /** null where it was not seen. */
  handshake: number | null;
  connectToBackend: number | null;
  /** null where there was none. */
  reset: { by: ResetAuthor; cause: ResetCause; confidence: number } | null;
  path: { up: readonly string[]; down: readonly string[] };
  legs: readonly {
    observationPoint: string;
    src: string;
    dst: string;
    /** Outermost first: `vlan 10`, `vxlan 42`, `ipip`. */
    encapsulation: readonly string[];
    /** What turns this leg into the next; null for the last. */
    hop: Mode | null;
  }[];
  communityId: readonly string[];
  connState: string;
  history: string;
  joinConfidence: number;
}
