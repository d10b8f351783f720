import type { LiveFinding, LiveModel } from "../../live/live-model.ts";
import type { Page } from "../../report/text/page.ts";

type Severity = LiveFinding["worst"];

const ORDER: readonly Severity[] = ["critical", "warning", "info"];

/** The worst severity of the open findings of these keys; null where there is none. */
export function worstOf(model: LiveModel, keys: readonly string[]): Severity | null {
  if (keys.length === 0) return null;
  let worst: Severity | null = null;
  for (const { key, state, finding } of model.findings) {
    if (state !== "open" || !keys.includes(key)) continue;
    if (worst === null || ORDER.indexOf(finding.severity) < ORDER.indexOf(worst)) worst = finding.severity;
  }
  return worst;
}

/** Red: users are hurt; yellow: a risk; else as it is. */
export function severityPaint(severity: Severity | null, page: Page): ((text: string) => string) | null {
  if (severity === "critical") return page.paint.bad;
  if (severity === "warning") return page.paint.risk;
  return null;
}

/** Epoch seconds from which on it is seen: of its first packet, not of when the session first looked. */
export function sinceOf({ finding, opened }: LiveFinding): number {
  const from = finding.window.from === null ? Number.NaN : Number(finding.window.from);
  return Number.isFinite(from) ? Math.min(from, opened) : opened;
}
