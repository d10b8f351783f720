import { LegView } from "../flow/leg-view.ts";
import type { TrackedCapture } from "../flow/tracked-capture.ts";

interface Source {
  leg: LegView;
  pointNames: readonly string[];
}

/** A leg with the names it has in a run. */
export interface ListedLeg {
  /** `f17`, for a flow as one point saw it: other than `c17`, a connection end to end. The same for the same captures, however many threads read them. */
  id: string;
  /** A cursor that the next `at` may move. */
  leg: LegView;
  /** Its observation point. */
  point: string;
}

/** All legs of a run by the time they began. A leg takes a few bytes here; it is read when it is asked for. */
export class LegList {
  readonly count: number;
  private readonly sources: readonly Source[];
  private readonly source: Int32Array;
  private readonly number: Int32Array;
  private readonly order: Uint32Array;

  constructor(captures: readonly TrackedCapture[]) {
    this.sources = captures.flatMap(({ shards }) =>
      shards.map(({ tracker, pointNames }) => ({ leg: new LegView(tracker), pointNames })),
    );
    this.count = this.sources.reduce((sum, { leg }) => sum + leg.tracker.legs.live, 0);
    this.source = new Int32Array(this.count);
    this.number = new Int32Array(this.count);
    this.order = Uint32Array.from({ length: this.count }, (_, index) => index);
    const start = new Float64Array(this.count);
    const frame = new Int32Array(this.count);
    let at = 0;
    let isSorted = true;
    for (const [index, { leg }] of this.sources.entries()) {
      for (const { leg: number } of leg.all()) {
        this.source[at] = index;
        this.number[at] = number;
        // a leg without times comes last
        start[at] = Number.isNaN(leg.start) ? Number.POSITIVE_INFINITY : leg.start;
        frame[at] = leg.firstFrame;
        if (at > 0 && start[at]! <= start[at - 1]!) isSorted = false;
        at++;
      }
    }
    if (isSorted) return;
    // shards of one capture interleave: equal times are told apart by frame, then by file
    this.order.sort((a, b) => {
      if (start[a] !== start[b]) return start[a]! - start[b]!;
      return frame[a]! - frame[b]! || this.source[a]! - this.source[b]! || a - b;
    });
  }

  /** The leg at a place in the order. */
  at(index: number): ListedLeg {
    const entry = this.order[index]!;
    const { leg, pointNames } = this.sources[this.source[entry]!]!;
    leg.at(this.number[entry]!);
    return { id: `f${index + 1}`, leg, point: pointNames[leg.point] ?? "?" };
  }
}
