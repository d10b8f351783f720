import type { LiveFinding, LiveModel } from "../live/live-model.ts";
import { columnsOf, type Page, printable } from "../report/text/page.ts";
import { inColumns } from "./grid.ts";
import { age, clock, short } from "./quantities.ts";
import type { DashboardState } from "./state.ts";
import { VIEWS } from "./views/all.ts";
import { sinceOf } from "./views/finding-marks.ts";

/** The first lines: what is watched and how it is, the worst finding, the views. */
export function headerRows(model: LiveModel, state: DashboardState, width: number, page: Page): string[] {
  const { health, sources, vips } = model;
  const right = [
    `${vips.length} ${vips.length === 1 ? "VIP" : "VIPs"}`,
    `${short(health.connectionsPerSecond)} conn/s`,
    `${short(health.activeConnections)} active`,
    `${short(health.packetsPerSecond)} pkt/s`,
  ].join("  ");
  const time = clock(model.now);
  const room = width - columnsOf(right) - columnsOf(" l4scope ·  · ") - time.length - 2;
  const left = ` l4scope · ${sourcesText(sources, room)} · ${time}`;
  const gap = Math.max(1, width - columnsOf(left) - columnsOf(right) - 1);
  const first = page.paint.title(left) + inColumns(" ".repeat(gap) + right, width - columnsOf(left));
  return [first, verdictRow(model, width, page), viewRow(state, width, page)];
}

/** The sources' names where there is room for them, else how many there are. Of a file, its own name is enough. */
function sourcesText(sources: LiveModel["sources"], room: number): string {
  if (sources.length === 0) return "no source";
  const all = printable(sources.map(({ name }) => name.slice(name.lastIndexOf("/") + 1)).join(" "));
  return columnsOf(all) <= room ? all : `${sources.length} sources`;
}

/** The worst open finding in a line, or that there is none. */
export function verdictRow(model: LiveModel, width: number, page: Page): string {
  const { health } = model;
  if (health.state === "failed")
    return page.paint.bad(inColumns(` ✗ ${health.failure ?? "the session failed"}`, width));
  if (health.state === "starting") return page.paint.quiet(inColumns(" waiting for packets…", width));
  const open = model.findings.filter(({ state, finding }) => state === "open" && finding.severity !== "info");
  const worst = open[0];
  if (worst === undefined) {
    const over = model.findings.filter(({ state }) => state === "over").length;
    const past = over > 0 ? `; ${over} over` : "";
    return page.paint.good(inColumns(` ✓ nothing is wrong now${past}`, width));
  }
  const more = open.length > 1 ? `  +${open.length - 1} more` : "";
  const paint = worst.finding.severity === "critical" ? page.paint.bad : page.paint.risk;
  return paint(
    inColumns(` ${inColumns(findingText(model, worst), width - columnsOf(more) - 2).trimEnd()}${more}`, width),
  );
}

function findingText(model: LiveModel, found: LiveFinding): string {
  const sign = found.finding.severity === "critical" ? "✗" : "!";
  return `${sign} ${found.finding.id} (${age(model.now - sinceOf(found))}) ${found.finding.title}`;
}

function viewRow(state: DashboardState, width: number, page: Page): string {
  const tabs = VIEWS.map(({ id, title }, i) => {
    const text = `${i + 1} ${title}`;
    return id === state.view ? page.paint.title(`[${text}]`) : ` ${text} `;
  });
  const columns = VIEWS.reduce((sum, { title }) => sum + title.length + 4, 0);
  return columns <= width ? tabs.join("") : page.paint.title(inColumns(` [${state.view}]`, width));
}
