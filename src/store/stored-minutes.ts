import { balanceOf } from "../live/figures.ts";
import { type LiveBackend, type LiveRates, type LiveVip, WINDOW_SECONDS, type WindowName } from "../live/live-model.ts";
import { NO_BACKEND } from "./minute-counts.ts";
import type { StoredRow, StoreReader } from "./store-reader.ts";
import { TimeBuckets } from "./time-buckets.ts";

/** A store knows nothing shorter than a minute: the last minute stands for ten seconds, too. */
const WINDOW_MINUTES: Readonly<Record<WindowName, number>> = { "10s": 1, "1m": 1, "15m": WINDOW_SECONDS["15m"] / 60 };
const WINDOWS = Object.keys(WINDOW_MINUTES) as WindowName[];
const UNKNOWN = "(unknown)";

/** What happened to a VIP, or to one of its backends, in some minutes. */
class Sum {
  connections = 0;
  refused = 0;
  timeouts = 0;
  resets = 0;
  bytes = { up: 0, down: 0 };
  packets = { up: 0, down: 0 };
  retransmits = 0;
  readonly connects = new TimeBuckets();
  readonly by = { client: 0, backend: 0, lb: 0, middlebox: 0, unknown: 0 };

  add(row: StoredRow): void {
    const number = (name: string) => Number(row[name]);
    this.connections += number("opened");
    this.refused += number("refused");
    this.timeouts += number("timeout");
    this.bytes.up += number("bytes_up");
    this.bytes.down += number("bytes_down");
    this.packets.up += number("packets_up");
    this.packets.down += number("packets_down");
    this.retransmits += number("retransmits_up") + number("retransmits_down");
    this.connects.merge(row.connect_times as string | null);
  }

  addReset(row: StoredRow): void {
    const count = Number(row.resets);
    this.resets += count;
    const by = String(row.by);
    if (by in this.by) this.by[by as keyof typeof this.by] += count;
  }

  rates(seconds: number): LiveRates {
    const each = (both: { up: number; down: number }, times = 1) => ({
      up: (both.up * times) / seconds,
      down: (both.down * times) / seconds,
    });
    return {
      connectionsPerSecond: this.connections / seconds,
      bitsPerSecond: each(this.bytes, 8),
      packetsPerSecond: each(this.packets),
      resetsPerSecond: this.resets / seconds,
      resetsBy: { ...this.by },
      refused: this.refused,
      timeouts: this.timeouts,
      retransmitsPerSecond: this.retransmits / seconds,
      connectP50: this.connects.quantile(0.5) ?? Number.NaN,
      connectP99: this.connects.quantile(0.99) ?? Number.NaN,
      connectSamples: this.connects.size,
      connections: this.connections,
    };
  }
}

/** The minutes before a moment, as a dashboard shows VIPs and backends. */
export interface StoredFigures {
  vips: LiveVip[];
  backends: LiveBackend[];
  /** All VIPs together in the last minute. */
  all: LiveRates;
  active: number;
}

/**
 * @param until epoch second that the figures end with, a whole minute
 * @param findingsOf keys of the open findings about a VIP, or about one of its backends
 */
