import { UDP } from "../../decode/packet.ts";
import { connState } from "../../flow/conn-state.ts";
import type { Connection } from "../../path/connection.ts";
import { endpointText } from "../../path/endpoints.ts";
import type { LegRef } from "../../path/leg-set.ts";
import type { Analysis } from "../analysis.ts";
import type { ConnectionDocument, UpDown } from "../analysis-contract.ts";
import { communityId } from "../community-id.ts";
import { epochOf, secondsOf } from "../epoch.ts";
import { bestLeg } from "../figures/best-legs.ts";
import { connectTime, handshakeTime } from "../figures/leg-times.ts";
import { encapsulationOf } from "../leg-encapsulation.ts";

/** One connection of a document, made only when it is written. */
export class LazyJoinedConnection {
  readonly #analysis: Analysis;
  readonly #connection: Connection;

  constructor(analysis: Analysis, connection: Connection) {
    this.#analysis = analysis;
    this.#connection = connection;
  }

  toJSON(): ConnectionDocument {
    return joinedConnectionDocument(this.#analysis, this.#connection);
  }
}

/** The name of a connection in documents and texts: `c17`. */
export function connectionName(id: number): string {
  return `c${id}`;
}

/** A connection as the contract prints it, end to end. */
export function joinedConnectionDocument(
  { subject, timeBase }: Pick<Analysis, "subject" | "timeBase">,
  connection: Connection,
): ConnectionDocument {
  const { set } = subject.connected;
  const upRef = bestLeg(set, connection, 0);
  const downRef = bestLeg(set, connection, 1);
  const upDown = (of: (ref: LegRef, side: 0 | 1) => number): UpDown => ({ up: of(upRef, 0), down: of(downRef, 1) });
  const { id, backend, mode, legs, hops, start, end, role, healthCheck, joinConfidence } = connection;
  const reset = subject.mainReset(connection);
  const communityIds = new Set(legs.map((ref) => communityId(set.view(ref))));
  const path = pathOf(subject.connected.set, legs);
  const legDocuments = legs.map((ref, index) => {
    const observationPoint = set.pointOf(ref).name;
    const leg = set.view(ref);
    return {
      observationPoint,
      src: endpointText(leg.src, leg.srcPort),
      dst: endpointText(leg.dst, leg.dstPort),
      encapsulation: encapsulationOf(leg),
      hop: hops[index + 1] ?? null,
    };
  });
  // a view is a cursor: what is read of it is read before the next leg's
  const front = set.view(connection.front);
  const state = connState(front);
  const { history } = front;
  return {
    id: connectionName(id),
    protocol: connection.protocol === UDP ? "udp" : "tcp",
    client: subject.text(connection.client),
    vip: subject.text(connection.vip),
    backend: backend === null ? null : subject.text(backend),
    mode,
    start: epochOf(start, timeBase),
    end: epochOf(end, timeBase),
    outcome: subject.outcome(connection),
    healthCheck,
    role,
    bytes: upDown((ref, side) => set.view(ref).side(side).payloadBytes),
    packets: upDown((ref, side) => {
      const { packets, copies } = set.view(ref).side(side);
      return packets - copies;
    }),
    retransmits: upDown((ref, side) => set.view(ref).side(side).retransmits),
    handshake: secondsOf(handshakeTime(set, connection)),
    connectToBackend: secondsOf(connectTime(set, connection)),
    reset: reset === null ? null : { by: reset.by, cause: reset.cause, confidence: reset.confidence },
    path,
    legs: legDocuments,
    communityId: [...communityIds],
    connState: state,
    history,
    joinConfidence,
  };
}

/** The nodes that saw each direction, in the order of travel. */
function pathOf(set: Analysis["subject"]["connected"]["set"], legs: readonly LegRef[]): ConnectionDocument["path"] {
  const seen = (side: 0 | 1) => legs.filter((ref) => set.view(ref).side(side).packets > 0);
  const nodes = (refs: readonly LegRef[]) =>
    refs.map((ref) => set.pointOf(ref).nodeName).filter((name, index, names) => name !== names[index - 1]);
  return { up: nodes(seen(0)), down: nodes(seen(1).reverse()) };
}
