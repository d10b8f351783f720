import type { AddressWords, EndpointWords } from "../topology/address.ts";
import { attributes, NETLINK_NETFILTER, type NetlinkMessage, NetlinkSocket } from "./netlink.ts";

/** One direction of a tracked connection, as its first packet has it. */
export interface ConntrackTuple {
  src: EndpointWords;
  dst: EndpointWords;
}

/** An entry of connection tracking, as the kernel tells it by netlink (linux/netfilter/nfnetlink_conntrack.h). */
export interface ConntrackEntry {
  /** IP protocol number. Ports of protocols without any are 0. */
  protocol: number;
  /** As the client sent it. */
  original: ConntrackTuple;
  /** As replies come back: what differs was translated. */
  reply: ConntrackTuple;
  /** Stays the same through an entry's life; null in events of old kernels. */
  id: number | null;
  /** `ESTABLISHED`; null for what is not TCP, and at the end. */
  tcpState: string | null;
  /** After this silence the entry goes; null at the end. */
  timeoutSeconds: number | null;
  /** Both ends have spoken; what was not assured goes first when the table is full. */
  isAssured: boolean;
  hasReply: boolean;
  isSourceTranslated: boolean;
  isDestinationTranslated: boolean;
  /** Null unless net.netfilter.nf_conntrack_acct is 1. */
  packets: { original: number; reply: number } | null;
  bytes: { original: number; reply: number } | null;
}

export interface ConntrackEvent {
  kind: "new" | "update" | "destroy";
  entry: ConntrackEntry;
}

const SUBSYSTEM = 1 << 8;
const MESSAGE_GET = 1;
const MESSAGE_DELETE = 2;
const NLM_F_CREATE = 0x400;
/** struct nfgenmsg: family, version, resource. */
const GENERIC_BYTES = 4;
const GROUPS = { new: 1 << 0, update: 1 << 1, destroy: 1 << 2 } as const;
/** enum tcp_conntrack. */
const TCP_STATES = [
  "NONE",
  "SYN_SENT",
  "SYN_RECV",
  "ESTABLISHED",
  "FIN_WAIT",
  "CLOSE_WAIT",
  "LAST_ACK",
  "TIME_WAIT",
  "CLOSE",
  "SYN_SENT2",
] as const;
const ATTRIBUTE = {
  original: 1,
  reply: 2,
  status: 3,
  protocolInfo: 4,
  timeout: 7,
  bytesUp: 9,
  bytesDown: 10,
  id: 12,
} as const;
const STATUS = { seenReply: 1 << 1, assured: 1 << 2, sourceNat: 1 << 4, destinationNat: 1 << 5 } as const;

/**
 * This network namespace's table, entry by entry. It changes while it is read: an entry may come twice or not at all.
 *
 * @returns null without koffi. @throws NetlinkError where the kernel refuses: CAP_NET_ADMIN is missing, or ctnetlink.
 */
export function readConntrack(): Generator<ConntrackEntry> | null {
  const socket = NetlinkSocket.open(NETLINK_NETFILTER);
  return socket === null ? null : entriesOf(socket);
}

function* entriesOf(socket: NetlinkSocket): Generator<ConntrackEntry> {
  try {
    for (const { payload } of socket.dump(SUBSYSTEM | MESSAGE_GET, Buffer.alloc(GENERIC_BYTES))) {
      const entry = parseConntrack(payload);
      if (entry !== null) yield entry;
    }
  } finally {
    socket.close();
  }
}

/** Room for some ten thousand events between two polls. */
const EVENT_BUFFER_BYTES = 8 << 20;

/** What connection tracking tells as it happens. To be polled, some times a second, and closed. */
export class ConntrackEvents {
  /** Times that the kernel had to drop events because polls were too far apart. */
  lost = 0;
  readonly #socket: NetlinkSocket;

  private constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  /**
   * @param kinds those to hear of; updates are many.
   * @returns null without koffi. @throws NetlinkError where the kernel refuses.
   */
  static open(kinds: readonly ConntrackEvent["kind"][]): ConntrackEvents | null {
    const socket = NetlinkSocket.open(
      NETLINK_NETFILTER,
      kinds.reduce((groups, kind) => groups | GROUPS[kind], 0),
    );
    if (socket === null) return null;
    socket.setReceiveBuffer(EVENT_BUFFER_BYTES);
    return new ConntrackEvents(socket);
  }

