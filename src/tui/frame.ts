import type { FlowAnswer, LiveModel } from "../live/live-model.ts";
import type { Page } from "../report/text/page.ts";
import { chartRows, LEAST_CHART_ROWS } from "./charts.ts";
import { footerRows } from "./footer.ts";
import { headerRows } from "./header.ts";
import { findingRows, helpRows, ladderRows } from "./overlays.ts";
import type { DashboardState, Overlay, ViewFacts } from "./state.ts";
import type { Scene, View } from "./view.ts";
import { VIEWS } from "./views/all.ts";

/** All that a picture is made of. The same gives the same lines. */
export interface FrameInput {
  /** The newest; a paused picture has its own in the state. */
  model: LiveModel;
  state: DashboardState;
  flows: FlowAnswer | null;
  /** The ladder that was asked for: undefined until it has come, null where there is none. */
  ladder: string | null | undefined;
  columns: number;
  rows: number;
  page: Page;
}

const HEADER_ROWS = 3;
const FOOTER_ROWS = 2;
const LEAST_TABLE_ROWS = 6;

/**
 * The whole picture: exactly `rows` lines of at most `columns` columns, colours not counted.
 */
export function drawFrame(input: FrameInput): string[] {
  const { state, columns, rows, page } = input;
  const model = state.paused ?? input.model;
  const scene = sceneOf(input);
  const body =
    state.overlay === null
      ? bodyRows(scene, viewOf(state), rows - HEADER_ROWS - FOOTER_ROWS)
      : scrolled(overlayRows(input, state.overlay), state.overlay.top, scene.height + chartHeight(scene, input.rows));
  const lines = [
    ...headerRows(model, state, columns, page),
    ...padTo(body, rows - HEADER_ROWS - FOOTER_ROWS),
    ...footerRows(model, state, columns, page),
  ];
  return padTo(lines, rows);
}

/** What the reducer needs to know of what is shown. */
export function factsOf(input: FrameInput): ViewFacts {
  const scene = sceneOf(input);
  const view = viewOf(input.state);
  const isOver = input.state.overlay !== null;
  return {
    count: view.count(scene),
    rows: isOver ? input.rows - HEADER_ROWS - FOOTER_ROWS : scene.height - 1,
    sorts: view.sorts,
    opens: isOver ? null : (view.opens?.(scene) ?? null),
  };
}

export function viewOf(state: DashboardState): View {
  return VIEWS.find(({ id }) => id === state.view)!;
}

function sceneOf({ model, state, flows, columns, rows, page }: FrameInput): Scene {
  const scene: Scene = { model: state.paused ?? model, state, flows, page, width: columns, height: 0 };
  const room = rows - HEADER_ROWS - FOOTER_ROWS;
  return { ...scene, height: room - chartHeight(scene, rows) };
}

/** Charts get what the table can spare, a third at most. */
function chartHeight({ state }: Scene, rows: number): number {
  if (!viewOf(state).hasCharts) return 0;
  const room = rows - HEADER_ROWS - FOOTER_ROWS;
  const height = Math.min(12, Math.floor(room / 3));
  return height >= LEAST_CHART_ROWS && room - height >= LEAST_TABLE_ROWS ? height : 0;
}

function bodyRows(scene: Scene, view: View, room: number): string[] {
  const table = padTo(view.draw(scene), scene.height);
  const charts = room - scene.height;
  return charts > 0 ? [...table, ...chartRows(scene.model.series, scene.width, charts, scene.page)] : table;
}

function overlayRows({ model, state, ladder, columns, page }: FrameInput, overlay: Overlay): string[] {
  switch (overlay.kind) {
    case "help":
      return helpRows(columns, page);
    case "finding":
      return findingRows(state.paused ?? model, overlay.key, columns, page);
    case "ladder":
      return ladderRows(overlay.id, ladder, page);
  }
}

/** The part of long lines' list that is on screen, with a mark where there is more. */
function scrolled(lines: readonly string[], top: number, height: number): string[] {
  const from = Math.min(top, Math.max(0, lines.length - height));
  const shown = lines.slice(from, from + height);
  if (from + height < lines.length) shown[shown.length - 1] = " ▾ more";
  return shown;
}

function padTo(lines: readonly string[], count: number): string[] {
  return lines.length >= count
    ? lines.slice(0, count)
    : [...lines, ...Array.from({ length: count - lines.length }, () => "")];
}
