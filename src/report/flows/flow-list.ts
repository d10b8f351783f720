import type { TimeBase } from "../../capture/time-base.ts";
import type { TrackedCapture } from "../../flow/tracked-capture.ts";
import { pointsOf } from "../capture-facts.ts";
import { LegList } from "../leg-list.ts";
import type { Page } from "../text/page.ts";
import { flowCsv } from "./flow-csv.ts";
import { type FlowsDocument, flowsDocument } from "./flow-document.ts";
import { flowTable } from "./flow-table.ts";
import { isPoint } from "./leg-filter.ts";
import { type Selection, selectLegs } from "./leg-sort.ts";

/** What `flows` has to tell: the legs of a run that were asked for, in the order asked for. */
export class FlowList {
  private readonly captures: readonly TrackedCapture[];
  private readonly timeBase: TimeBase;
  private readonly list: LegList;
  private readonly points: readonly string[];
  private places: readonly number[] = [];
  private matched = 0;

  /** @param timeBase of the run that tracked the captures. */
  constructor(captures: readonly TrackedCapture[], timeBase: TimeBase) {
    this.captures = captures;
    this.timeBase = timeBase;
    this.list = new LegList(captures);
    this.points = [...new Set(captures.flatMap(pointsOf))];
  }

  /** Why a selection makes no sense for these captures, in a line; null where it does. */
  objectionTo({ filter }: Selection): string | null {
    const unknown = filter.point?.find((name) => !this.points.some((point) => isPoint(name, point)));
    if (unknown === undefined) return null;
    return `--point ${unknown}: no such observation point; there are ${this.points.join(", ") || "none"}`;
  }

  select(selection: Selection): void {
    ({ places: this.places, matched: this.matched } = selectLegs(this.list, selection));
  }

  table(page: Page): string {
    const times = this.captures.map(({ firstTime }) => firstTime).filter((time) => !Number.isNaN(time));
    const options = { start: Math.min(...times), matched: this.matched, manyPoints: this.points.length > 1 };
    return flowTable(this.list, this.places, options, page);
  }

  /** Pieces of whole lines. */
  csv(): Generator<string> {
    return flowCsv(this.list, this.places, this.timeBase);
  }

  document(): FlowsDocument {
    return flowsDocument(this.list, this.places, this.matched, this.timeBase);
  }
}