  /** What has happened since the last poll; never waits. */
  *poll(): Generator<ConntrackEvent> {
    const onLost = () => {
      this.lost++;
    };
    for (const message of this.#socket.pending(onLost)) {
      const entry = parseConntrack(message.payload);
      if (entry !== null) yield { kind: kindOf(message), entry };
    }
  }

  close(): void {
    this.#socket.close();
  }
}

function kindOf({ type, flags }: NetlinkMessage): ConntrackEvent["kind"] {
  if ((type & 0xff) === MESSAGE_DELETE) return "destroy";
  return (flags & NLM_F_CREATE) !== 0 ? "new" : "update";
}

/** Null where a tuple is missing or its addresses are of no known family. */
export function parseConntrack(payload: Buffer): ConntrackEntry | null {
  const found = attributes(payload, GENERIC_BYTES);
  const original = tupleOf(found.get(ATTRIBUTE.original));
  const reply = tupleOf(found.get(ATTRIBUTE.reply));
  if (original === null || reply === null) return null;
  const status = numberOf(found.get(ATTRIBUTE.status)) ?? 0;
  const tcp = attributes(attributes(found.get(ATTRIBUTE.protocolInfo) ?? EMPTY).get(1) ?? EMPTY);
  const state = tcp.get(1)?.[0];
  const up = attributes(found.get(ATTRIBUTE.bytesUp) ?? EMPTY);
  const down = attributes(found.get(ATTRIBUTE.bytesDown) ?? EMPTY);
  return {
    protocol: original.protocol,
    original: original.tuple,
    reply: reply.tuple,
    id: numberOf(found.get(ATTRIBUTE.id)),
    tcpState: state === undefined ? null : (TCP_STATES[state] ?? null),
    timeoutSeconds: numberOf(found.get(ATTRIBUTE.timeout)),
    isAssured: (status & STATUS.assured) !== 0,
    hasReply: (status & STATUS.seenReply) !== 0,
    isSourceTranslated: (status & STATUS.sourceNat) !== 0,
    isDestinationTranslated: (status & STATUS.destinationNat) !== 0,
    packets: pairOf(up.get(1), down.get(1)),
    bytes: pairOf(up.get(2), down.get(2)),
  };
}

const EMPTY = Buffer.alloc(0);

function tupleOf(bytes: Buffer | undefined): { protocol: number; tuple: ConntrackTuple } | null {
  if (bytes === undefined) return null;
  const parts = attributes(bytes);
  const ip = attributes(parts.get(1) ?? EMPTY);
  const protocol = attributes(parts.get(2) ?? EMPTY);
  const src = addressOf(ip.get(1) ?? ip.get(3));
  const dst = addressOf(ip.get(2) ?? ip.get(4));
  if (src === null || dst === null) return null;
  const port = (attribute: number) => {
    const value = protocol.get(attribute);
    return value === undefined || value.length < 2 ? 0 : value.readUInt16BE(0);
  };
  return {
    protocol: protocol.get(1)?.[0] ?? 0,
    tuple: { src: { address: src, port: port(2) }, dst: { address: dst, port: port(3) } },
  };
}

function addressOf(bytes: Buffer | undefined): AddressWords | null {
  if (bytes?.length === 4) return [0, 0, 0xffff, bytes.readInt32BE(0)];
  if (bytes?.length !== 16) return null;
  return [bytes.readInt32BE(0), bytes.readInt32BE(4), bytes.readInt32BE(8), bytes.readInt32BE(12)];
}

function numberOf(bytes: Buffer | undefined): number | null {
  return bytes === undefined || bytes.length < 4 ? null : bytes.readUInt32BE(0);
}

function pairOf(up: Buffer | undefined, down: Buffer | undefined): { original: number; reply: number } | null {
  if (up?.length !== 8 || down?.length !== 8) return null;
  return { original: Number(up.readBigUInt64BE(0)), reply: Number(down.readBigUInt64BE(0)) };
}
