import { filesOf } from "../../flow/tracked-capture.ts";
import type { Analysis } from "../analysis.ts";
import { pointsOf, problemsByFile } from "../capture-facts.ts";
import { blindSpots } from "../figures/blind-spots.ts";
import { vipFigures } from "../figures/vip-figures.ts";
import { formatBytes, formatCount, formatNumberOf } from "../format-quantity.ts";
import { headlineFacts } from "../text/headline.ts";
import { isLoud, leftOutFacts, silentDetectors } from "../text/left-out.ts";
import type { ExampleLadders } from "./example-ladders.ts";
import { findingArticle } from "./finding-article.ts";
import { html, Markup } from "./markup.ts";
import { STYLE } from "./style.ts";
import { vipSection } from "./vip-section.ts";

/** VIPs with a section of their own. */
const SHOWN_VIPS = 12;

/**
 * The whole report as one page that needs no other file, no network and no scripts.
 *
 * @param ladders of connections that show the findings
 */
export function analysisPage(analysis: Analysis, ladders: ExampleLadders = new Map()): string {
  const { findings } = analysis;
  const vips = vipFigures(analysis);
  const loud = findings.filter(({ severity }) => severity !== "info");
  const [worst] = loud;
  const sections = vips
    .filter(({ backends, vip }) => backends.length > 0 || vip === worst?.where.vip)
    .slice(0, SHOWN_VIPS)
    .map((figures) => {
      const isAbout = worst?.where.vip === undefined || worst.where.vip === figures.vip;
      return vipSection(analysis, figures, isAbout ? worst : undefined);
    });
  const spots = [...blindSpots(analysis, vips), ...captureProblems(analysis)];
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${worst === undefined ? "Nothing wrong" : worst.title} · l4scope</title>
<style>${new Markup(STYLE)}</style>
</head>
<body><main>
<h1>l4scope analyze</h1>
<p class="facts">${headlineFacts(analysis, vips).join(" · ")}</p>
${verdict(analysis)}
${findings.length === 0 ? null : html`<h2>Findings</h2>${findings.map((finding) => findingArticle(analysis, finding, ladders.get(finding)))}`}
${sections}
${spots.length === 0 ? null : html`<h2>What could not be seen</h2><ul>${spots.map((spot) => html`<li>${spot}</li>`)}</ul>`}
<h2>Captures</h2>
<div class="scroll">${fileTable(analysis)}</div>
<footer>Filters are Wireshark display filters: one click marks the whole of it. Times are UTC. Made by l4scope.</footer>
</main></body>
</html>
`;
  return page.text;
}

function verdict(analysis: Analysis): Markup {
  const { findings, subject, leftOut } = analysis;
  const [worst, ...others] = findings.filter(({ severity }) => severity !== "info");
  const checks = subject.connections.filter(({ healthCheck }) => healthCheck).length;
  const facts = [
    `${formatNumberOf(silentDetectors(analysis), "check")} silent`,
    ...(checks > 0 ? [`${formatNumberOf(checks, "health check")} left out`] : []),
    ...leftOutFacts(leftOut),
  ];
  if (worst === undefined) {
    const connections = formatNumberOf(subject.users.length, "connection");
    const nothing = isLoud(leftOut.notAsked)
      ? "Nothing of what was asked for is"
      : isLoud(leftOut.ignored)
        ? "Nothing else"
        : "Nothing";
    return html`<div class="verdict"><p>✓ ${nothing} wrong with ${connections}</p><p class="quiet">${facts.join(" · ")}</p></div>`;
  }
  const rest = others.length === 0 ? "nothing else" : formatNumberOf(others.length, "more finding");
  return html`<div class="verdict ${worst.severity}"><p>${worst.severity === "critical" ? "✗" : "!"} ${worst.title}</p>
<p class="quiet">${[rest, ...facts].join(" · ")}</p></div>`;
}

function captureProblems({ captures }: Analysis): string[] {
  return captures.flatMap((capture) => problemsByFile(capture).map(({ path, message }) => `${path}: ${message}`));
}

function fileTable({ captures }: Analysis): Markup {
  return html`<table><thead><tr><th>file</th><th>points</th><th class="number">packets</th><th class="number">bytes</th></tr></thead>
<tbody>${captures.flatMap((capture) =>
    filesOf(capture).map(
      ({ path, packets, bytes }) =>
        html`<tr><td class="mono">${path}</td><td class="mono">${pointsOf(capture).join(" ")}</td><td class="number">${formatCount(packets)}</td><td class="number">${formatBytes(bytes)}</td></tr>`,
    ),
  )}</tbody></table>`;
}
