import { diagnose } from "../diagnose/diagnose.ts";
import type { Finding } from "../diagnose/finding.ts";
import type { Analysis } from "../report/analysis.ts";
import { findingDocument } from "../report/document/finding-document.ts";
import { findingInFull } from "../report/text/finding-lines.ts";
import { createPage } from "../report/text/page.ts";
import type { Topology } from "../topology/topology.ts";
import type { Known } from "./connection-book.ts";
import { keysOf, type SeenFinding } from "./finding-book.ts";
import { WINDOW_SECONDS, type WindowName } from "./live-model.ts";
import { type Look, nameOf } from "./look.ts";
import { windowOf } from "./window-view.ts";

/** Connections of a finding whose names are kept. */
const NAMES_KEPT = 500;
const EXAMPLES = 10;
const PAGE_WIDTH = 100;

/** What a look's findings are, and those that only a shorter window shows; the widest window first. */
export function seenFindings(
  look: Look,
  topology: Topology | null,
  shorter: readonly Exclude<WindowName, "15m">[],
): SeenFinding[] {
  const { analysis, diagnosis, knowns, connected, now } = look;
  const seen = read(analysis, diagnosis.findings, (id) => knowns[id], "15m", now);
  for (const window of shorter) {
    const view = windowOf(connected, now - WINDOW_SECONDS[window] * 1e9);
    // nothing is older than the window: it shows what the wider one does
    if (view === null || view.connected.connections.length === 0) continue;
    const { findings, subject } = diagnose(view.connected, topology);
    const pressing = findings.filter(({ id, severity }) => severity !== "info" && !id.startsWith("capture."));
    seen.push(...read({ ...analysis, subject }, pressing, (id) => knowns[view.ids[id] ?? -1], window, now));
  }
  return seen;
}

function read(
  analysis: Analysis,
  findings: readonly Finding[],
  knownOf: (id: number) => Known | undefined,
  window: WindowName,
  now: number,
): SeenFinding[] {
  const page = createPage(PAGE_WIDTH, true, false);
  const keys = keysOf(findings);
  return findings.map((finding, index) => {
    const document = findingDocument(analysis, finding);
    const known = finding.connections.slice(0, NAMES_KEPT).flatMap((id) => knownOf(id) ?? []);
    return {
      key: keys[index]!,
      window,
      document: { ...document, affected: { ...document.affected, examples: known.slice(0, EXAMPLES).map(nameOf) } },
      connections: known.map(({ id }) => id),
      lastSeen: Number.isFinite(finding.window.to) ? Math.min(now, finding.window.to) : now,
      text: findingInFull(analysis, finding, page).join("\n"),
    };
  });
}
