import { TCP } from "../decode/packet.ts";
import { H_GAP } from "../flow/history.ts";
import * as L from "../flow/leg-layout.ts";
import type { Connected } from "../path/connect.ts";
import type { Connection } from "../path/connection.ts";
import type { LegRef } from "../path/leg-set.ts";

/** What legs are scanned of: a case, or what becomes one. */
export interface Examined {
  readonly connected: Connected;
}

/** The same with the connections that hold the legs. */
interface Owning extends Examined {
  readonly connections: readonly Connection[];
}

/** What the TCP legs of one observation point show of the capture itself. */
export interface PointScan {
  tcpLegs: number;
  /** Legs of at least three packets that saw both directions, only requests, only answers. */
  bothWays: number;
  upOnly: number;
  downOnly: number;
  /** Legs whose handshake was seen and that lack bytes which their receiver acknowledged. */
  legsWithMissing: number;
  /** Acknowledgments of bytes never seen, and holes that were acknowledged and never filled: at least so many packets. */
  missing: number;
  /** Of the legs that can lack something: packets. */
  packets: number;
  /** Legs with segments larger than their receiver's MSS: put together by offload. */
  offloaded: number;
}

/** What few legs of a healthy run show, found in one pass over all of them. */
export interface LegScan {
  /** By number of `LegSet.points`. */
  points: PointScan[];
  /** Legs whose frames changed their MACs, on the packets' stretch or their copies'. */
  moved: LegRef[];
  /** Legs that saw a part of the requests only: with gaps, or from mid-stream on. */
  partial: LegRef[];
  /** Legs on which a segment was sent again at least twice and was never acknowledged. */
  stuck: LegRef[];
  /** Legs on which segments other than SYNs were sent again. */
  resent: LegRef[];
  /** Legs on which a SYN was sent more than once. */
  repeatedSyns: Set<LegRef>;
}

const MIN_PACKETS = 3;
const STUCK_REPETITIONS = 2;
const UP_GAP = 1 << H_GAP;

const scans = new WeakMap<Connected, LegScan>();

/** Looks at every leg once for all detectors; the records are read in place, as there may be a million. */
export function scanLegs({ connected }: Examined): LegScan {
  let scan = scans.get(connected);
  if (!scan) {
    scan = readAll(connected);
    scans.set(connected, scan);
  }
  return scan;
}

function readAll({ set }: Connected): LegScan {
  const scan: LegScan = {
    points: set.points.map(emptyPoint),
    moved: [],
    partial: [],
    stuck: [],
    resent: [],
    repeatedSyns: new Set(),
  };
  for (const track of set.tracks) {
    const { legs } = track.tracker;
    for (let leg = 0; leg < legs.count; leg++) {
      if (!legs.has(leg)) continue;
      const w = legs.words(leg);
      const at = legs.base(leg);
      const up = at + L.SIDE_0;
      const down = at + L.SIDE_1;
      if (w[up + L.MAC_CHANGES]! + w[down + L.MAC_CHANGES]! > 0) scan.moved.push(set.ref(track.index, leg));
      if (w[at + L.PROTOCOL] !== TCP) continue;
      if (w[up + L.SYN_COUNT]! > 1) scan.repeatedSyns.add(set.ref(track.index, leg));
      if (resentOf(w, up) + resentOf(w, down) > 0) scan.resent.push(set.ref(track.index, leg));
      const isOpened = (w[at + L.STATE]! & L.LEG_SYN) !== 0;
      if (!isOpened || (w[at + L.HISTORY_SEEN]! & UP_GAP) !== 0) scan.partial.push(set.ref(track.index, leg));
      if (isStuck(w, up, down) || isStuck(w, down, up)) scan.stuck.push(set.ref(track.index, leg));
      readPoint(scan.points[track.points[w[at + L.POINT]!]!]!, w, at, up, down);
    }
  }
  return scan;
}

function emptyPoint(): PointScan {
  return { tcpLegs: 0, bothWays: 0, upOnly: 0, downOnly: 0, legsWithMissing: 0, missing: 0, packets: 0, offloaded: 0 };
}

