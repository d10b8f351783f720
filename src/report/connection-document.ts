import type { TimeBase } from "../capture/time-base.ts";
import { UDP } from "../decode/packet.ts";
import { connState } from "../flow/conn-state.ts";
import { LEG_RST_DOWN, LEG_RST_UP } from "../flow/leg-layout.ts";
import { legOutcome } from "../flow/leg-outcome.ts";
import type { LegView } from "../flow/leg-view.ts";
import { endpointText } from "../path/endpoints.ts";
import type { ConnectionDocument } from "./analysis-contract.ts";
import { communityId } from "./community-id.ts";
import { epochOf, secondsOf } from "./epoch.ts";
import { encapsulationOf } from "./leg-encapsulation.ts";
import type { LegList, ListedLeg } from "./leg-list.ts";
import { resetShape } from "./reset-shape.ts";
import { firstReset } from "./survey/resets.ts";

/** One connection of a document, made only when it is written. */
export class LazyConnection {
  readonly #list: LegList;
  readonly #index: number;
  readonly #timeBase: TimeBase;

  constructor(list: LegList, index: number, timeBase: TimeBase) {
    this.#list = list;
    this.#index = index;
    this.#timeBase = timeBase;
  }

  toJSON(): ConnectionDocument {
    return connectionDocument(this.#list.at(this.#index), this.#timeBase);
  }
}

/** A leg as a connection of its own: what it was joined with, if anything, is not known here. */
export function connectionDocument({ id, leg, point }: ListedLeg, timeBase: TimeBase): ConnectionDocument {
  const { up, down, protocol } = leg;
  const client = endpointText(leg.src, leg.srcPort);
  const vip = endpointText(leg.dst, leg.dstPort);
  return {
    id,
    protocol: protocol === UDP ? "udp" : "tcp",
    client,
    vip,
    backend: null,
    mode: null,
    start: epochOf(leg.start, timeBase),
    end: epochOf(leg.end, timeBase),
    outcome: legOutcome(leg),
    healthCheck: false,
    role: "client",
    bytes: { up: up.payloadBytes, down: down.payloadBytes },
    packets: { up: up.packets - up.copies, down: down.packets - down.copies },
    retransmits: { up: up.retransmits, down: down.retransmits },
    handshake: secondsOf(leg.handshakeAckTime - up.synTime),
    connectToBackend: null,
    reset: resetOf(leg),
    path: { up: [], down: [] },
    legs: [{ observationPoint: point, src: client, dst: vip, encapsulation: encapsulationOf(leg), hop: null }],
    communityId: [communityId(leg)],
    connState: connState(leg),
    history: leg.history,
    joinConfidence: 0,
  };
}

/** What one leg says of its reset: a refusal shows itself, anything else takes more than a leg. */
function resetOf(leg: LegView): ConnectionDocument["reset"] {
  if (!leg.has(LEG_RST_UP | LEG_RST_DOWN)) return null;
  const reset = firstReset(leg);
  const isRefused = reset !== null && resetShape(reset) === "refused";
  return { by: "unknown", cause: isRefused ? "refused" : "unknown", confidence: 0 };
}
