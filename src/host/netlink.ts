import { type Libc, openLibc } from "./libc.ts";

/** Of linux/netlink.h and bits/socket.h, the same on all of Linux's architectures that Node runs on. */
const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const SO_RCVBUF = 8;
const MSG_DONTWAIT = 0x40;
const NLM_F_REQUEST = 1;
const NLM_F_DUMP = 0x300;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const HEADER_BYTES = 16;
const RECEIVE_TIMEOUT_SECONDS = 5;
const EAGAIN = 11;
const EINTR = 4;
const ENOBUFS = 105;

export const NETLINK_SOCK_DIAG = 4;
export const NETLINK_NETFILTER = 12;

export interface NetlinkMessage {
  type: number;
  flags: number;
  /** Behind the header; valid until the next message is asked for. */
  payload: Buffer;
}

/** The kernel refused, or the socket could not be opened; errno tells why (1 EPERM, 2 ENOENT, 95 EOPNOTSUPP). */
export class NetlinkError extends Error {
  override readonly name: string = "NetlinkError";
  readonly errno: number;

  constructor(what: string, errno: number) {
    super(`netlink: ${what} failed with errno ${errno}`);
    this.errno = errno;
  }
}

/** A netlink socket (RFC 3549) by way of the C library. To be closed. */
export class NetlinkSocket {
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #buffer: Buffer = Buffer.alloc(1 << 18);

  private constructor(libc: Libc, fd: number) {
    this.#libc = libc;
    this.#fd = fd;
  }

  /**
   * @param groups bits of the multicast groups to hear.
   * @returns null without koffi. @throws NetlinkError where the kernel refuses.
   */
  static open(family: number, groups = 0): NetlinkSocket | null {
    const libc = openLibc();
    if (libc === null) return null;
    const fd = libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, family);
    if (fd < 0) throw new NetlinkError("socket", libc.errno());
    const socket = new NetlinkSocket(libc, fd);
    const timeout = Buffer.alloc(16);
    timeout.writeBigInt64LE(BigInt(RECEIVE_TIMEOUT_SECONDS), 0);
    libc.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timeout, timeout.length);
    const address = Buffer.alloc(12);
    address.writeUInt16LE(AF_NETLINK, 0);
    address.writeUInt32LE(groups, 8);
    if (libc.bind(fd, address, address.length) < 0) {
      const errno = libc.errno();
      socket.close();
      throw new NetlinkError("bind", errno);
    }
    return socket;
  }

  /** Asks for a table and hands over its entries one by one. @throws NetlinkError */
  *dump(type: number, request: Buffer): Generator<NetlinkMessage> {
    const message = Buffer.alloc(HEADER_BYTES + request.length);
    message.writeUInt32LE(message.length, 0);
    message.writeUInt16LE(type, 4);
    message.writeUInt16LE(NLM_F_REQUEST | NLM_F_DUMP, 6);
    message.writeUInt32LE(1, 8);
    request.copy(message, HEADER_BYTES);
    if (this.#libc.send(this.#fd, message, message.length, 0) < 0) throw new NetlinkError("send", this.#libc.errno());
    for (;;) {
      const length = this.#libc.recv(this.#fd, this.#buffer, this.#buffer.length, 0);
      if (length < 0) {
        const errno = this.#libc.errno();
        if (errno === EINTR) continue;
        throw new NetlinkError("recv", errno);
      }
      for (const each of messages(this.#buffer.subarray(0, length))) {
        if (each.type === NLMSG_DONE) return;
        if (each.type === NLMSG_ERROR) throw new NetlinkError("dump", -each.payload.readInt32LE(0));
        yield each;
      }
    }
  }

  /** Room for what comes between two calls of `pending`; the kernel takes twice what it is asked for. */
  setReceiveBuffer(bytes: number): void {
    const value = Buffer.alloc(4);
    value.writeInt32LE(bytes, 0);
    this.#libc.setsockopt(this.#fd, SOL_SOCKET, SO_RCVBUF, value, value.length);
  }

  /**
   * The events that have come since the last call, without waiting.
   *
   * @param onLost called where the kernel had to drop some for want of room.
   */
  *pending(onLost: () => void): Generator<NetlinkMessage> {
    for (;;) {
      const length = this.#libc.recv(this.#fd, this.#buffer, this.#buffer.length, MSG_DONTWAIT);
      if (length < 0) {
        const errno = this.#libc.errno();
        if (errno === EAGAIN) return;
        if (errno === ENOBUFS) onLost();
        else if (errno !== EINTR) throw new NetlinkError("recv", errno);
        continue;
      }
      yield* messages(this.#buffer.subarray(0, length));
    }
  }

  close(): void {
    this.#libc.close(this.#fd);
  }
}

function* messages(bytes: Buffer): Generator<NetlinkMessage> {
  for (let at = 0; at + HEADER_BYTES <= bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    if (length < HEADER_BYTES || at + length > bytes.length) return;
    yield {
      type: bytes.readUInt16LE(at + 4),
      flags: bytes.readUInt16LE(at + 6),
      payload: bytes.subarray(at + HEADER_BYTES, at + length),
    };
    at += (length + 3) & ~3;
  }
}

/** Attributes (struct nlattr) from a place on, by their type without the flags for nesting and byte order. */
export function attributes(bytes: Buffer, from = 0): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = from; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt16LE(at);
    if (length < 4 || at + length > bytes.length) break;
    found.set(bytes.readUInt16LE(at + 2) & 0x3fff, bytes.subarray(at + 4, at + length));
    at += (length + 3) & ~3;
  }
  return found;
}
