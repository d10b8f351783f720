import { median } from "../balance/statistics.ts";
import { UDP } from "../decode/packet.ts";
import type { Connection } from "../path/connection.ts";
import type { Mode } from "../report/analysis-contract.ts";
import { firstByteTime } from "../report/figures/leg-times.ts";
import { nameOrder } from "../report/figures/name-order.ts";
import { UNKNOWN_BACKEND } from "./backend-label.ts";
import { balanceOf, perWindow, type RateClock, ratesOf } from "./figures.ts";
import type { BookEntry } from "./finding-book.ts";
import type { LiveBackend, LiveResetCount, LiveVip, ResetsBy } from "./live-model.ts";
import { WINDOW_SECONDS } from "./live-model.ts";
import type { LiveSession } from "./live-session.ts";
import * as R from "./rate-ring.ts";
import type { VipEntry } from "./vip-book.ts";

/** Connections of a backend that its first bytes are read from. */
const FIRST_BYTE_SAMPLES = 200;
const MOST_RESETS = 100;
const RESET_SLOT_SECONDS = 10;

/** VIPs and their backends in numbers, busiest first. */
export function vipsOf(session: LiveSession, clock: RateClock): { vips: LiveVip[]; backends: LiveBackend[] } {
  const { tally, look } = session;
  const open = session.findings.list().filter(({ state }) => state === "open");
  const vips: LiveVip[] = [];
  const backends: LiveBackend[] = [];
  const entries = [...session.vips.entries.values()].map((entry) => ({
    entry,
    windows: ratesOf(tally.vips.get(entry.vip) ?? null, clock),
  }));
  entries.sort(
    (a, b) =>
      b.windows["1m"].connectionsPerSecond - a.windows["1m"].connectionsPerSecond ||
      b.entry.connections - a.entry.connections ||
      (a.entry.vip < b.entry.vip ? -1 : 1),
  );
  for (const { entry, windows } of entries) {
    const { vip } = entry;
    const names = [...entry.backends.keys()]
      .filter((name) => isThere(session, vip, name, entry, clock))
      .sort(nameOrder);
    const rings = names.map((name) => tally.backends.get(`${vip}\n${name}`) ?? null);
    const expected = names.map((name) => entry.backends.get(name)!.expectedShare);
    const balance = perWindow((seconds) =>
      balanceOf(
        rings.map((ring) => ring?.sum(clock.now, seconds, R.OPENED) ?? 0),
        expected,
      ),
    );
    const isAbout = ({ finding: { where } }: BookEntry) => where.vip === vip;
    vips.push({
      vip,
      protocol: entry.protocol === UDP ? "udp" : "tcp",
      mode: entry.mode as Mode | null,
      scheduler: entry.scheduler || "unknown",
      active: tally.activeOf(vip),
      backends: names,
      windows,
      balance,
      findings: open.filter(isAbout).map(({ key }) => key),
    });
    const figures = look?.vips.find((one) => one.vip === vip)?.backends;
    const connectionsOf = new Map(figures?.map(({ backend, connections }) => [backend, connections]));
    names.forEach((backend, i) => {
      backends.push({
        vip,
        backend,
        active: tally.activeOf(vip, backend),
        windows: ratesOf(rings[i]!, clock),
        share: perWindow((_, window) => balance[window].shares[i]!),
        expectedShare: balance["15m"].expected[i]!,
        weight: entry.backends.get(backend)!.weight,
        firstByteP50: firstByte(look, connectionsOf.get(backend) ?? []),
        findings: open.filter((one) => isAbout(one) && one.finding.where.backend === backend).map(({ key }) => key),
      });
    });
    const unknown = tally.backends.get(`${vip}\n${UNKNOWN_BACKEND}`);
    if (unknown && unknown.sum(clock.now, WINDOW_SECONDS["15m"], R.PACKETS_UP) > 0) {
      const windowsOfUnknown = ratesOf(unknown, clock);
      backends.push({
        vip,
        backend: UNKNOWN_BACKEND,
        active: tally.activeOf(vip, UNKNOWN_BACKEND),
        windows: windowsOfUnknown,
        share: perWindow(() => Number.NaN),
        expectedShare: Number.NaN,
        weight: null,
        firstByteP50: Number.NaN,
        findings: [],
      });
    }
  }
  return { vips, backends };
}

/** A backend that nobody configured and that had nothing for the longest window is gone: it has no share to miss. */
function isThere(
  { tally }: LiveSession,
  vip: string,
  name: string,
  { backends }: VipEntry,
  { now }: RateClock,
): boolean {
  // with others' rates counted and its own not, it would look as if it had too little
  if (!tally.hasRatesOfAll && !tally.backends.has(`${vip}\n${name}`)) return false;
  if (backends.get(name)!.weight !== null || tally.activeOf(vip, name) > 0) return true;
  const rates = tally.backends.get(`${vip}\n${name}`);
  return rates !== undefined && rates.sum(now, WINDOW_SECONDS["15m"], R.PACKETS_UP) > 0;
}

/** Resets by place, author and cause, over time. */
export function resetsOf({ tally }: LiveSession, { now }: RateClock, baseSeconds: number): LiveResetCount[] {
  const list: LiveResetCount[] = [];
  for (const { vip, backend, by, cause, rates, last } of tally.resetKinds.values()) {
    const counts = perWindow((seconds) => rates.sum(now, seconds, R.RESETS));
    if (counts["15m"] === 0) continue;
    const slots = WINDOW_SECONDS["15m"] / RESET_SLOT_SECONDS;
    const over = rates.slots(now, slots, R.RESETS);
    list.push({ vip, backend, by: by as keyof ResetsBy, cause, counts, over, last: baseSeconds + last / 1e9 });
  }
  return list.sort((a, b) => b.counts["15m"] - a.counts["15m"]).slice(0, MOST_RESETS);
}

function firstByte(look: LiveSession["look"], connections: readonly Connection[]): number {
  if (look === null) return Number.NaN;
  const isHere = ({ id }: Connection) => !look.knowns[id]!.isGone;
  const sampled = connections.slice(-FIRST_BYTE_SAMPLES).filter(isHere);
  const times = sampled.map((one) => firstByteTime(look.connected.set, one)).filter((time) => time >= 0);
  return median(times) / 1e9;
}
