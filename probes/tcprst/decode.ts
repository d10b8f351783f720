import { decodeHead, type EventHead, HEAD_BYTES, HOST_ORDER, readKind } from "../../src/probe/event-head.ts";
import type { DecodeContext, Decoder } from "../../src/probe/manifest.ts";
import { ACK, SYN } from "../../src/probe/tcp-flags.ts";

/**
 * Why this host sent a reset:
 * - `refused`: a SYN to a port that nobody listens on; `no-state`: a segment of a connection it knows nothing of;
 * - `overflow`: the listener's accept queue was full (net.ipv4.tcp_abort_on_overflow);
 * - `abort`: the process closed with data unread, or with SO_LINGER 0; `late-data`: data came after it had closed.
 */
export type ResetCause = "refused" | "no-state" | "overflow" | "abort" | "late-data";

export interface TcprstEvent extends EventHead {
  direction: "sent" | "received";
  /** The kernel's own (enum sk_rst_reason without its prefix): `NO_SOCKET`; null where it gives none. */
  reason: string | null;
  /** Null where reason and circumstances do not tell, and of a reset received. */
  cause: ResetCause | null;
  /** The segment that a reset sent answers; null where the host acted by itself. */
  answered: { flags: number; seq: number; ack: number } | null;
  /** Connections that wait for accept(), where the socket listens, and how many may. */
  backlog: { length: number; limit: number } | null;
}

const KIND_SENT = 0;
const PREFIX = "SK_RST_REASON_";

export function createDecoder({ epochOffsetNs, enumNames }: DecodeContext): Decoder<TcprstEvent> {
  const reasons = enumNames("sk_rst_reason");
  return (bytes, offset) => {
    const head = decodeHead(bytes, offset, epochOffsetNs);
    const at = offset + HEAD_BYTES;
    const number = bytes.getInt32(at, HOST_ORDER);
    const reason = number < 0 ? null : (reasons.get(number)?.replace(PREFIX, "") ?? String(number));
    const flags = bytes.getUint8(at + 20);
    const answered =
      flags === 0
        ? null
        : { flags, seq: bytes.getUint32(at + 12, HOST_ORDER), ack: bytes.getUint32(at + 16, HOST_ORDER) };
    const backlog =
      head.state === "LISTEN"
        ? { length: bytes.getUint32(at + 4, HOST_ORDER), limit: bytes.getUint32(at + 8, HOST_ORDER) }
        : null;
    const isSent = readKind(bytes, offset) === KIND_SENT;
    return {
      ...head,
      direction: isSent ? "sent" : "received",
      reason,
      cause: isSent ? causeOf({ reason, state: head.state, flags, backlog, pid: head.pid }) : null,
      answered,
      backlog,
    };
  };
}

/** Reasons for which a process ends a connection; TCP_STATE is what tcp_disconnect() gives (SO_LINGER 0). */
const ABORTS: ReadonlySet<string> = new Set([
  "TCP_ABORT_ON_CLOSE",
  "TCP_ABORT_ON_LINGER",
  "TCP_DISCONNECT_WITH_DATA",
  "TCP_STATE",
]);

/** @param flags of the segment answered; 0 for none */
export function causeOf({
  reason,
  state,
  flags,
  backlog,
  pid,
}: {
  reason: string | null;
  state: string | null;
  flags: number;
  backlog: { length: number; limit: number } | null;
  pid: number | null;
}): ResetCause | null {
  const isSyn = (flags & (SYN | ACK)) === SYN;
  if (state === null && flags !== 0) return isSyn ? "refused" : "no-state";
  // sk_acceptq_is_full(): strictly more than the limit
  if (backlog !== null && !isSyn && flags !== 0) return backlog.length > backlog.limit ? "overflow" : "no-state";
  // of a closed connection the kernel keeps a TIME_WAIT at most: tcp_timewait_state_process() resets what still has data
  if (reason === "TCP_ABORT_ON_DATA" || (state === "TIME_WAIT" && flags !== 0)) return "late-data";
  if (reason !== null && flags === 0 && ABORTS.has(reason)) return "abort";
  // before 6.10: the host acted by itself, after tcp_close() or tcp_disconnect() had closed the socket or in a call
  if (reason === null && flags === 0 && (state === "CLOSE" || pid !== null)) return "abort";
  return null;
}
