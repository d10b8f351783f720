import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { TimeBase } from "../../src/capture/time-base.ts";
import type { TrackedCapture } from "../../src/flow/tracked-capture.ts";
import { trackCaptures } from "../../src/offline/track-captures.ts";
import { type Connected, connect } from "../../src/path/connect.ts";
import type { Connection } from "../../src/path/connection.ts";
import { connectionOutcome } from "../../src/path/outcome.ts";
import { tupleOf } from "../../src/path/tuples.ts";

/** What joining is compared with: the part of a scenario's expect.json that tells of connections. */
export interface TrueJoins {
  scenario: string;
  files: readonly string[];
  mode: string;
  connections: readonly TrueJoin[];
}

export interface TrueJoin {
  client: string;
  vip: string;
  /** Epoch seconds. */
  start: number;
  /** Several where the backend may be called by its address or its MAC; none where nothing captured shows it. */
  backend?: string | readonly string[] | null;
  /** Any of these; none where the truth is not known. */
  outcome?: string | readonly string[];
}

/** How the connections that were joined compare with the truth. Lists name connections by client. */
export interface JoinScore {
  /** Connections that were given their backend. */
  joined: number;
  /** Connections that were given none although a capture point shows somebody calling it for them. */
  unjoined: string[];
  /** Connections that were given another backend than theirs: there must never be one. */
  falseJoins: string[];
  /** Connections whose call to the VIP a capture point shows, and that are not there. */
  missing: string[];
  /** Connections that are there more than once. */
  repeated: string[];
  /** Connections that ended otherwise for their client. */
  wrongOutcomes: string[];
}

/** The truth of a folder with an expect.json, or null where there is none. */
export function trueJoinsOf(folder: string): TrueJoins | null {
  const path = join(folder, "expect.json");
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as TrueJoins) : null;
}

/** Tracks captures of a folder by themselves, so that subsets of them can be joined without reading them again. */
export async function trackEach(folder: string, files: readonly string[]): Promise<(files: string[]) => JoinInput> {
  const timeBase = new TimeBase();
  const tracked = await trackCaptures(
    files.map((file) => join(folder, file)),
    { timeBase },
  );
  return (chosen) => ({ timeBase, captures: tracked.filter((_, index) => chosen.includes(files[index] ?? "")) });
}

export interface JoinInput {
  timeBase: TimeBase;
  captures: readonly TrackedCapture[];
}

/** Joins captures and compares; a 4-tuple that was used twice is told apart by the nearest start. */
export function scoreJoins(truth: TrueJoins, { timeBase, captures }: JoinInput): JoinScore {
  const connected = connect(captures);
  const byCall = callsOf(connected, connected.connections);
  const shown = callsShown(connected);
  const score: JoinScore = { joined: 0, unjoined: [], falseJoins: [], missing: [], repeated: [], wrongOutcomes: [] };
  const claimed = new Set<Connection>();
  for (const connection of truth.connections) {
    const call = `${connection.client} > ${connection.vip}`;
    const candidates = byCall.get(call) ?? [];
    const startOf = (one: Connection) => Number(timeBase.toEpoch(one.start));
    const distance = (one: Connection) => Math.abs(startOf(one) - connection.start);
    const found = candidates.toSorted((a, b) => distance(a) - distance(b))[0];
    if (found) claimed.add(found);
    if (!found) {
      if (shown.has(call)) score.missing.push(connection.client);
      continue;
    }
    const outcome = connectionOutcome(connected.set, found);
    if (connection.outcome && ![connection.outcome].flat().includes(outcome)) {
      score.wrongOutcomes.push(`${connection.client} is ${outcome}, not ${connection.outcome}`);
    }
    const backend = found.backend === null ? null : connected.endpoints.text(found.backend);
    const accepted = [connection.backend ?? []].flat();
    if (accepted.length === 0) continue;
    if (backend === null) {
      if (accepted.some((one) => isShown(truth.mode, shown, connection.client, one)))
        score.unjoined.push(connection.client);
    } else if (accepted.includes(backend)) score.joined++;
    else score.falseJoins.push(`${connection.client} to ${accepted[0]} was given to ${backend} by ${found.joinKeys}`);
  }
  for (const connection of truth.connections) {
    const candidates = byCall.get(`${connection.client} > ${connection.vip}`) ?? [];
    if (candidates.some((one) => !claimed.has(one))) score.repeated.push(connection.client);
  }
  return score;
}

function callsOf({ endpoints }: Connected, connections: readonly Connection[]): Map<string, Connection[]> {
  const calls = new Map<string, Connection[]>();
  for (const connection of connections) {
    const call = `${endpoints.text(connection.client)} > ${endpoints.text(connection.vip)}`;
    calls.set(call, [...(calls.get(call) ?? []), connection]);
  }
  return calls;
}

/** Who called whom in any leg, and who was called, as the capture points themselves have it. */
function callsShown({ set, endpoints }: Connected): Set<string> {
  const calls = new Set<string>();
  for (const { view } of set.tracks) {
    for (const leg of view.all()) {
      const { src, dst } = tupleOf(leg, endpoints);
      calls.add(`${endpoints.text(src)} > ${endpoints.text(dst)}`);
      calls.add(`> ${endpoints.text(dst)}`);
    }
  }
  return calls;
}

/** Whether a backend is seen to be called: by the client itself where its address passes on, else by anybody. */
function isShown(mode: string, shown: ReadonlySet<string>, client: string, backend: string): boolean {
  if (mode.startsWith("dsr")) return true;
  return mode === "dnat" ? shown.has(`${client} > ${backend}`) : shown.has(`> ${backend}`);
}
