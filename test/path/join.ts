import { inOrder, type TimedPacket } from "../../fixtures/packets/capture-file.ts";
import { LINKTYPE } from "../../fixtures/packets/link.ts";
import { Decoder } from "../../src/decode/decode.ts";
import { Packet } from "../../src/decode/packet.ts";
import type { Outcome } from "../../src/flow/leg-outcome.ts";
import type { TrackedCapture } from "../../src/flow/tracked-capture.ts";
import { FlowTracker } from "../../src/flow/tracker.ts";
import { type Connected, connect } from "../../src/path/connect.ts";
import { connectionOutcome } from "../../src/path/outcome.ts";
import type { Topology } from "../../src/topology/topology.ts";

/** A connection as the tests speak of it. */
export interface JoinedConnection {
  client: string;
  vip: string;
  backend: string | null;
  mode: string | null;
  role: string;
  /** Where its legs were seen, client-most first. */
  points: string[];
  hops: string[];
  keys: string[];
  confidence: number;
  outcome: Outcome;
}

export interface SeenAtPoint {
  packets: readonly TimedPacket[];
  linkType?: number;
  /** Cuts packets to this many bytes. */
  snapLength?: number;
}

/** What each point saw, by its name: `lb1:eth0` is interface eth0 of node lb1, in a capture of its own. */
export type Points = Record<string, SeenAtPoint | readonly TimedPacket[]>;

/** Tracks what each point saw and joins it. Times are seconds since the epoch's zero. */
export function connectPoints(points: Points, topology: Topology | null = null): Connected {
  return connect(
    Object.entries(points).map(([name, seen]) => track(name, "packets" in seen ? seen : { packets: seen })),
    topology === null ? null : { topology, baseSeconds: 0 },
  );
}

/** The connections of what the points saw, in order of their start. */
export function join(points: Points): JoinedConnection[] {
  return read(connectPoints(points));
}

/** The only connection of what the points saw. */
export function joinOne(points: Points): JoinedConnection {
  const [connection, ...others] = join(points);
  if (!connection || others.length > 0) throw new Error(`${others.length + 1} connections where one was expected`);
  return connection;
}

export function read({ set, endpoints, connections }: Connected): JoinedConnection[] {
  return connections.map((connection) => ({
    client: endpoints.text(connection.client),
    vip: endpoints.text(connection.vip),
    backend: connection.backend === null ? null : endpoints.text(connection.backend),
    mode: connection.mode,
    role: connection.role,
    points: connection.legs.map((ref) => set.pointOf(ref).name),
    hops: [...connection.hops],
    keys: [...connection.joinKeys],
    confidence: connection.joinConfidence,
    outcome: connectionOutcome(set, connection),
  }));
}

function track(name: string, { packets, linkType = LINKTYPE.ethernet, snapLength }: SeenAtPoint): TrackedCapture {
  const tracker = new FlowTracker();
  const decoder = new Decoder();
  const packet = new Packet();
  inOrder(packets).forEach(({ bytes, timeSeconds, wireBytes }, index) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    packet.time = Math.round(timeSeconds * 1e9);
    packet.frame = index + 1;
    packet.interface = 0;
    decoder.decode(
      packet,
      view,
      0,
      Math.min(bytes.length, snapLength ?? bytes.length),
      wireBytes ?? bytes.length,
      linkType,
    );
    tracker.track(packet, view);
  });
  return {
    path: `${name}.pcap`,
    format: "pcap",
    problems: [],
    interfaces: [],
    packets: tracker.totals.packets,
    bytes: tracker.totals.bytes,
    firstTime: packets[0]?.timeSeconds ?? Number.NaN,
    lastTime: packets.at(-1)?.timeSeconds ?? Number.NaN,
    skippedLinkTypes: new Map(),
    shards: [{ tracker, pointNames: [name] }],
  };
}