export function storedFigures(
  reader: StoreReader,
  until: number,
  findingsOf: (vip: string, backend: string | null) => readonly string[],
): StoredFigures {
  const from = until - WINDOW_SECONDS["15m"];
  const range = [from, until];
  const rows = reader.read("SELECT * FROM minutes WHERE minute >= ? AND minute < ? ORDER BY minute", ...range);
  const resets = reader.read("SELECT * FROM minute_resets WHERE minute >= ? AND minute < ?", ...range);
  const sumOf = (isOne: (row: StoredRow) => boolean, minutes: number): Sum => {
    const sum = new Sum();
    const isRecent = (row: StoredRow) => Number(row.minute) >= until - 60 * minutes && isOne(row);
    for (const row of rows) if (isRecent(row)) sum.add(row);
    for (const row of resets) if (isRecent(row)) sum.addReset(row);
    return sum;
  };
  const perWindow = <T>(of: (window: WindowName, minutes: number) => T) =>
    Object.fromEntries(WINDOWS.map((window) => [window, of(window, WINDOW_MINUTES[window])])) as Record<WindowName, T>;
  const active = activeConnections(reader, until);
  const pairs = new Map<string, { protocol: string; backends: string[] }>();
  for (const row of rows) {
    // a VIP has clients: checks of a backend stand under its own address
    if (Number(row.opened) + Number(row.ok) + Number(row.reset) + Number(row.refused) + Number(row.timeout) === 0)
      continue;
    const pair = pairs.get(String(row.vip)) ?? { protocol: String(row.protocol), backends: [] };
    pairs.set(String(row.vip), pair);
    if (row.backend !== NO_BACKEND && !pair.backends.includes(String(row.backend)))
      pair.backends.push(String(row.backend));
  }
  const modes = new Map(
    reader
      .read(
        `SELECT vip, mode FROM connections INDEXED BY connections_by_start
         WHERE start_ns >= ? AND start_ns < ? AND mode IS NOT NULL GROUP BY vip`,
        nanoseconds(until - 60),
        nanoseconds(until),
      )
      .map(({ vip, mode }) => [String(vip), String(mode)]),
  );
  const vips: LiveVip[] = [];
  const backends: LiveBackend[] = [];
  for (const [vip, { protocol, backends: names }] of pairs) {
    names.sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
    const ofVip = perWindow((_, minutes) => sumOf((row) => row.vip === vip, minutes));
    const ofBackends = names.map((backend) =>
      perWindow((_, minutes) => sumOf((row) => row.vip === vip && row.backend === backend, minutes)),
    );
    const balance = perWindow((window) =>
      balanceOf(
        ofBackends.map((sums) => sums[window].connections),
        names.map(() => Number.NaN),
      ),
    );
    vips.push({
      vip,
      protocol: protocol === "udp" ? "udp" : "tcp",
      mode: (modes.get(vip) ?? null) as LiveVip["mode"],
      scheduler: "unknown",
      active: active.get(vip)?.total ?? 0,
      backends: names,
      windows: perWindow((window, minutes) => ofVip[window].rates(60 * minutes)),
      balance,
      findings: findingsOf(vip, null),
    });
    names.forEach((backend, place) => {
      const sums = ofBackends[place];
      if (sums === undefined) return;
      backends.push({
        vip,
        backend,
        active: active.get(vip)?.byBackend.get(backend) ?? 0,
        windows: perWindow((window, minutes) => sums[window].rates(60 * minutes)),
        share: perWindow((window) => balance[window].shares[place] ?? Number.NaN),
        expectedShare: 1 / names.length,
        weight: null,
        firstByteP50: firstByte(rows, vip, backend),
        findings: findingsOf(vip, backend),
      });
    });
  }
  vips.sort((a, b) => b.windows["1m"].connections - a.windows["1m"].connections);
  const order = new Map(vips.map(({ vip }, place) => [vip, place]));
  backends.sort((a, b) => (order.get(a.vip) ?? 0) - (order.get(b.vip) ?? 0));
  const total = [...active.values()].reduce((sum, one) => sum + one.total, 0);
  return { vips, backends, all: sumOf(() => true, 1).rates(60), active: total };
}

function firstByte(rows: readonly StoredRow[], vip: string, backend: string): number {
  const times = new TimeBuckets();
  for (const row of rows)
    if (row.vip === vip && row.backend === backend) times.merge(row.first_byte_times as string | null);
  return times.quantile(0.5) ?? Number.NaN;
}

/** Connections open at a moment: as the session counted them, else as the store has those that are over by now. */
function activeConnections(reader: StoreReader, until: number) {
  const active = new Map<string, { total: number; byBackend: Map<string, number> }>();
  const add = (row: StoredRow) => {
    const vip = String(row.vip);
    const one = active.get(vip) ?? { total: 0, byBackend: new Map<string, number>() };
    active.set(vip, one);
    one.total += Number(row.count);
    one.byBackend.set(String(row.backend ?? UNKNOWN), Number(row.count));
  };
  const counted = reader.read(
    `SELECT labels ->> 'vip' AS vip, labels ->> 'backend' AS backend, sum(value) AS count FROM minute_samples
     WHERE name = 'connections_active' AND minute = ? GROUP BY 1, 2`,
    until - 60,
  );
  for (const row of counted) add(row);
  if (counted.length > 0) return active;
  const listed = reader.read(
    `SELECT vip, backend, count(*) AS count FROM connections INDEXED BY connections_by_start
     WHERE start_ns >= ? AND start_ns < ? AND end_ns >= ? AND health_check = 0 AND role = 'client' GROUP BY vip, backend`,
    nanoseconds(until - LONGEST_LOOKED_FOR),
    nanoseconds(until),
    nanoseconds(until),
  );
  for (const row of listed) add(row);
  return active;
}

/** Connections that began longer ago are not looked for: an hour's are read for each minute that is shown. */
const LONGEST_LOOKED_FOR = 3600;

/** Of whole epoch seconds. */
export function nanoseconds(seconds: number): bigint {
  return BigInt(seconds) * 1_000_000_000n;
}
