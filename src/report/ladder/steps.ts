import { ACK, FIN, RST, SYN } from "../../decode/packet.ts";
import type { ResetVerdict } from "../../diagnose/reset-verdict.ts";
import type { Connected } from "../../path/connect.ts";
import type { LegRef } from "../../path/leg-set.ts";
import type { Mac } from "../../path/macs.ts";
import { formatBytes } from "../format-quantity.ts";
import { printable } from "../text/page.ts";
import type { Column } from "./column.ts";
import { type Coverage, carrierKey } from "./coverage.ts";
import { icmpErrorText } from "./icmp-error-text.ts";
import { type Journey, journeyOf, type Stop } from "./journey.ts";
import { MoveWatch } from "./move-watch.ts";
import type { PacketEvent } from "./packet-event.ts";
import { payloadKind } from "./payload-kind.ts";
import { rewritesOf } from "./rewrites.ts";
import type { HopDelay, Step, StepKind } from "./step.ts";
import { type SegmentPlace, StreamState } from "./stream-state.ts";

/** Says of every packet of a connection what it is and what happened to it. */
export class StepReader {
  private readonly connected: Connected;
  private readonly direct: ReadonlySet<Mac>;
  private readonly coverage: Coverage;
  private readonly streams = new Map<string, StreamState>();
  private readonly moves: MoveWatch;
  private readonly acknowledged = new Set<number>();
  private readonly answered = new Set<number>();
  private readonly missed = new Set<string>();
  private readonly resets: readonly ResetVerdict[];

  constructor(
    connected: Connected,
    direct: ReadonlySet<Mac>,
    columns: readonly Column[],
    coverage: Coverage,
    macs: readonly (Mac | null)[],
    resets: readonly ResetVerdict[],
  ) {
    this.connected = connected;
    this.direct = direct;
    this.coverage = coverage;
    this.moves = new MoveWatch(connected.set, columns, macs);
    this.resets = resets;
  }

  /** The next event, in the order of time. */
  read(event: PacketEvent): Step {
    const journey = journeyOf(this.coverage, event);
    const stream = this.stream(event);
    const place = event.kind === "tcp" ? stream.place(event) : null;
    const isFirstData = event.length > 0 && !stream.hasSentData;
    // what is sent again need not say again what it is
    const payload = event.length > 0 && !place?.isAgain ? this.payload(event, isFirstData) : null;
    const kind = this.kindOf(event, place, stream);
    const isHandshake = kind === "ack" && event.direction === "up" && this.completesHandshake(event);
    const moved = this.moves.next(event, journey);
    const notes = this.notes(event, journey, kind, place);
    if (moved) notes.unshift(moved.note);
    const isBad = kind === "reset";
    const isAgain = place?.isAgain ?? false;
    const isRisk = isAgain || journey.endsHere || moved !== null || kind === "icmp-error" || kind === "window";
    const isStream = kind === "data" || kind === "datagram";
    const isDull = (kind === "ack" && !isHandshake) || (isStream && !isFirstData) || kind === "fragment";
    if (event.length > 0) stream.hasSentData = true;
    return {
      kind,
      event,
      journey,
      delays: delaysOf(this.connected, journey.stops),
      rewrites: rewritesOf(this.connected.endpoints, this.direct, event, journey.stops),
      label: this.label(event, kind, payload?.text ?? null),
      isAgain,
      notes,
      moved: moved === null ? null : { from: moved.from, to: moved.to },
      weight: isBad ? "bad" : isRisk ? "risk" : isDull ? "dull" : "plain",
      standsAlone: isBad || isRisk || !isDull || journey.beginsHere || notes.length > 0,
      startsMessage: payload?.isMessage === true,
    };
  }

  private stream({ session, direction }: PacketEvent): StreamState {
    const key = `${session} ${direction}`;
    const known = this.streams.get(key);
    if (known) return known;
    const created = new StreamState();
    this.streams.set(key, created);
    return created;
  }

  private kindOf(event: PacketEvent, place: SegmentPlace | null, stream: StreamState): StepKind {
    if (event.kind === "error") return "icmp-error";
    if (event.kind === "udp") return "datagram";
    if (event.kind === "fragment") return "fragment";
    const { flags, length, window } = event;
    if ((flags & RST) !== 0) return "reset";
    if ((flags & SYN) !== 0) return (flags & ACK) !== 0 ? "syn-ack" : "syn";
    if ((flags & FIN) !== 0) return "fin";
    if (place?.isKeepalive) return "keepalive";
    if (length > 0) return "data";
    if ((window === 0) !== stream.isFull) {
      stream.isFull = window === 0;
      return "window";
    }
    return "ack";
  }

