import type { LiveHandle } from "../live/live-handle.ts";
import type { FlowAnswer, FlowQuery, LiveModel } from "../live/live-model.ts";
import type { Page } from "../report/text/page.ts";
import { drawFrame, type FrameInput, factsOf } from "./frame.ts";
import { type Action, actionOf } from "./keys.ts";
import { type DashboardState, FLOW_SORTS, initialState, reduce, type } from "./state.ts";
import { settled } from "./table-view.ts";
import { type Writable, writableOf, writeEvidence } from "./write-evidence.ts";

export interface DashboardOptions {
  /** For what lines are laid out; its width is that of the terminal. */
  page: Page;
  columns: number;
  rows: number;
  /** Where `w` writes to. */
  evidenceDirectory: string;
  onQuit: () => void;
  /** Moves a store's time by so many minutes; left out where there is none. */
  onScrollTime?: (minutes: number) => void;
}

/** Flows that are asked for beyond those on screen, so that a step does not wait. */
const FLOWS_AHEAD = 200;

/**
 * The dashboard without a terminal: keys and models in, lines out. Redraws only when something on screen may have
 * changed; who shows the lines is told by `subscribe`.
 */
export class Dashboard {
  private readonly handle: LiveHandle;
  private readonly options: DashboardOptions;
  private readonly tellers = new Set<() => void>();
  private state: DashboardState = initialState();
  private current: readonly string[] = [];
  private columns: number;
  private rows: number;
  private drawn = -1;
  private flows: FlowAnswer | null = null;
  private askedFlows = "";
  private isAsking = false;
  private ladder: string | null | undefined;
  private askedLadder = "";

  constructor(handle: LiveHandle, options: DashboardOptions) {
    this.handle = handle;
    this.options = options;
    this.columns = options.columns;
    this.rows = options.rows;
    this.redraw();
  }

  /** The lines on screen: the same array until they change. */
  readonly lines = (): readonly string[] => this.current;

  readonly subscribe = (tell: () => void): (() => void) => {
    this.tellers.add(tell);
    return () => this.tellers.delete(tell);
  };

  /** Looks whether there is a newer model; called some times a second. */
  poll(): void {
    if (this.handle.model().sequence !== this.drawn) this.redraw();
  }

  resize(columns: number, rows: number): void {
    this.columns = columns;
    this.rows = rows;
    this.askedLadder = "";
    this.redraw();
  }

  /** @param name as `keyName` gives it */
  press(name: string): void {
    if (name === "") return;
    if (this.state.typing !== null) this.state = type(this.state, name);
    else {
      const action = actionOf(name);
      if (action === null) return;
      this.act(action);
    }
    this.redraw();
  }

  private act(action: Action): void {
    switch (action) {
      case "quit":
        this.options.onQuit();
        break;
      case "write":
        this.write();
        break;
      case "earlier":
      case "later":
        this.scrollTime(action === "earlier" ? -1 : 1);
        break;
      default:
        this.move(action);
    }
  }

  private scrollTime(minutes: number): void {
    const { onScrollTime } = this.options;
    if (onScrollTime) onScrollTime(minutes);
    else this.state = { ...this.state, message: "only a store has another time: l4scope top --store DB" };
  }

  private move(action: Action): void {
    const input = this.input();
    const facts = factsOf(input);
    this.state = reduce(this.state, action, this.handle.model(), facts);
    const after = factsOf(this.input());
    this.state = settled(this.state, after.count, after.rows);
  }

  private write(): void {
    const what = writableOf(this.state, this.marked());
    if (what === null) {
      this.state = { ...this.state, message: "nothing to write here: mark or open a finding or a flow" };
      return;
    }
    this.state = { ...this.state, message: "writing…" };
    const { now } = this.handle.model();
    writeEvidence(this.handle, what, this.options.evidenceDirectory, Number.isFinite(now) ? now : 0)
      .catch((error: unknown) => `cannot write: ${error instanceof Error ? error.message : String(error)}`)
      .then((message) => {
        this.state = { ...this.state, message };
        this.redraw();
      });
  }

  private marked(): Writable | null {
    const { opens } = factsOf({ ...this.input(), state: { ...this.state, overlay: null } });
    const overlay = opens?.overlay;
    if (overlay?.kind === "finding") return { finding: overlay.key };
    return overlay?.kind === "ladder" ? { connection: overlay.id } : null;
  }

  private input(): FrameInput {
    const { flows, ladder, state, columns, rows } = this;
    return { model: this.handle.model(), state, flows, ladder, columns, rows, page: this.options.page };
  }

  private redraw(): void {
    const input = this.input();
    this.drawn = input.model.sequence;
    const lines = drawFrame(input);
    this.askFor(input.model);
    if (lines.length === this.current.length && lines.every((line, i) => line === this.current[i])) return;
    this.current = lines;
    for (const tell of this.tellers) tell();
  }

  /** Asks the session for what the model does not hold; one question at a time, the newest next. */
  private askFor(model: LiveModel): void {
    const { overlay } = this.state;
    if (overlay?.kind === "ladder") this.askLadder(overlay.id);
    if (this.state.view !== "flows" || this.isAsking) return;
    const query = this.flowQuery();
    const asked = `${(this.state.paused ?? model).sequence} ${JSON.stringify(query)}`;
    if (asked === this.askedFlows) return;
    this.askedFlows = asked;
    this.isAsking = true;
    this.handle
      .flows(query)
      .then((answer) => {
        this.flows = answer;
      })
      .catch((error: unknown) => {
        this.state = { ...this.state, message: error instanceof Error ? error.message : String(error) };
      })
      .finally(() => {
        this.isAsking = false;
        this.redraw();
      });
  }

  private flowQuery(): FlowQuery {
    const { scope, filter, places } = this.state;
    const { cursor, sort } = places.flows;
    return {
      ...scope,
      ...(filter === "" ? {} : { filter }),
      sort: FLOW_SORTS[sort] ?? "start",
      limit: cursor + this.rows + FLOWS_AHEAD,
    };
  }

  private askLadder(id: string): void {
    if (this.askedLadder === id) return;
    this.askedLadder = id;
    this.ladder = undefined;
    this.handle
      .ladder(id, { columns: this.columns - 1, rows: this.rows })
      .then((text) => {
        if (this.askedLadder === id) this.ladder = text;
      })
      .catch(() => {
        this.ladder = null;
      })
      .finally(() => this.redraw());
  }
}
