import type { Finding } from "../../diagnose/finding.ts";
import type { Connection } from "../../path/connection.ts";
import type { LegPacket } from "../../path/leg-packet.ts";
import type { LegRef } from "../../path/leg-set.ts";
import type { Topology } from "../../topology/topology.ts";
import type { Analysis } from "../analysis.ts";
import { type Ladder, ladderOf } from "../ladder/ladder.ts";

/** For each finding, one of its connections; null where each is too long to be drawn. */
export type Examples = ReadonlyMap<Finding, Connection | null>;

/** The ladders of examples, or in a sentence why a finding has none. */
export type ExampleLadders = ReadonlyMap<Finding, Ladder | string>;

/** Findings with a ladder, the most pressing first. */
const MOST_LADDERS = 12;
/** Connections among which an example is looked for. */
const CANDIDATES = 1_000;
/** Packets that all points together saw of an example at most: a longer connection takes a tool with a search. */
const MOST_PACKETS = 2_000;

/**
 * Chooses the connections that show the findings of a page: of those that a finding is about one whose frames are its
 * evidence, that ended badly, was seen at as many nodes as possible, and is short enough.
 */
export function exampleConnections({ findings, subject }: Analysis): Examples {
  const examples = new Map<Finding, Connection | null>();
  const { set } = subject.connected;
  for (const finding of findings) {
    if (examples.size === MOST_LADDERS) break;
    const all = finding.connections.slice(0, CANDIDATES).flatMap((id) => subject.connections[id] ?? []);
    if (all.length === 0) continue;
    const evidence = new Set(finding.evidence.map(({ capture, frame }) => `${capture} ${frame}`));
    let best: Connection | null = null;
    let most = Number.NEGATIVE_INFINITY;
    for (const connection of all) {
      const { legs } = connection;
      let packets = 0;
      let isEvidence = false;
      for (const leg of legs) {
        const { up, down, firstFrame, lastFrame } = set.view(leg);
        packets += up.packets + down.packets;
        const { capture } = set.trackOf(leg);
        isEvidence ||= evidence.has(`${capture} ${firstFrame}`) || evidence.has(`${capture} ${lastFrame}`);
      }
      if (packets > MOST_PACKETS) continue;
      const outcome = subject.outcome(connection);
      const endedBadly = outcome === "ok" || outcome === "open" ? 0 : 1;
      const worth =
        (isEvidence ? 2000 : 0) + endedBadly * 1000 + new Set(legs.map((leg) => set.pointOf(leg).nodeName)).size;
      if (worth > most) {
        most = worth;
        best = connection;
      }
    }
    examples.set(finding, best);
  }
  return examples;
}

/** The legs whose packets the ladders of examples take. */
export function legsOfExamples(examples: Examples): Set<LegRef> {
  return new Set([...examples.values()].flatMap((connection) => connection?.legs ?? []));
}

/**
 * Draws up the ladders of examples.
 *
 * @param packets of all of their legs, of each capture in file order
 * @param given what is known of the set-up besides the packets
 */
export function exampleLadders(
  { subject }: Analysis,
  examples: Examples,
  packets: readonly LegPacket[],
  given: Topology | null,
): ExampleLadders {
  const ladders = new Map<Finding, Ladder | string>();
  for (const [finding, connection] of examples) {
    if (connection === null) {
      ladders.set(finding, `Each of its connections that were looked at has more than ${MOST_PACKETS} packets.`);
      continue;
    }
    const legs = new Set(connection.legs);
    const resets = subject.resets.get(connection.id) ?? [];
    const own = packets.filter(({ leg }) => legs.has(leg));
    const ladder = ladderOf(subject.connected, connection, own, { resets, given });
    if (ladder.steps.length > 0) ladders.set(finding, ladder);
  }
  return ladders;
}

/** Where the captures cannot be read again, as those of a pipe: the sentence that says so, for each finding. */
export function noLadders(examples: Examples, path: string): ExampleLadders {
  const name = path === "-" ? "stdin" : path;
  const [first] = examples.keys();
  if (first === undefined) return new Map();
  return new Map([[first, `${name} can be read only once; ladders take a second look at the packets.`]]);
}