function readPoint(point: PointScan, w: Int32Array, at: number, up: number, down: number): void {
  const packetsUp = w[up + L.PACKETS]!;
  const packetsDown = w[down + L.PACKETS]!;
  point.tcpLegs++;
  if (packetsUp > 0 && packetsDown > 0) point.bothWays++;
  else if (packetsUp >= MIN_PACKETS) point.upOnly++;
  else if (packetsDown >= MIN_PACKETS) point.downOnly++;
  if (
    ((w[up + L.TRAITS]! | w[down + L.TRAITS]!) & L.SIDE_OVERSIZED) !== 0 &&
    (isOffloaded(w, up, down) || isOffloaded(w, down, up))
  )
    point.offloaded++;
  const opened = L.LEG_SYN | L.LEG_SYN_ACK;
  // What changed boxes half-way was not all to be seen here; answers out of TIME-WAIT acknowledge an earlier life.
  if ((w[at + L.STATE]! & (opened | L.LEG_RST_UP | L.LEG_RST_DOWN)) !== opened || w[up + L.SYN_COUNT]! > 1) return;
  if (w[up + L.MAC_CHANGES]! + w[down + L.MAC_CHANGES]! > 0) return;
  const missing = missingOf(w, up, down) + missingOf(w, down, up);
  point.packets += packetsUp + packetsDown;
  point.missing += missing;
  if (missing > 0) point.legsWithMissing++;
}

/** A segment larger than the other side said it takes. */
function isOffloaded(w: Int32Array, s: number, o: number): boolean {
  const mss = w[o + L.SYN_OPTIONS]! & 0xffff;
  return mss > 0 && w[s + L.LARGEST_SENT]! > mss;
}

/** Packets of side `s` that side `o` acknowledged and the capture lacks: at least so many. */
function missingOf(w: Int32Array, s: number, o: number): number {
  const hole = (w[s + L.TRAITS]! & L.SIDE_HOLE) !== 0 && ((w[o + L.HIGHEST_ACK]! - w[s + L.HOLE_END]!) | 0) >= 0;
  return w[o + L.ACKS_OF_UNSEEN]! + (hole ? 1 : 0);
}

/** Segments of a side that were sent again, SYNs not counted. */
function resentOf(w: Int32Array, s: number): number {
  return w[s + L.RETRANSMITS]! - Math.max(0, w[s + L.SYN_COUNT]! - 1);
}

/** The last segment that was sent again is still not acknowledged. */
function isStuck(w: Int32Array, s: number, o: number): boolean {
  if (w[s + L.REPEATED_COUNT]! < STUCK_REPETITIONS) return false;
  return (w[o + L.TRAITS]! & L.SIDE_HAS_ACK) === 0 || ((w[s + L.REPEATED_SEQ]! - w[o + L.HIGHEST_ACK]!) | 0) >= 0;
}

/** The connections that hold these legs, by leg. */
export function ownersOf(subject: Owning, refs: readonly LegRef[]): Map<LegRef, Connection> {
  const owners = new Map<LegRef, Connection>();
  if (refs.length === 0) return owners;
  const { set } = subject.connected;
  const index = ownerIndex(subject);
  for (const ref of refs) {
    const owner = subject.connections[index[set.trackOf(ref).index]![set.legOf(ref)]! - 1];
    if (owner) owners.set(ref, owner);
  }
  return owners;
}

const indexes = new WeakMap<Owning, readonly Int32Array[]>();

/** Number of each leg's connection plus 1, by track and leg: written in one pass, however many ask. */
function ownerIndex(subject: Owning): readonly Int32Array[] {
  let index = indexes.get(subject);
  if (!index) {
    const { set } = subject.connected;
    index = set.tracks.map(({ tracker }) => new Int32Array(tracker.legs.count));
    for (const { id, legs } of subject.connections) {
      for (const ref of legs) index[set.trackOf(ref).index]![set.legOf(ref)] = id + 1;
    }
    indexes.set(subject, index);
  }
  return index;
}
