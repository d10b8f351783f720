import { decodeHead, type EventHead, HEAD_BYTES, HOST_ORDER, type Role } from "../../src/probe/event-head.ts";
import type { DecodeContext, Decoder } from "../../src/probe/manifest.ts";

/**
 * How a connection ended, as this host's socket tells:
 * - `fin`: closed by both ends, or by this one with the other's FIN still to come;
 * - `reset-received`, `reset-sent`: by a reset of the other end, or of this one (abort, unread data, data after close);
 * - `reset`: by a reset, and the socket does not tell whose;
 * - `refused`: the other end answered the SYN with a reset;
 * - `timeout`: nothing was answered; `unreachable`: an ICMP error said why;
 * - `no-port`: no local port was free; `failed`: connect() failed on this host otherwise;
 * - `given-up`: closed here before an answer came; `aborted`: by an administrator (`ss -K`); `error`: see `error`.
 */
export type Ended =
  | "fin"
  | "reset-received"
  | "reset-sent"
  | "reset"
  | "refused"
  | "timeout"
  | "unreachable"
  | "no-port"
  | "failed"
  | "given-up"
  | "aborted"
  | "error";

/** A connection of a socket of this host, when it is over. Its state is the last before CLOSE. */
export interface TcplifeEvent extends EventHead {
  role: Role;
  /** From the end of the handshake, or from connect() where there was none. */
  durationSeconds: number;
  /** From connect() to the end of the handshake; null for an accepted connection, or where it never ended. */
  handshakeSeconds: number | null;
  /** Acknowledged by the other end. As in `ss`, a SYN sent and a FIN count one each. */
  sentBytes: number;
  receivedBytes: number;
  retransmits: number;
  smoothedRttSeconds: number | null;
  ended: Ended;
  /** The socket's errno, 0 for none. */
  errno: number;
}

export function createDecoder({ epochOffsetNs }: DecodeContext): Decoder<TcplifeEvent> {
  return (bytes, offset) => {
    const head = decodeHead(bytes, offset, epochOffsetNs);
    const at = offset + HEAD_BYTES;
    const nowNs = bytes.getBigUint64(offset, HOST_ORDER);
    const bornNs = bytes.getBigUint64(at, HOST_ORDER);
    const establishedNs = bytes.getBigUint64(at + 8, HOST_ORDER);
    const role = head.role ?? "accept";
    const rttUs = bytes.getUint32(at + 32, HOST_ORDER);
    const errno = bytes.getInt32(at + 40, HOST_ORDER);
    const shutdown = bytes.getUint8(at + 44);
    const isEstablished = establishedNs !== 0n;
    return {
      ...head,
      role,
      durationSeconds: Number(nowNs - (isEstablished ? establishedNs : bornNs)) / 1e9,
      handshakeSeconds: role === "connect" && isEstablished ? Number(establishedNs - bornNs) / 1e9 : null,
      sentBytes: Number(bytes.getBigUint64(at + 16, HOST_ORDER)),
      receivedBytes: Number(bytes.getBigUint64(at + 24, HOST_ORDER)),
      retransmits: bytes.getUint32(at + 36, HOST_ORDER),
      smoothedRttSeconds: rttUs === 0 ? null : rttUs / 1e6,
      ended: howEnded({ state: head.state ?? "", errno, shutdown, localPort: head.local.port }),
      errno,
    };
  };
}

// asm-generic/errno.h, which x86, arm and riscv use
const EPIPE = 32;
const ENETUNREACH = 101;
const ECONNABORTED = 103;
const ECONNRESET = 104;
const ETIMEDOUT = 110;
const ECONNREFUSED = 111;
const EHOSTUNREACH = 113;
/** RCV_SHUTDOWN and SEND_SHUTDOWN. */
const CLOSED_HERE = 3;

/**
 * Reads the end of a connection from what the kernel sets before it goes to CLOSE: tcp_reset() and tcp_write_err() leave
 * an error in the socket, close() with an abort none; a FIN that was acknowledged moves the state on.
 *
 * @param state the last before CLOSE
 */
export function howEnded({
  state,
  errno,
  shutdown,
  localPort,
}: {
  state: string;
  errno: number;
  shutdown: number;
  localPort: number;
}): Ended {
  switch (errno) {
    case 0:
      break;
    case ECONNREFUSED:
      return "refused";
    case ETIMEDOUT:
      return "timeout";
    case ENETUNREACH:
    case EHOSTUNREACH:
      return "unreachable";
    case ECONNABORTED:
      return "aborted";
    case ECONNRESET:
      // data after close() is handled by the function that handles a reset received, and then answered with one
      return shutdown === CLOSED_HERE && state.startsWith("FIN_WAIT") ? "reset" : "reset-received";
    case EPIPE:
      return "reset-received";
    default:
      return "error";
  }
  if (state === "SYN_SENT") {
    if (localPort === 0) return "no-port";
    return shutdown === CLOSED_HERE ? "given-up" : "failed";
  }
  // these leave for CLOSE only when their FIN is acknowledged, or for TIME_WAIT, which the tracepoint calls CLOSE too
  return state === "FIN_WAIT2" || state === "LAST_ACK" || state === "CLOSING" || state === "TIME_WAIT"
    ? "fin"
    : "reset-sent";
}
