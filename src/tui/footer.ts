import type { LiveModel } from "../live/live-model.ts";
import { columnsOf, type Page } from "../report/text/page.ts";
import { inColumns } from "./grid.ts";
import { KEYS } from "./keys.ts";
import { short, shortShare } from "./quantities.ts";
import type { DashboardState } from "./state.ts";

/** The last lines: how far all this can be trusted, and what can be pressed. */
export function footerRows(model: LiveModel, state: DashboardState, width: number, page: Page): string[] {
  return [trustRow(model, state, width, page), keyRow(state, width, page)];
}

function trustRow(model: LiveModel, state: DashboardState, width: number, page: Page): string {
  const { health, probes } = model;
  if (state.message !== null) return page.paint.title(inColumns(` ${state.message}`, width));
  const warning = health.warnings[0];
  if (warning !== undefined) return page.paint.risk(inColumns(` ! ${warning}`, width));
  const core = probes.reduce((sum, { coreShare }) => sum + (coreShare || 0), 0);
  const parts = [
    probes.length > 0 ? `probes ${shortShare(core)} of a core` : "",
    `${short(health.lost)} lost`,
    `${short(health.flows)} of ${short(health.maxFlows)} legs in memory`,
    `${short(health.residentBytes)}B resident`,
    health.state === "ended" ? "ended" : "",
  ].filter((part) => part !== "");
  return page.paint.quiet(inColumns(` ${parts.join(" · ")}`, width));
}

function keyRow(state: DashboardState, width: number, page: Page): string {
  if (state.typing !== null) return inColumns(` filter: ${state.typing}▏  Enter sets it, Esc leaves it`, width);
  const scope = [...Object.values(state.scope), state.filter === "" ? "" : `/${state.filter}`]
    .filter(Boolean)
    .join(" ");
  const right = [scope, `window ${state.window}`, state.paused === null ? "" : "PAUSED"].filter(Boolean).join(" · ");
  const hints = KEYS.flatMap(({ shown, brief }) => (brief === undefined ? [] : [`${shown} ${brief}`]));
  const room = width - columnsOf(right) - 2;
  let left = "";
  for (const hint of hints) {
    if (columnsOf(left) + columnsOf(hint) + 2 > room) break;
    left += `${left === "" ? " " : "  "}${hint}`;
  }
  const text = `${inColumns(left, room)} ${inColumns(right, width - room - 1)}`;
  return state.paused === null ? page.paint.quiet(text) : page.paint.title(text);
}
