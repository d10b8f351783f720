import type { Case } from "../../diagnose/case.ts";
import { LEG_MIDSTREAM } from "../../flow/leg-layout.ts";
import type { Connection } from "../../path/connection.ts";
import type { Analysis } from "../analysis.ts";
import { FileNames } from "../file-names.ts";
import { formatCount, formatNumberOf } from "../format-quantity.ts";
import type { VipFigures } from "./vip-figures.ts";

/** Less than this part of a VIP's connections is not worth a remark. */
const NOTABLE = 0.05;

/** What cannot be judged from the points that were captured, a sentence each. */
export function blindSpots(analysis: Analysis, vips: readonly VipFigures[]): string[] {
  const { subject } = analysis;
  return [
    ...vips.filter((figures) => isWorthTelling(figures, vips)).flatMap((figures) => vipBlindSpots(subject, figures)),
    ...midstream(subject),
    ...clocks(analysis),
  ];
}

/** A destination that nothing shows to be balanced is a service of its own where others are shown to be. */
function isWorthTelling({ mode, backends }: VipFigures, vips: readonly VipFigures[]): boolean {
  return mode !== null || backends.length > 0 || vips.every((other) => other.backends.length === 0);
}

function vipBlindSpots(subject: Case, { vip, mode, connections, withoutBackend }: VipFigures): string[] {
  const spots: string[] = [];
  if (connections.length === 0) return spots;
  if (withoutBackend.length === connections.length) {
    spots.push(`the backend side of ${vip} was not captured: which backend answered, and what it did, cannot be told`);
  } else if (withoutBackend.length > connections.length * NOTABLE) {
    spots.push(
      `the backend of ${formatCount(withoutBackend.length)} of ${formatNumberOf(connections.length, "connection")} to ${vip} was not seen`,
    );
  }
  const oneWay = (side: 0 | 1) => connections.filter((connection) => !isSeen(subject, connection, side)).length;
  // what was refused by ICMP, or answered by nobody, has no answers to miss
  const noAnswers = connections.filter(
    (connection) => !isSeen(subject, connection, 1) && ["ok", "open", "reset"].includes(subject.outcome(connection)),
  ).length;
  if (noAnswers > connections.length * NOTABLE) {
    const why = mode === "dsr-l2" || mode === "dsr-tunnel" ? " (direct return)" : "";
    spots.push(
      `no answers to ${formatCount(noAnswers)} of ${formatNumberOf(connections.length, "connection")} of ${vip} pass these points${why}: answer times, and losses towards clients, cannot be told`,
    );
  }
  const noRequests = oneWay(0);
  if (noRequests > connections.length * NOTABLE) {
    spots.push(
      `no requests of ${formatCount(noRequests)} of ${formatNumberOf(connections.length, "connection")} of ${vip} pass these points`,
    );
  }
  return spots;
}

function isSeen(subject: Case, { legs }: Connection, side: 0 | 1): boolean {
  return legs.some((ref) => subject.leg(ref).side(side).packets > 0);
}

function midstream(subject: Case): string[] {
  const { users } = subject;
  const count = users.filter((connection) => subject.front(connection).has(LEG_MIDSTREAM)).length;
  if (count <= users.length * NOTABLE) return [];
  return [`${formatNumberOf(count, "connection")} began before the capture: their handshakes cannot be judged`];
}

function clocks({ captures, subject }: Analysis): string[] {
  const { set, clocks: all } = subject.connected;
  const names = new FileNames(captures);
  const used = new Set(set.tracks.filter(({ tracker }) => tracker.legs.live > 0).map(({ capture }) => capture));
  const unbounded = all.flatMap(({ uncertainty }, capture) => (Number.isFinite(uncertainty) ? [] : [capture]));
  const namesOf = (list: readonly number[]) => {
    const shown = list.slice(0, 4).map((capture) => names.of(capture));
    return `${shown.join(", ")}${list.length > shown.length ? ` and ${list.length - shown.length} more` : ""}`;
  };
  const idle = captures.flatMap(({ packets }, capture) => (used.has(capture) || packets === 0 ? [] : [capture]));
  const loose = unbounded.filter((capture) => used.has(capture));
  return [
    ...(idle.length > 0 ? [`no connection passed ${namesOf(idle)}`] : []),
    ...(loose.length > 0
      ? [
          `no connection that was seen both ways ties the clock of ${namesOf(loose)} to the others: the order of events across them is less sure`,
        ]
      : []),
  ];
}
