import type { TimeBase } from "../../capture/time-base.ts";
import { UDP } from "../../decode/packet.ts";
import type { Severity } from "../../diagnose/finding.ts";
import { fileOfFrame } from "../../flow/tracked-capture.ts";
import { macText } from "../../path/endpoints.ts";
import type { Direction } from "../../path/leg-packet.ts";
import { type Mac, macHigh, macLow } from "../../path/macs.ts";
import { connectionOutcome } from "../../path/outcome.ts";
import type { Column } from "./column.ts";
import { hopsOf, type LadderHop } from "./hop-list.ts";
import type { Ladder } from "./ladder.ts";
import type { Sighting } from "./sighting.ts";
import type { HopDelay, Step, StepKind } from "./step.ts";

/**
 * The document of `trace --json`. Times are epoch seconds as decimal strings on the reference clock, null where a
 * capture has none; durations are seconds; sizes are bytes; endpoints print as `ip:port` and `[ip6]:port`.
 */
export interface TraceDocument {
  schema: "l4scope.trace/1";
  connection: {
    id: string;
    protocol: "tcp" | "udp";
    client: string;
    vip: string;
    /** null where no packet can tell. */
    backend: string | null;
    mode: string | null;
    outcome: string;
    joinConfidence: number;
  };
  /** What analyze finds to be wrong with it. */
  findings: readonly { id: string; severity: Severity; confidence: number; title: string }[];
  /** From client to backend; `observationPoints` is empty for what nobody captured. */
  nodes: readonly { name: string; role: Column["role"]; observationPoints: readonly string[] }[];
  /** What rewrites the client's packets, in the order in which they meet it. */
  hops: readonly LadderHop[];
  /** Of the captures involved, against the run's reference clock; null where nothing bounds it. */
  clocks: readonly { file: string; offset: number; uncertainty: number | null }[];
  /** Each is written as what its `toJSON` gives, so that they need not all be there at once. */
  events: readonly { toJSON(): TraceEvent }[];
  /** Packets that were left out for want of memory. */
  leftOut: number;
}

export interface TraceEvent {
  time: string | null;
  /** Seconds since the first event. */
  since: number | null;
  direction: Direction;
  /** `client`: the client's own TCP session; `proxy`: the one that a terminating proxy opened for it. */
  session: "client" | "proxy";
  kind: StepKind;
  label: string;
  seq: number | null;
  ack: number | null;
  /** Bytes of payload. */
  length: number;
  retransmission: boolean;
  /** Nodes by their place in `nodes`. */
  beginsAt: number | null;
  endsAt: number | null;
  moved: { from: string; to: string } | null;
  notes: readonly string[];
  rewrites: readonly { node: number; next: number | null; kind: string; from: string; to: string }[];
  stops: readonly TraceStop[];
}

export interface TraceStop {
  node: number;
  /** Seconds from the arrival at the stop before, and what the clocks leave open of it; null where they cannot tell. */
  delay: number | null;
  uncertainty: number | null;
  seen: readonly {
    observationPoint: string;
    file: string;
    frame: number;
    /** By the capture's own clock. */
    time: string | null;
    src: string;
    dst: string;
    /** null where the link layer has none. */
    srcMac: string | null;
    dstMac: string | null;
    encapsulation: readonly string[];
    ttl: number;
  }[];
}

export function traceDocument(ladder: Ladder, timeBase: TimeBase): TraceDocument {
  const { connected, connection, columns, steps, findings } = ladder;
  const { endpoints, set, clocks } = connected;
  const captures = [...new Set(connection.legs.map((leg) => set.trackOf(leg).capture))];
  return {
    schema: "l4scope.trace/1",
    connection: {
      id: `c${connection.id}`,
      protocol: connection.protocol === UDP ? "udp" : "tcp",
      client: endpoints.text(connection.client),
      vip: endpoints.text(connection.vip),
      backend: connection.backend === null ? null : endpoints.text(connection.backend),
      mode: connection.mode,
      outcome: connectionOutcome(set, connection),
      joinConfidence: connection.joinConfidence,
    },
    findings: findings.map(({ id, severity, confidence, title }) => ({ id, severity, confidence, title })),
    nodes: columns.map(({ name, role, points }) => ({ name, role, observationPoints: points })),
    hops: hopsOf(ladder),
    clocks: captures.map((capture) => ({
      file: set.captures[capture]!.path,
      offset: clocks[capture]!.offset / 1e9,
      uncertainty: finiteOrNull(clocks[capture]!.uncertainty / 1e9),
    })),
    events: steps.map((step) => ({ toJSON: () => eventOf(ladder, step, timeBase) })),
    leftOut: ladder.left,
  };
}

function eventOf(ladder: Ladder, step: Step, timeBase: TimeBase): TraceEvent {
  const { event, journey, delays } = step;
  const { stops } = journey;
  const start = ladder.steps[0]!.event.time;
  const isTcp = event.kind === "tcp";
  return {
    time: epochOf(event.time, timeBase),
    since: finiteOrNull((event.time - start) / 1e9),
    direction: event.direction,
    session: event.session === 0 ? "client" : "proxy",
    kind: step.kind,
    label: step.label,
    seq: isTcp ? event.seq : null,
    ack: isTcp && (event.flags & 0x10) !== 0 ? event.ack : null,
    length: event.length,
    retransmission: step.isAgain,
    beginsAt: journey.beginsHere ? stops[0]!.column : null,
    endsAt: journey.endsHere ? stops.at(-1)!.column : null,
    moved: step.moved,
    notes: step.notes,
    rewrites: step.rewrites.map(({ stop, isInside, kind, from, to }) => ({
      node: stops[stop]!.column,
      next: isInside ? null : (stops[stop + 1]?.column ?? null),
      kind,
      from,
      to,
    })),
    stops: stops.map(({ column, sightings }, i) => ({
      node: column,
      ...delayOf(delays[i - 1]),
      seen: sightings.map((sighting) => seenOf(ladder, sighting, timeBase)),
    })),
  };
}

function delayOf(delay: HopDelay | undefined): Pick<TraceStop, "delay" | "uncertainty"> {
  if (!delay) return { delay: null, uncertainty: null };
  return { delay: finiteOrNull(delay.seconds), uncertainty: finiteOrNull(delay.uncertainty) };
}

function seenOf(
  { connected: { set, endpoints } }: Ladder,
  { packet, leg, src, dst, srcMac, dstMac, encapsulation, ttl }: Sighting,
  timeBase: TimeBase,
): TraceStop["seen"][number] {
  const place = fileOfFrame(set.captures[packet.capture]!, packet.frame);
  return {
    observationPoint: set.pointOf(leg).name,
    file: place.path,
    frame: place.frame,
    time: epochOf(packet.time, timeBase),
    src: endpoints.text(src),
    dst: endpoints.text(dst),
    srcMac: macOrNull(srcMac),
    dstMac: macOrNull(dstMac),
    encapsulation,
    ttl,
  };
}

function macOrNull(mac: Mac): string | null {
  return mac === 0 ? null : macText(macHigh(mac), macLow(mac));
}

function epochOf(time: number, timeBase: TimeBase): string | null {
  return Number.isFinite(time) ? timeBase.toEpoch(time) : null;
}

function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
