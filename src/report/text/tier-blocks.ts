import type { Case } from "../../diagnose/case.ts";
import { type MemberFigures, tierFigures } from "../figures/tier-figures.ts";
import { elephantWords, tierWords } from "../figures/tier-words.ts";
import type { VipFigures } from "../figures/vip-figures.ts";
import { formatBytes, formatCount } from "../format-quantity.ts";
import { type Page, printable, wrap } from "./page.ts";
import { sparkline } from "./sparkline.ts";
import { type Column, table } from "./table.ts";

/** Pieces of the run in a row of blocks. */
const PIECES = 12;
const ROOMY_PIECES = 24;
const ROOMY_COLUMNS = 140;

/** The tiers before a VIP, each with its members over the time of the run. */
export function tierBlocks(subject: Case, { group }: VipFigures, page: Page): string[] {
  if (group === null) return [];
  const pieces = page.width >= ROOMY_COLUMNS ? ROOMY_PIECES : PIECES;
  return tierFigures(subject, group, pieces).flatMap((tier) => {
    const elephants = elephantWords(tier, formatBytes);
    return [
      "",
      ...paragraph(tierWords(tier), page).map(page.paint.quiet),
      ...table(tier.members, columns(tier.moved > 0), page),
      ...(elephants === null ? [] : paragraph(elephants, page)),
    ];
  });
}

function paragraph(text: string, page: Page): string[] {
  return wrap(printable(text), page.width - 2).map((line) => `  ${line}`);
}

function columns(hasMoves: boolean): Column<MemberFigures>[] {
  const moves: Column<MemberFigures>[] = [
    { title: "came", align: "right", rank: 1, cell: ({ joined }) => formatCount(joined) },
    { title: "went", align: "right", rank: 1, cell: ({ left }) => formatCount(left) },
  ];
  return [
    { title: "member", cell: ({ member }) => printable(member) },
    { title: "new", align: "right", cell: ({ connections }) => formatCount(connections) },
    { title: "share", align: "right", cell: ({ share }) => `${(100 * share).toFixed(1)}%` },
    { title: "bytes", align: "right", cell: ({ bytes }) => formatBytes(bytes) },
    ...(hasMoves ? moves : []),
    { title: "new over time", rank: 2, cell: ({ series }) => sparkline(series.newConnections) },
    { title: "open", rank: 3, cell: ({ series }) => sparkline(series.activeConnections) },
    { title: "bytes", rank: 4, cell: ({ series }) => sparkline(series.bytes) },
  ];
}
