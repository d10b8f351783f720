import { UDP } from "../../decode/packet.ts";
import type { Connection } from "../../path/connection.ts";
import type { Analysis } from "../analysis.ts";
import { connectionName } from "../document/joined-connection.ts";
import { bestLeg } from "../figures/best-legs.ts";
import { connectTime, firstByteTime } from "../figures/leg-times.ts";
import type { ConnectionLine } from "./connection-table.ts";

/** What a line of the table shows of a connection of captures; its start is seconds since the first packet. */
export function connectionLine({ subject }: Analysis, connection: Connection): ConnectionLine {
  const { set } = subject.connected;
  const { id, client, vip, backend, protocol, mode, healthCheck, start, end, legs } = connection;
  // a view is a cursor: what is read of it is read before the next leg's
  const sent = (side: 0 | 1) => {
    const { payloadBytes, retransmits } = set.view(bestLeg(set, connection, side)).side(side);
    return { payloadBytes, retransmits };
  };
  const up = sent(0);
  const down = sent(1);
  const nodes = legs.map((ref) => set.pointOf(ref).nodeName);
  return {
    id: connectionName(id),
    start: Number.isFinite(start) ? ((start - subject.start) / 1e9).toFixed(6) : "-",
    client: subject.text(client),
    vip: subject.text(vip),
    backend: backend === null ? null : subject.text(backend),
    protocol: protocol === UDP ? "udp" : "tcp",
    mode,
    outcome: subject.outcome(connection),
    healthCheck,
    reset: subject.mainReset(connection),
    bytes: { up: up.payloadBytes, down: down.payloadBytes },
    lasts: (end - start) / 1e9,
    connect: connectTime(set, connection) / 1e9,
    firstByte: firstByteTime(set, connection) / 1e9,
    retransmits: up.retransmits + down.retransmits,
    path: nodes.filter((name, i) => name !== nodes[i - 1]),
  };
}
