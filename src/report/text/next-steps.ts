import type { Analysis } from "../analysis.ts";
import { pointsOf } from "../capture-facts.ts";
import { formatEndpoint } from "../format-address.ts";
import type { Destination } from "../survey/destinations.ts";
import { OUTCOMES, REFUSED, RESET, TIMEOUT } from "../survey/outcomes.ts";
import { columnsOf, type Page, printable } from "./page.ts";
import { weightOf } from "./verdict.ts";

/** Retransmissions above this share of a point's packets are worth a look. */
const NOTABLE_RETRANSMITS = 0.005;

interface Step {
  why: string;
  command: readonly string[];
}

/** Commands that show more, ready to be copied, with the captures that show it best. */
export function nextSteps(analysis: Analysis, destinations: readonly Destination[], page: Page): string[] {
  const steps = stepsFor(analysis, destinations);
  if (steps.length === 0) return [];
  return [
    page.paint.title("Look closer"),
    ...steps.flatMap(({ why, command }) => [`  ${page.paint.quiet(`# ${why}`)}`, ...copyable(command, page.width)]),
  ];
}

function stepsFor(analysis: Analysis, destinations: readonly Destination[]): Step[] {
  const { captures, survey } = analysis;
  if (survey.legs === 0) return [];
  const all = captures.map(({ path }) => path);
  const steps: Step[] = [];
  for (const outcome of [REFUSED, RESET, TIMEOUT]) {
    if ((survey.outcomes[outcome] ?? 0) === 0) continue;
    const name = OUTCOMES[outcome] ?? "";
    const worst = mostOf(destinations, outcome);
    const files = worst === null ? all : filesOf(analysis, worst.point);
    const vip = worst === null ? [] : ["--vip", formatEndpoint(worst.destination.address, worst.destination.port)];
    steps.push({ why: WHY[outcome] ?? "", command: ["flows", ...files, ...vip, "--outcome", name] });
  }
  const lossy = survey.points
    .map((point, index) => ({ index, share: point.legPackets === 0 ? 0 : point.retransmits / point.legPackets }))
    .reduce((worst, one) => (one.share > worst.share ? one : worst), { index: -1, share: 0 });
  if (lossy.share > NOTABLE_RETRANSMITS) {
    steps.push({
      why: "the legs with most retransmissions",
      command: ["flows", ...filesOf(analysis, lossy.index), "--sort", "retransmits", "--limit", "20"],
    });
  }
  if (steps.length === 0) {
    const busiest = survey.points.reduce(
      (most, { legs }, index) => (legs > survey.points[most]!.legs ? index : most),
      0,
    );
    steps.push({
      why: "the largest legs",
      command: ["flows", ...filesOf(analysis, busiest), "--sort", "bytes", "--limit", "20"],
    });
  }
  return steps;
}

const WHY: Readonly<Record<number, string>> = {
  [REFUSED]: "who was refused, and when",
  [RESET]: "the legs that were reset",
  [TIMEOUT]: "the legs that nobody answered",
};

/** The endpoint and the point where an outcome weighs most. */
function mostOf(
  destinations: readonly Destination[],
  outcome: number,
): { destination: Destination; point: number } | null {
  let most: { destination: Destination; point: number } | null = null;
  let weight = 0;
  for (const destination of destinations) {
    for (const { point, outcomes, legs } of destination.atPoints) {
      const own = weightOf(outcomes[outcome] ?? 0, legs);
      if (own <= weight) continue;
      weight = own;
      most = { destination, point };
    }
  }
  return most;
}

function filesOf({ captures, survey }: Analysis, point: number): string[] {
  const name = survey.points[point]?.name ?? "";
  return captures.filter((capture) => pointsOf(capture).includes(name)).map(({ path }) => path);
}

/** A command line as a shell takes it, continued on further lines where it is long. */
function copyable(words: readonly string[], width: number): string[] {
  const lines: string[] = [];
  let line = "  l4scope";
  for (const word of withValues(words)) {
    if (columnsOf(line) + 1 + columnsOf(word) + 2 > width) {
      lines.push(`${line} \\`);
      line = `      ${word}`;
    } else {
      line += ` ${word}`;
    }
  }
  return [...lines, line];
}

/** Quoted words, a flag in one with its value. */
function withValues(words: readonly string[]): string[] {
  const groups: string[] = [];
  for (const word of words) {
    const last = groups.at(-1);
    const isValue = last?.startsWith("--") === true && !last.includes(" ") && !word.startsWith("--");
    if (isValue) groups[groups.length - 1] = `${last} ${shellWord(word)}`;
    else groups.push(shellWord(word));
  }
  return groups;
}

/** A word quoted for POSIX shells where it must be; stdin cannot be read a second time. */
function shellWord(word: string): string {
  if (word === "-") return "CAPTURE";
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  if (printable(word) !== word) return `$'${[...word].map(escaped).join("")}'`;
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** For the `$'…'` of bash and POSIX 2024. */
function escaped(letter: string): string {
  if (letter === "'" || letter === "\\") return `\\${letter}`;
  if (printable(letter) === letter) return letter;
  return [...Buffer.from(letter)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
}
