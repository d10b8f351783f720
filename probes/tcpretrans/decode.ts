import { errnoName } from "../../src/probe/errno-name.ts";
import { decodeHead, type EventHead, HEAD_BYTES, HOST_ORDER, readKind } from "../../src/probe/event-head.ts";
import type { DecodeContext, Decoder } from "../../src/probe/manifest.ts";

/** A segment that was sent again. */
export interface TcpretransEvent extends EventHead {
  /** A SYN-ACK is sent again by the listener, which has no socket for the connection yet. */
  what: "segment" | "syn" | "syn-ack";
  /** First sequence number, null of a SYN-ACK. */
  seq: number | null;
  /** Sequence numbers it covers: bytes, and one each for SYN and FIN. */
  length: number;
  flags: number;
  /** The sender's state (enum tcp_ca_state without its prefix): Loss after a time-out, Recovery when acknowledgements told. */
  congestion: string | null;
  /** Time-outs in a row before this; of a SYN-ACK, the how-many-eth it is. */
  timeouts: number;
  /** Why it could not even be sent: `ENOBUFS`; null where it was, or before Linux 6.15. */
  error: string | null;
}

const KIND_SYN_ACK = 1;
const PREFIX = "TCP_CA_";

export function createDecoder({ epochOffsetNs, enumNames }: DecodeContext): Decoder<TcpretransEvent> {
  const congestionStates = enumNames("tcp_ca_state");
  return (bytes, offset) => {
    const head = decodeHead(bytes, offset, epochOffsetNs);
    const at = offset + HEAD_BYTES;
    const isSynAck = readKind(bytes, offset) === KIND_SYN_ACK;
    const congestion = congestionStates.get(bytes.getUint8(at + 13));
    return {
      ...head,
      what: isSynAck ? "syn-ack" : head.state === "SYN_SENT" ? "syn" : "segment",
      seq: isSynAck ? null : bytes.getUint32(at, HOST_ORDER),
      length: bytes.getUint32(at + 4, HOST_ORDER),
      flags: bytes.getUint8(at + 12),
      congestion: isSynAck ? null : (congestion?.replace(PREFIX, "") ?? null),
      timeouts: bytes.getUint8(at + 14),
      error: errnoName(Math.abs(bytes.getInt32(at + 8, HOST_ORDER))),
    };
  };
}
