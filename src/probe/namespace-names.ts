import { statSync } from "node:fs";
import { attributes, NetlinkSocket } from "../host/netlink.ts";
import { type AddressWords, addressText } from "../topology/address.ts";
import { listInterfaces } from "./traffic-control.ts";

/** linux/rtnetlink.h, linux/neighbour.h. */
const NETLINK_ROUTE = 0;
const RTM_GETNEIGH = 30;
const NDMSG_BYTES = 12;
const NDA_DST = 1;
const NDA_LLADDR = 2;
/** Tables are read again for a name that is not known, but not more often than this. */
const AGAIN_MS = 1000;

/**
 * Names of interfaces and addresses of neighbours, as this process's network namespace has them. Of other namespaces
 * only numbers are known.
 */
export class NamespaceNames {
  private readonly netns = statSync("/proc/self/ns/net").ino;
  private interfaces = new Map<number, string>();
  private neighbours = new Map<string, string>();
  private readAt = Number.NEGATIVE_INFINITY;

  /** `eth0`; `#3` in another namespace, or where it is gone. */
  interfaceName(netns: number, ifindex: number): string {
    const find = () => this.interfaces.get(ifindex);
    return this.known(netns, find) ?? `#${ifindex}`;
  }

  /** An address that a MAC answers for on an interface; null where none is known. */
  neighbour(netns: number, ifindex: number, mac: string): string | null {
    return this.known(netns, () => this.neighbours.get(`${ifindex} ${mac}`)) ?? null;
  }

  private known(netns: number, find: () => string | undefined): string | undefined {
    if (netns !== this.netns) return undefined;
    const found = find();
    if (found !== undefined || performance.now() - this.readAt < AGAIN_MS) return found;
    this.readAt = performance.now();
    this.interfaces = new Map(listInterfaces().map(({ index, name }) => [index, name]));
    this.neighbours = readNeighbours();
    return find();
  }
}

/** By interface and MAC; the first address where a neighbour has several, IPv4 before IPv6. */
function readNeighbours(): Map<string, string> {
  const found = new Map<string, string>();
  const socket = NetlinkSocket.open(NETLINK_ROUTE);
  if (socket === null) return found;
  try {
    for (const { payload } of socket.dump(RTM_GETNEIGH, Buffer.alloc(NDMSG_BYTES))) {
      const told = attributes(payload, NDMSG_BYTES);
      const address = told.get(NDA_DST);
      const mac = told.get(NDA_LLADDR);
      if (address === undefined || mac?.length !== 6) continue;
      const key = `${payload.readInt32LE(4)} ${macText(mac)}`;
      if (!found.has(key) || address.length === 4) found.set(key, addressText(wordsOf(address)));
    }
  } finally {
    socket.close();
  }
  return found;
}

function wordsOf(address: Buffer): AddressWords {
  if (address.length === 4) return [0, 0, 0xffff, address.readInt32BE(0)];
  return [address.readInt32BE(0), address.readInt32BE(4), address.readInt32BE(8), address.readInt32BE(12)];
}

/** `02:8d:6b:43:5e:01`. */
export function macText(mac: Uint8Array): string {
  return Array.from(mac, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}
