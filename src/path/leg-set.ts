import { LegView } from "../flow/leg-view.ts";
import type { TrackedCapture } from "../flow/tracked-capture.ts";
import type { FlowTracker } from "../flow/tracker.ts";

/**
 * Number of a leg in a run: track number and leg number in one. Twenty-two bits hold a tracker's legs
 * (see DEFAULT_MAX_LEGS), so a reference is a small integer for up to 500 tracks.
 */
export type LegRef = number;

const LEG_BITS = 4_194_304;

/** One tracker of the run, and where its packets were seen. */
export interface Track {
  index: number;
  /** Index of its capture in the run. */
  capture: number;
  tracker: FlowTracker;
  view: LegView;
  pointNames: readonly string[];
  /** Index into `LegSet.points` of each of the tracker's observation points. */
  points: readonly number[];
}

/** An observation point of the run; shards of one capture share theirs. */
export interface RunPoint {
  index: number;
  name: string;
  /** Name of the node it is on: what stands before the colon, unless the set-up as it was given says otherwise. */
  nodeName: string;
  capture: number;
}

/** All legs of a run under one numbering, whatever capture, shard or point they were seen in. */
export class LegSet {
  readonly captures: readonly TrackedCapture[];
  readonly tracks: readonly Track[];
  readonly points: readonly RunPoint[];

  /** @param nodeNames names of nodes by observation point, where the set-up tells them */
  constructor(captures: readonly TrackedCapture[], nodeNames: ReadonlyMap<string, string> = new Map()) {
    this.captures = captures;
    const tracks: Track[] = [];
    const points: RunPoint[] = [];
    captures.forEach((capture, captureIndex) => {
      const byName = new Map<string, number>();
      for (const { tracker, pointNames } of capture.shards) {
        const ids = pointNames.map((name, number) => {
          const key = `${number} ${name}`;
          const known = byName.get(key);
          if (known !== undefined) return known;
          const index = points.length;
          byName.set(key, index);
          const nodeName = nodeNames.get(name) ?? name.split(":")[0] ?? name;
          points.push({ index, name, nodeName, capture: captureIndex });
          return index;
        });
        tracks.push({
          index: tracks.length,
          capture: captureIndex,
          tracker,
          view: new LegView(tracker),
          pointNames,
          points: ids,
        });
      }
    });
    this.tracks = tracks;
    this.points = points;
  }

  ref(track: number, leg: number): LegRef {
    return track * LEG_BITS + leg;
  }

  trackOf(ref: LegRef): Track {
    return this.tracks[Math.floor(ref / LEG_BITS)]!;
  }

  legOf(ref: LegRef): number {
    return ref % LEG_BITS;
  }

  /** The track's own cursor, moved to the leg: read it before the next call for the same track. */
  view(ref: LegRef): LegView {
    return this.trackOf(ref).view.at(ref % LEG_BITS);
  }

  /** A cursor of its own, for reading several legs at once. */
  ownView(ref: LegRef): LegView {
    return new LegView(this.trackOf(ref).tracker).at(ref % LEG_BITS);
  }

  pointOf(ref: LegRef): RunPoint {
    const track = this.trackOf(ref);
    return this.points[track.points[track.view.at(ref % LEG_BITS).point]!]!;
  }
}
