import type { LiveModel } from "../live/live-model.ts";
import type { Page } from "../report/text/page.ts";
import { verdictRow } from "./header.ts";
import { findingRows } from "./overlays.ts";
import { initialState } from "./state.ts";
import { VIEWS } from "./views/all.ts";

/** Without a terminal: the views one below the other as text, once. */
export function snapshotText(model: LiveModel, page: Page): string {
  const state = initialState();
  const { width } = page;
  const lines: string[] = [verdictRow(model, width, page).trimEnd()];
  for (const warning of model.health.warnings) lines.push(page.paint.risk(` ! ${warning}`));
  for (const { key, state: holds, finding } of model.findings) {
    if (holds === "open" && finding.severity !== "info") {
      // its last line tells of a key that is not there
      lines.push("", ...findingRows(model, key, width, page).slice(0, -2));
    }
  }
  for (const view of VIEWS) {
    // flows are many, and findings were just shown
    if (view.id === "flows" || view.id === "findings") continue;
    const scene = { model, state, flows: null, page, width, height: 0 };
    const count = view.count(scene);
    if (count === 0) continue;
    const shown = page.full ? count : Math.min(count, 20);
    lines.push("", page.paint.title(view.title));
    const places = { ...state.places, [view.id]: { cursor: -1, top: 0, sort: 0 } };
    lines.push(
      ...view.draw({ ...scene, state: { ...state, places }, height: shown + 1 }).map((line) => line.trimEnd()),
    );
    if (shown < count) lines.push(page.paint.quiet(` … ${count - shown} more`));
  }
  return lines.join("\n");
}
