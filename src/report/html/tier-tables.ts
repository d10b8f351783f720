import type { Case } from "../../diagnose/case.ts";
import { tierFigures } from "../figures/tier-figures.ts";
import { elephantWords, tierWords } from "../figures/tier-words.ts";
import type { VipFigures } from "../figures/vip-figures.ts";
import { formatBytes, formatCount } from "../format-quantity.ts";
import { sparkline } from "../text/sparkline.ts";
import { html, type Markup } from "./markup.ts";

const PIECES = 24;

/** The tiers before a VIP, each with its members over the time of the run; null where none was seen. */
export function tierTables(subject: Case, { group }: VipFigures): Markup | null {
  if (group === null) return null;
  const tiers = tierFigures(subject, group, PIECES);
  if (tiers.length === 0) return null;
  const titles = ["new", "share", "bytes", "came", "went"];
  const series = ["new over time", "open", "bytes"];
  const number = (text: string) => html`<td class="number">${text}</td>`;
  return html`${tiers.map((tier) => {
    const elephants = elephantWords(tier, formatBytes);
    return html`<p class="quiet">${tierWords(tier)}</p>
<div class="scroll"><table><thead><tr><th>member</th>${titles.map((title) => html`<th class="number">${title}</th>`)}${series.map((title) => html`<th class="spark">${title}</th>`)}</tr></thead>
<tbody>${tier.members.map(
      (member) =>
        html`<tr><td class="mono">${member.member}</td>${[
          number(formatCount(member.connections)),
          number(`${(100 * member.share).toFixed(1)}%`),
          number(formatBytes(member.bytes)),
          number(formatCount(member.joined)),
          number(formatCount(member.left)),
        ]}${[member.series.newConnections, member.series.activeConnections, member.series.bytes].map(
          (values) => html`<td class="spark">${sparkline(values)}</td>`,
        )}</tr>`,
    )}</tbody></table></div>${elephants === null ? null : html`<p>${elephants}</p>`}`;
  })}`;
}
