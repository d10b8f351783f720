import type { Direction } from "../../path/leg-packet.ts";
import type { Sighting } from "./sighting.ts";

/**
 * One packet on its way, with every sighting of it. Segmentation offload may cut the same bytes differently from point
 * to point: then it is all of them, and a leg has several sightings that follow one another in the stream.
 */
export interface PacketEvent {
  /** 0 is the client's own session; 1 the one that a terminating proxy opened for it. */
  session: number;
  direction: Direction;
  kind: Sighting["kind"];
  sightings: Sighting[];
  /** Of the first sighting: numbers as that leg has them. */
  seq: number;
  ack: number;
  flags: number;
  window: number;
  /** Bytes of payload. */
  length: number;
  /** Of the earliest sighting, ns. */
  time: number;
}

export function earliest(sightings: readonly Sighting[]): number {
  let time = Number.POSITIVE_INFINITY;
  for (const sighting of sightings) if (sighting.time < time) time = sighting.time;
  return time === Number.POSITIVE_INFINITY ? Number.NaN : time;
}

export function latest(sightings: readonly Sighting[]): number {
  let time = Number.NEGATIVE_INFINITY;
  for (const sighting of sightings) if (sighting.time > time) time = sighting.time;
  return time === Number.NEGATIVE_INFINITY ? Number.NaN : time;
}

/** Pairs of legs that saw the same packet, as `${one} ${other}`. */
export function legsTogether(events: readonly PacketEvent[]): Set<string> {
  const together = new Set<string>();
  for (const { sightings, kind } of events) {
    if (kind === "error") continue;
    const legs = new Set(sightings.map(({ leg }) => leg));
    for (const one of legs) for (const other of legs) together.add(`${one} ${other}`);
  }
  return together;
}
