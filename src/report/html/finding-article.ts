import type { Finding } from "../../diagnose/finding.ts";
import type { Analysis } from "../analysis.ts";
import { EXPLANATIONS } from "../explanations/explanations.ts";
import { FileNames } from "../file-names.ts";
import { formatNumberOf } from "../format-quantity.ts";
import type { Ladder } from "../ladder/ladder.ts";
import { SIGNS, whereText } from "../text/finding-lines.ts";
import { windowText } from "../text/time-window.ts";
import { ladderFigure } from "./ladder-figure.ts";
import { html, type Markup, prose } from "./markup.ts";

/** Frames listed of each finding. */
const EVIDENCE = 12;

/**
 * A finding with all that shows it.
 *
 * @param ladder of one of its connections, or why there is none
 */
export function findingArticle(analysis: Analysis, finding: Finding, ladder: Ladder | string | undefined): Markup {
  const {
    id,
    severity,
    confidence,
    title,
    explanation,
    connections,
    displayFilter,
    remedy,
    symptoms = [],
    explainedBy,
  } = finding;
  const affected = connections.length > 0 ? ` · ${formatNumberOf(connections.length, "connection")}` : "";
  const since = windowText(analysis, finding);
  const where = whereText(finding);
  return html`<article class="${severity}" id="${id}">
<h3>${SIGNS[severity]} ${title}</h3>
<p class="tag"><code>${id}</code> · <span class="severity">${severity}</span> · confidence ${confidence.toFixed(2)}${affected}</p>
<p>${prose(explanation)}</p>
<dl>
${where === "" ? null : entry("where", html`<span class="mono">${where}</span>`)}
${since === null ? null : entry("since", html`${since}`)}
${finding.evidence.length === 0 ? null : entry("evidence", evidenceTable(analysis, finding))}
${explainedBy === undefined ? null : entry("cause", html`explained by ${explainedBy}`)}
${symptoms.length === 0 ? null : entry("explains", list(symptoms))}
${displayFilter === "" ? null : entry("see it", html`<code class="copy">${displayFilter}</code>`)}
${remedy.length === 0 ? null : entry("remedy", list(remedy))}
${measuredEntry(finding)}
</dl>
${ladder === undefined ? null : typeof ladder === "string" ? html`<p class="quiet">No ladder: ${ladder}</p>` : ladderFigure(analysis, ladder)}${alternatives(id)}
</article>`;
}

function entry(term: string, description: Markup): Markup {
  return html`<dt>${term}</dt><dd>${description}</dd>`;
}

function list(texts: readonly string[]): Markup {
  return html`<ul>${texts.map((text) => html`<li>${prose(text)}</li>`)}</ul>`;
}

function evidenceTable({ captures }: Analysis, { evidence }: Finding): Markup {
  const names = new FileNames(captures);
  const rows = evidence.slice(0, EVIDENCE).map(({ capture, frame, note }) => {
    const { file, number } = names.frame(capture, frame);
    return html`<tr><td class="mono">${file}</td><td class="number mono">${number}</td><td>&nbsp; ${note}</td></tr>`;
  });
  return html`<div class="scroll"><table>${rows}</table></div>`;
}

/** `refusedConnections 11`, as the detector counted. */
function measuredEntry({ measured }: Finding): Markup | null {
  const entries = Object.entries(measured);
  if (entries.length === 0) return null;
  return entry(
    "measured",
    html`<span class="mono">${entries.map(([name, value]) => `${name} ${roundedText(value)}`).join(" · ")}</span>`,
  );
}

function roundedText(value: number | string | boolean): string {
  if (typeof value !== "number" || Number.isInteger(value)) return String(value);
  return String(Number(value.toPrecision(4)));
}

function alternatives(id: string): Markup | null {
  const explanation = Object.hasOwn(EXPLANATIONS, id) ? EXPLANATIONS[id] : undefined;
  if (explanation === undefined) return null;
  return html`<details><summary class="quiet">What it means, what else it could be, how to make sure</summary>
<p>${prose(explanation.means)}</p>${list(explanation.alternatives)}${list(explanation.confirm)}</details>`;
}