  /** The first acknowledgment by the opener of a session whose SYN was answered. */
  private completesHandshake({ session, sightings }: PacketEvent): boolean {
    if (this.acknowledged.has(session) || !this.answered.has(session)) return false;
    this.acknowledged.add(session);
    return sightings.length > 0;
  }

  private label(event: PacketEvent, kind: StepKind, payload: string | null): string {
    const data = `${formatBytes(event.length)}${payload === null ? "" : ` ${payload}`}`;
    switch (kind) {
      case "syn":
        return event.length > 0 ? `SYN with ${data}` : "SYN";
      case "syn-ack":
        this.answered.add(event.session);
        return "SYN,ACK";
      case "fin":
        return event.length > 0 ? `FIN with ${data}` : "FIN";
      case "reset":
        return (event.flags & ACK) !== 0 ? "RST,ACK" : "RST";
      case "ack":
        return "ACK";
      case "keepalive":
        return "keepalive";
      case "window":
        return event.window === 0 ? "window full" : "window open";
      case "data":
        return payload === null ? `${data} data` : data;
      case "datagram":
        return payload === null ? `${data} datagram` : data;
      case "fragment":
        return `${formatBytes(event.length)} fragment`;
      case "icmp-error":
        return icmpErrorText(event.sightings[0]!.error!);
    }
  }

  private payload(event: PacketEvent, isFirst: boolean): { text: string; isMessage: boolean } | null {
    let longest = event.sightings[0]!;
    for (const sighting of event.sightings) {
      if (sighting.seq === longest.seq && sighting.payload.length > longest.payload.length) longest = sighting;
    }
    const kind = payloadKind(longest.payload, event.kind === "udp");
    if (kind === null || (!kind.isMessage && !isFirst)) return null;
    return { text: printable(kind.text), isMessage: kind.isMessage };
  }

  private notes(event: PacketEvent, journey: Journey, kind: StepKind, place: SegmentPlace | null): string[] {
    const { set, endpoints } = this.connected;
    const notes: string[] = [];
    const first = journey.stops[0]!.sightings[0]!;
    const last = journey.stops.at(-1)!.sightings.at(-1)!;
    if (place?.isAgain) notes.push("again");
    if (place?.isOvertaken) notes.push("overtaken on the way");
    const sizes = [...new Set(event.sightings.map(({ mss }) => mss).filter((mss) => mss > 0))];
    if (sizes.length > 1) notes.push(`mss ${sizes.join(" → ")}`);
    const point = (leg: LegRef) => printable(set.pointOf(leg).name);
    if (journey.beginsHere) {
      notes.push(kind === "data" ? `not captured before ${point(first.leg)}` : `begins at ${point(first.leg)}`);
    }
    if (journey.endsHere) notes.push(`not seen beyond ${point(last.leg)}`);
    if (journey.missedAt.length > 0 && !this.missed.has(carrierKey(event))) {
      this.missed.add(carrierKey(event));
      notes.push(`not seen at ${journey.missedAt.map(printable).join(", ")}`);
    }
    if (kind === "icmp-error") notes.push(`from ${endpoints.text(first.src).replace(/:0$/, "")}`);
    const verdict = kind === "reset" ? this.verdictOn(event) : undefined;
    if (verdict) notes.push(`by ${verdict.by}: ${verdict.cause} (${verdict.confidence.toFixed(2)})`);
    return notes;
  }

  /** What the diagnosis says of a reset, where it says anything. */
  private verdictOn({ sightings }: PacketEvent): ResetVerdict | undefined {
    const { set } = this.connected;
    const isSeenIn = ({ ref, event }: ResetVerdict) =>
      sightings.some(({ packet }) => packet.frame === event.frame && packet.capture === set.trackOf(ref).capture);
    return this.resets.find(
      (verdict) => (verdict.by !== "unknown" || verdict.cause !== "unknown") && isSeenIn(verdict),
    );
  }
}

/** Delays from arrival to arrival at the next node, what the first spends in itself included. */
function delaysOf({ clocks }: Connected, stops: readonly Stop[]): HopDelay[] {
  return stops.slice(1).map((stop, i) => {
    const before = stops[i]!;
    const a = clocks[before.sightings[0]!.packet.capture]!;
    const b = clocks[stop.sightings[0]!.packet.capture]!;
    const uncertainty = a === b ? 0 : (a.uncertainty + b.uncertainty) / 1e9;
    const seconds = (stop.time - before.time) / 1e9;
    return { seconds: Number.isFinite(uncertainty) ? seconds : Number.NaN, uncertainty };
  });
}
