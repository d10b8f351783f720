import type {
  CountDifference,
  Difference,
  Measure,
  ShareDifference,
  TimingDifference,
} from "../../compare/comparison.ts";
import { formatCount, formatSeconds, formatShare } from "../format-quantity.ts";

/** What a measure is called where it stands alone. */
export const MEASURE_NAMES: Readonly<Record<Measure, string>> = {
  failed: "failed",
  refused: "refused",
  reset: "reset",
  timeout: "timed out",
  "reset-cause": "who reset, and why",
  moved: "moved to another member",
  retransmits: "packets sent again",
  handshake: "handshake",
  connect: "connect to backend",
  "first-byte": "first byte",
  "backend-shares": "shares of backends",
  "member-shares": "shares of members",
  "backend-presence": "backends used",
  "member-presence": "members used",
  "vip-presence": "VIPs called",
};

/** A difference as the part of a sentence that begins with "after: ". */
export function changeSentence(one: Difference): string {
  if (one.kind === "timing") return timingSentence(one);
  return one.kind === "shares" ? sharesSentence(one) : countSentence(one);
}

/** `3.1 points`, with the precision that is there. */
export function points(difference: number): string {
  const size = Math.abs(difference) * 100;
  return `${size >= 9.95 ? size.toFixed(0) : size >= 0.095 ? size.toFixed(1) : size.toFixed(2)} points`;
}

const AUTHORED: ReadonlySet<Measure> = new Set(["reset", "refused", "failed"]);

const NOUNS: Partial<Readonly<Record<Measure, string>>> = {
  reset: "resets",
  refused: "refusals",
  timeout: "timeouts",
  failed: "failures",
  moved: "connections moved to another member or backend",
  retransmits: "packets sent again",
};

function countSentence(one: CountDifference): string {
  const { measure, subject, before, after, difference, detail } = one;
  const counts = `${countText(before)} before, ${countText(after)} after`;
  if (measure === "vip-presence") {
    return difference > 0
      ? `${subject.vip} is called, as it was not before (${formatCount(after.events)} connections)`
      : `${subject.vip} is not called any more (${formatCount(before.events)} connections before)`;
  }
  if (measure === "backend-presence" || measure === "member-presence") {
    const name = subject.backend ?? subject.member ?? "?";
    return difference > 0
      ? `${name} is new: ${formatShare(after.events, after.trials)} of new connections${ofVip(one)} (${counts})`
      : `${name} gets no new connections${ofVip(one)} any more (${counts})`;
  }
  const more = difference > 0 ? "more" : "fewer";
  const what = measure === "reset-cause" ? `resets by ${authorText(detail)}` : (NOUNS[measure] ?? measure);
  const place = subject.backend ?? subject.member;
  const where = place === undefined ? ofVip(one) : ` at ${place}`;
  return `${points(difference)} ${more} ${what}${where}${sourceText(one)} (${counts})`;
}

function countText({ events, trials }: { events: number; trials: number }): string {
  return `${formatCount(events)} of ${formatCount(trials)}`;
}

function ofVip({ subject }: Difference): string {
  return ` of ${subject.vip}`;
}

/** `lb (no-state)` of `lb no-state`. */
export function authorText(detail: string | null): string {
  const [by = "?", cause = "?"] = (detail ?? "").split(" ");
  return `${by} (${cause})`;
}

function sourceText({ measure, source, difference }: CountDifference): string {
  // who sent them is said by the measure itself, or has no part in it
  if (source === null || (source.kind === "author" && !AUTHORED.has(measure))) return "";
  const all = source.events === source.of ? "all" : "nearly all";
  const from = { node: "sent by", member: "of connections given to", backend: "at", client: "of client", author: "by" }[
    source.kind
  ];
  const name = source.kind === "author" ? authorText(source.name) : source.name;
  return difference > 0 ? `, ${all} ${from} ${name},` : `, which were ${all} ${from} ${name},`;
}

function timingSentence({ measure, subject, before, after, quantile, difference }: TimingDifference): string {
  const what = { handshake: "handshakes", connect: "connects", "first-byte": "first bytes" }[measure as "connect"];
  const place = subject.backend === undefined ? `of ${subject.vip}` : `at ${subject.backend}`;
  const change = `${formatSeconds(Math.abs(difference))} ${difference > 0 ? "slower" : "faster"}`;
  const times = `${formatSeconds(before[quantile])} before, ${formatSeconds(after[quantile])} after`;
  if (quantile === "p50") return `${what} ${place} are ${change} (median ${times})`;
  return `the slowest quarter of ${what} ${place} is ${change} (from ${times})`;
}

/** The member whose share changed most, and by how much. */
function sharesSentence(one: ShareDifference): string {
  const [most] = one.rows.toSorted(
    (a, b) => Math.abs(b.shareAfter - b.shareBefore) - Math.abs(a.shareAfter - a.shareBefore),
  );
  const where = one.subject.tier === undefined ? ofVip(one) : ` of ${one.subject.vip} at ${one.subject.tier}`;
  const whole = (share: number) => formatShare(Math.round(share * 1000), 1000);
  const largest =
    most === undefined ? "" : `, ${most.name} from ${whole(most.shareBefore)} to ${whole(most.shareAfter)}`;
  return `${formatShare(Math.round(one.difference * 1000), 1000)} of new connections${where} go elsewhere${largest}`;
}
