import { errnoName } from "../../src/probe/errno-name.ts";
import { decodeHead, type EventHead, HEAD_BYTES, HOST_ORDER, readKind } from "../../src/probe/event-head.ts";
import type { DecodeContext, Decoder } from "../../src/probe/manifest.ts";

/**
 * What became of a connect():
 * - `connected`;
 * - `refused`: the other end answered with a reset; `timeout`: nobody answered; `unreachable`: an ICMP error, or no route;
 * - `no-port`: no local port was free (SNAT exhaustion on a proxy);
 * - `given-up`: the socket was closed before an answer came; `failed`: see `error`.
 */
export type ConnectOutcome = "connected" | "refused" | "timeout" | "unreachable" | "no-port" | "given-up" | "failed";

export interface TcpconnectEvent extends EventHead {
  outcome: ConnectOutcome;
  /** `ECONNREFUSED`; null where connected, or where the kernel keeps no error. */
  error: string | null;
  /** From connect() to the outcome. */
  latencySeconds: number;
  /** SYNs sent again: the first after 1 s, the second after 3. */
  synRetransmits: number;
}

const KIND_CONNECTED = 0;
/** RCV_SHUTDOWN and SEND_SHUTDOWN. */
const CLOSED_HERE = 3;

export function createDecoder({ epochOffsetNs }: DecodeContext): Decoder<TcpconnectEvent> {
  return (bytes, offset) => {
    const head = decodeHead(bytes, offset, epochOffsetNs);
    const at = offset + HEAD_BYTES;
    const error = errnoName(bytes.getInt32(at + 8, HOST_ORDER));
    const isConnected = readKind(bytes, offset) === KIND_CONNECTED;
    return {
      ...head,
      outcome: isConnected
        ? "connected"
        : failureOf({ error, shutdown: bytes.getUint8(at + 12), localPort: head.local.port }),
      error: isConnected ? null : error,
      latencySeconds: Number(bytes.getBigUint64(at, HOST_ORDER)) / 1e9,
      synRetransmits: bytes.getUint8(at + 13),
    };
  };
}

/** @param shutdown sk_shutdown: what close() and shutdown() have set */
export function failureOf({
  error,
  shutdown,
  localPort,
}: {
  error: string | null;
  shutdown: number;
  localPort: number;
}): ConnectOutcome {
  switch (error) {
    case "ECONNREFUSED":
      return "refused";
    case "ETIMEDOUT":
      return "timeout";
    case "ENETUNREACH":
    case "EHOSTUNREACH":
      return "unreachable";
    case "EADDRNOTAVAIL":
      return "no-port";
    case null:
      if (shutdown === CLOSED_HERE) return "given-up";
      // where the call's own error is not heard: inet_hash_connect() failed, which is what gives a port
      return localPort === 0 ? "no-port" : "failed";
    default:
      return "failed";
  }
}
