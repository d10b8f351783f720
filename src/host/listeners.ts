import { z } from "zod";
import { type AddressWords, type EndpointWords, endpointText, parseEndpoint } from "../topology/address.ts";
import type { Host } from "./host.ts";
import { fromJson } from "./links.ts";
import { NETLINK_SOCK_DIAG, NetlinkError, NetlinkSocket } from "./netlink.ts";
import { readSockets } from "./socket-table.ts";

/** A TCP socket that listens, and the queue of connections that wait for accept(2). */
export interface Listener {
  local: EndpointWords;
  /** Connections that wait. */
  waiting: number;
  /** How many may wait: the smaller of listen(2)'s backlog and net.core.somaxconn at that time. Null from /proc. */
  backlog: number | null;
}

/** linux/sock_diag.h, linux/inet_diag.h: struct inet_diag_req_v2 and inet_diag_msg. */
const SOCK_DIAG_BY_FAMILY = 20;
const REQUEST_BYTES = 56;
const TCP = 6;
const LISTEN_BIT = 1 << 10;
const FAMILIES = [2, 10] as const;

const keptSchema = z.array(z.object({ local: z.string(), waiting: z.number(), backlog: z.number() }));

/** Listening sockets by sock_diag, as ss(8) does; by /proc/net/tcp and tcp6, which hide the backlog, without koffi. */
export function readListeners(host: Host): Listener[] {
  const told = host.fact("listeners.json", () => {
    const listeners = listenersHere();
    return listeners === null
      ? null
      : JSON.stringify(
          listeners.map((each) => ({ ...each, local: endpointText(each.local) })),
          null,
          1,
        );
  });
  if (told !== null) {
    return keptSchema
      .catch([])
      .parse(fromJson(told))
      .flatMap((each) => {
        const local = parseEndpoint(each.local);
        return local === null ? [] : [{ ...each, local }];
      });
  }
  return (["tcp", "tcp6"] as const).flatMap((name) =>
    [...readSockets(host, name)]
      .filter(({ state }) => state === "LISTEN")
      .map(({ local, receiveQueue }) => ({ local, waiting: receiveQueue, backlog: null })),
  );
}

function listenersHere(): Listener[] | null {
  try {
    const socket = NetlinkSocket.open(NETLINK_SOCK_DIAG);
    if (socket === null) return null;
    try {
      return FAMILIES.flatMap((family) => {
        const request = Buffer.alloc(REQUEST_BYTES);
        request.writeUInt8(family, 0);
        request.writeUInt8(TCP, 1);
        request.writeUInt32LE(LISTEN_BIT, 4);
        const found: Listener[] = [];
        // one by one: the next message may lie where this one lay
        for (const { payload } of socket.dump(SOCK_DIAG_BY_FAMILY, request)) found.push(parseListener(payload));
        return found;
      });
    } finally {
      socket.close();
    }
  } catch (error) {
    // a kernel without inet_diag
    if (error instanceof NetlinkError) return null;
    throw error;
  }
}

/** struct inet_diag_msg: of a listener, rqueue is what waits and wqueue is sk_max_ack_backlog (inet_diag_msg_attrs_fill). */
export function parseListener(payload: Buffer): Listener {
  const isV4 = payload.readUInt8(0) === 2;
  const word = (index: number) => payload.readInt32BE(8 + 4 * index);
  const address: AddressWords = isV4 ? [0, 0, 0xffff, word(0)] : [word(0), word(1), word(2), word(3)];
  return {
    local: { address, port: payload.readUInt16BE(4) },
    waiting: payload.readUInt32LE(56),
    backlog: payload.readUInt32LE(60),
  };
}
