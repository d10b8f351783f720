import type { LadderRow, PacketsRow } from "./ladder-row.ts";
import type { Step } from "./step.ts";

export interface FoldOptions {
  /** Every packet in a row of its own. */
  full: boolean;
  /** Rows to show at most; the dull ones in the middle are left out first. */
  rows: number;
}

/** A pause worth a row: below any idle timeout in use, and what a client waits before it sends its SYN again. */
const SILENCE_NS = 0.95e9;
/** What comes later than this after a burst begins another. */
const BURST_NS = 0.5e9;

/** Packets with the same fate, such as all those that were lost, are one row if they come so close together. */
const AT_ONCE_NS = 50e6;

/** What is open of a session: the row that its packets are put to. */
interface Burst {
  row: { kind: "packets"; steps: Step[]; acknowledgments: number; time: number };
  fate: string;
  last: number;
}

/** Turns steps into rows: bursts of data become one row each, silences get theirs, a long middle is left out. */
export function foldRows(steps: readonly Step[], { full, rows }: FoldOptions): LadderRow[] {
  const packets = full ? steps.map((step) => rowOf(step)) : bursts(steps);
  const all = withSilences(packets, steps);
  return full ? all : leaveOut(all, rows);
}

function rowOf(step: Step): Burst["row"] {
  return { kind: "packets", steps: [step], acknowledgments: 0, time: step.event.time };
}

function bursts(steps: readonly Step[]): PacketsRow[] {
  const rows: Burst["row"][] = [];
  const open = new Map<number, Burst>();
  for (const step of steps) {
    const { session, time } = step.event;
    const burst = open.get(session);
    const fate = fateOf(step);
    if (burst && time - burst.last < BURST_NS) {
      const isLoneAck = step.kind === "ack" && !step.standsAlone;
      const isMore = isData(step) && fate === burst.fate && !(step.standsAlone && time - burst.last > AT_ONCE_NS);
      if (isLoneAck) burst.row.acknowledgments++;
      else if (isMore && !step.startsMessage) burst.row.steps.push(step);
      if (isLoneAck || (isMore && !step.startsMessage)) {
        burst.last = time;
        continue;
      }
    }
    const row = rowOf(step);
    rows.push(row);
    open.set(session, { row, fate, last: time });
  }
  // a bare acknowledgment on its own says nothing
  return rows.filter(({ steps: [first] }) => !(first!.kind === "ack" && !first!.standsAlone));
}

function isData({ kind }: Step): boolean {
  return kind === "data" || kind === "datagram" || kind === "fragment";
}

/** What must be equal for packets to share a row: what they are, which way they went and what became of them. */
function fateOf(step: Step): string {
  const { event, journey, notes, isAgain } = step;
  const way = journey.stops.map(({ column }) => column).join();
  return [isData(step) ? "data" : step.kind, event.direction, isAgain, way, ...notes].join("|");
}

function withSilences(rows: readonly PacketsRow[], steps: readonly Step[]): LadderRow[] {
  const all: LadderRow[] = [];
  // what was folded away is no silence: pauses are those between all packets
  const pauses: { from: number; seconds: number }[] = [];
  let last = Number.NaN;
  for (const { event } of steps) {
    if (event.time - last > SILENCE_NS) pauses.push({ from: last, seconds: (event.time - last) / 1e9 });
    for (const { time } of event.sightings) if (!(time < last)) last = time;
  }
  let next = 0;
  for (const row of rows) {
    for (; next < pauses.length && pauses[next]!.from < row.time; next++) {
      all.push({ kind: "silence", seconds: pauses[next]!.seconds, time: pauses[next]!.from });
    }
    all.push(row);
  }
  return all;
}

/** Keeps the beginning, the end and what matters between them. */
function leaveOut(rows: readonly LadderRow[], most: number): LadderRow[] {
  if (rows.length <= most) return [...rows];
  const kept = new Set<number>();
  const head = Math.max(1, Math.floor(most / 3));
  const tail = Math.max(1, Math.floor(most / 4));
  const order = [
    ...range(0, head),
    ...range(rows.length - tail, rows.length),
    ...rows.flatMap((row, i) => (weightOf(row) === "bad" ? [i] : [])),
    ...rows.flatMap((row, i) => (weightOf(row) === "risk" ? [i] : [])),
    ...range(head, rows.length - tail),
  ];
  for (const i of order) if (kept.size < most) kept.add(i);
  const folded: LadderRow[] = [];
  for (let i = 0; i < rows.length; i++) {
    if (kept.has(i)) {
      folded.push(rows[i]!);
      continue;
    }
    const from = i;
    while (i + 1 < rows.length && !kept.has(i + 1)) i++;
    folded.push(i === from ? rows[i]! : summary(rows.slice(from, i + 1), rows[i + 1]));
  }
  return folded;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
}

function weightOf(row: LadderRow): Step["weight"] {
  if (row.kind === "silence") return "risk";
  return row.kind === "packets" ? row.steps[0]!.weight : "plain";
}

function summary(rows: readonly LadderRow[], after: LadderRow | undefined): LadderRow {
  const sum = { packets: 0, bytesUp: 0, bytesDown: 0 };
  for (const row of rows) {
    if (row.kind !== "packets") continue;
    sum.packets += row.acknowledgments;
    for (const { event } of row.steps) {
      sum.packets++;
      if (event.direction === "up") sum.bytesUp += event.length;
      else sum.bytesDown += event.length;
    }
  }
  const time = rows[0]!.time;
  const end = after?.time ?? rows.at(-1)!.time;
  return { kind: "left-out", rows: rows.length, ...sum, seconds: (end - time) / 1e9, time };
}
