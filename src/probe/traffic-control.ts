import { attributes, NetlinkSocket } from "../host/netlink.ts";
import { ProbeError } from "./probe-error.ts";

/** linux/netlink.h, linux/rtnetlink.h, linux/if_link.h, linux/pkt_sched.h, linux/pkt_cls.h. */
const NETLINK_ROUTE = 0;
const RTM_GETLINK = 18;
const RTM_GETQDISC = 38;
const RTM_GETTFILTER = 46;
const IFLA_IFNAME = 3;
const TCA_KIND = 1;
const TCA_OPTIONS = 2;
const TCA_BPF_NAME = 7;
const TCA_BPF_ID = 11;
/** The parents that clsact's two sides have. */
const PARENTS = { ingress: 0xfffffff2, egress: 0xfffffff3 } as const;
const IFINFO_BYTES = 16;
const TCMSG_BYTES = 20;

export type TcSide = keyof typeof PARENTS;

/** A network interface of this process's network namespace. */
export interface KernelInterface {
  index: number;
  name: string;
  /** ARPHRD_ number (linux/if_arp.h). */
  hardware: number;
}

/** A classifier of any kind, anyone's. */
export interface TcFilter {
  ifindex: number;
  side: TcSide;
  /** `bpf`, `u32`, `flower`. */
  kind: string;
  priority: number;
  handle: number;
  /** What is told of a BPF program: the name that its loader gave it, and its number. */
  programName: string | null;
  programId: number | null;
}

export function listInterfaces(): KernelInterface[] {
  return dump(RTM_GETLINK, Buffer.alloc(IFINFO_BYTES), (payload) => ({
    hardware: payload.readUInt16LE(2),
    index: payload.readInt32LE(4),
    name: text(attributes(payload, IFINFO_BYTES).get(IFLA_IFNAME)) ?? "",
  }));
}

/** The interfaces that have a queueing discipline where classifiers can be put: `clsact`, or `ingress` for one side. */
export function listHooks(): { ifindex: number; kind: string }[] {
  return dump(RTM_GETQDISC, Buffer.alloc(TCMSG_BYTES), (payload) => ({
    ifindex: payload.readInt32LE(4),
    kind: text(attributes(payload, TCMSG_BYTES).get(TCA_KIND)) ?? "",
  })).filter(({ kind }) => kind === "clsact" || kind === "ingress");
}

/** All classifiers of both sides of an interface, in the order in which the kernel asks them. */
export function listFilters(ifindex: number): TcFilter[] {
  return (["ingress", "egress"] as const).flatMap((side) => {
    const request = Buffer.alloc(TCMSG_BYTES);
    request.writeInt32LE(ifindex, 4);
    request.writeUInt32LE(PARENTS[side], 12);
    const filters = dump(RTM_GETTFILTER, request, (payload) => {
      const found = attributes(payload, TCMSG_BYTES);
      const options = attributes(found.get(TCA_OPTIONS) ?? Buffer.alloc(0));
      const kind = text(found.get(TCA_KIND)) ?? "";
      const isBpf = kind === "bpf";
      return {
        ifindex: payload.readInt32LE(4),
        side,
        kind,
        handle: payload.readUInt32LE(8),
        // struct tcmsg's tcm_info: priority and protocol
        priority: payload.readUInt32LE(16) >>> 16,
        programName: isBpf ? text(options.get(TCA_BPF_NAME)) : null,
        programId: isBpf ? (options.get(TCA_BPF_ID)?.readUInt32LE(0) ?? null) : null,
      };
    });
    // each kind tells of itself once more, without a handle
    return filters.filter((each) => each.ifindex === ifindex && each.handle !== 0);
  });
}

/** @throws NetlinkError where the kernel refuses */
function dump<T>(type: number, request: Buffer, read: (payload: Buffer) => T): T[] {
  const socket = NetlinkSocket.open(NETLINK_ROUTE);
  if (socket === null) throw new ProbeError("probes need the optional package koffi; npm install koffi");
  try {
    return Array.from(socket.dump(type, request), ({ payload }) => read(payload));
  } finally {
    socket.close();
  }
}

function text(bytes: Buffer | undefined): string | null {
  return bytes === undefined ? null : bytes.toString("utf8").replace(/\0.*$/s, "");
}
