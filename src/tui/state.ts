import type { FlowSort, LiveModel, WindowName } from "../live/live-model.ts";
import type { Action } from "./keys.ts";

export const VIEW_IDS = ["vips", "backends", "resets", "paths", "flows", "findings", "probes"] as const;
export type ViewId = (typeof VIEW_IDS)[number];

/** What lies over the views, and how far it is scrolled. */
export type Overlay =
  | { kind: "help"; top: number }
  | { kind: "finding"; key: string; top: number }
  | { kind: "ladder"; id: string; top: number };

/** Where a view's user is. */
export interface Place {
  cursor: number;
  top: number;
  /** How rows are sorted: a number that the view understands. */
  sort: number;
}

/** What the user chose; everything else on screen comes from the model. */
export interface DashboardState {
  view: ViewId;
  places: Readonly<Record<ViewId, Place>>;
  filter: string;
  /** The filter as it is typed; null while nobody does. */
  typing: string | null;
  window: WindowName;
  /** What flows are limited to by how they were come to. */
  scope: { vip?: string; backend?: string; finding?: string };
  overlay: Overlay | null;
  /** The picture that stays while paused. */
  paused: LiveModel | null;
  /** Of the last thing that was done, or went wrong; gone with the next key. */
  message: string | null;
}

export const FLOW_SORTS: readonly FlowSort[] = ["start", "duration", "bytes", "packets", "retransmits", "handshake"];
const WINDOWS: readonly WindowName[] = ["10s", "1m", "15m"];
const START: Place = { cursor: 0, top: 0, sort: 0 };

export function initialState(): DashboardState {
  return {
    view: "vips",
    places: Object.fromEntries(VIEW_IDS.map((id) => [id, START])) as Record<ViewId, Place>,
    filter: "",
    typing: null,
    window: "1m",
    scope: {},
    overlay: null,
    paused: null,
    message: null,
  };
}

/** What the reducer must know of the view that is shown. */
export interface ViewFacts {
  /** Rows that there are, and that fit on screen. */
  count: number;
  rows: number;
  /** Ways to sort. */
  sorts: number;
  /** What Enter leads to. */
  opens: Partial<DashboardState> | null;
}

/** The state after a key. What reaches beyond the screen (writing, quitting, a store's time) is not its business. */
export function reduce(state: DashboardState, action: Action, model: LiveModel, facts: ViewFacts): DashboardState {
  const quiet = state.message === null ? state : { ...state, message: null };
  if (quiet.overlay !== null) {
    const scrolled = scrollOverlay(quiet, quiet.overlay, action, facts.rows);
    if (scrolled !== null) return scrolled;
  }
  switch (action) {
    case "up":
      return moved(quiet, -1, facts);
    case "down":
      return moved(quiet, 1, facts);
    case "page-up":
      return moved(quiet, -Math.max(1, facts.rows - 1), facts);
    case "page-down":
      return moved(quiet, Math.max(1, facts.rows - 1), facts);
    case "first":
      return moved(quiet, Number.NEGATIVE_INFINITY, facts);
    case "last":
      return moved(quiet, Number.POSITIVE_INFINITY, facts);
    case "next-view":
      return stepped(quiet, 1);
    case "previous-view":
      return stepped(quiet, -1);
    case "open":
      return facts.opens === null ? quiet : { ...quiet, ...facts.opens };
    case "back":
      return back(quiet);
    case "filter":
      return { ...quiet, typing: quiet.filter };
    case "sort":
      return placed(quiet, { ...quiet.places[quiet.view], cursor: 0, top: 0, sort: next(quiet, facts.sorts) });
    case "window":
      return { ...quiet, window: WINDOWS[(WINDOWS.indexOf(quiet.window) + 1) % WINDOWS.length]! };
    case "pause":
      return { ...quiet, paused: quiet.paused === null ? model : null };
    case "help":
      return { ...quiet, overlay: { kind: "help", top: 0 } };
    case "earlier":
    case "later":
    case "write":
    case "quit":
      return quiet;
    default:
      return shown(quiet, VIEW_IDS[Number(action.slice("view-".length)) - 1]!);
  }
}

/** The state after a key while a filter is typed. */
export function type(state: DashboardState, name: string): DashboardState {
  const typed = state.typing ?? "";
  switch (name) {
    case "return":
      return withFilter({ ...state, typing: null }, typed.trim());
    case "escape":
    case "ctrl+c":
      return { ...state, typing: null };
    case "backspace":
      return { ...state, typing: [...typed].slice(0, -1).join("") };
    case "space":
      return { ...state, typing: `${typed} ` };
    default:
      // a paste comes as one press of many letters
      return /^(ctrl\+|shift\+|[a-z]{2,}$)/.test(name) && KNOWN_NAMES.has(name)
        ? state
        : { ...state, typing: typed + name };
  }
}

const KNOWN_NAMES = new Set(["up", "down", "left", "right", "pageup", "pagedown", "home", "end", "tab", "shift+tab"]);

/** Another view, as it was left. */
export function shown(state: DashboardState, view: ViewId): DashboardState {
  const leavesFlows = state.view === "flows" && view !== "flows";
  return { ...state, view, overlay: null, ...(leavesFlows ? { scope: {} } : {}) };
}

function stepped(state: DashboardState, by: number): DashboardState {
  const at = (VIEW_IDS.indexOf(state.view) + by + VIEW_IDS.length) % VIEW_IDS.length;
  return shown(state, VIEW_IDS[at]!);
}

function moved(state: DashboardState, by: number, { count }: ViewFacts): DashboardState {
  const place = state.places[state.view];
  const cursor = Math.max(0, Math.min(count - 1, place.cursor + by));
  return placed(state, { ...place, cursor });
}

export function placed(state: DashboardState, place: Place): DashboardState {
  return { ...state, places: { ...state.places, [state.view]: place } };
}

function next(state: DashboardState, sorts: number): number {
  return sorts === 0 ? 0 : (state.places[state.view].sort + 1) % sorts;
}

function back(state: DashboardState): DashboardState {
  if (state.overlay !== null) return { ...state, overlay: null };
  if (state.filter !== "") return withFilter(state, "");
  if (Object.keys(state.scope).length > 0) return placed({ ...state, scope: {} }, START);
  return state;
}

function withFilter(state: DashboardState, filter: string): DashboardState {
  const places = Object.fromEntries(VIEW_IDS.map((id) => [id, { ...state.places[id], cursor: 0, top: 0 }])) as Record<
    ViewId,
    Place
  >;
  return { ...state, filter, places };
}

/** Scrolls what lies over the view; null for keys that do something else. */
function scrollOverlay(state: DashboardState, overlay: Overlay, action: Action, rows: number): DashboardState | null {
  const by: Partial<Record<Action, number>> = {
    up: -1,
    down: 1,
    "page-up": -rows,
    "page-down": rows,
    first: Number.NEGATIVE_INFINITY,
    last: Number.MAX_SAFE_INTEGER,
  };
  const step = by[action];
  if (step !== undefined) return { ...state, overlay: { ...overlay, top: Math.max(0, overlay.top + step) } };
  if (action === "help" && overlay.kind === "help") return { ...state, overlay: null };
  if (action === "open" || action === "sort" || action === "filter") return state;
  return null;
}
