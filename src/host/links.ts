import { networkInterfaces } from "node:os";
import { z } from "zod";
import { type AddressWords, addressText, parseAddress } from "../topology/address.ts";
import type { Host } from "./host.ts";
import { runTool } from "./run-tool.ts";

/** An interface of the network namespace. */
export interface Link {
  name: string;
  isUp: boolean;
  isLoopback: boolean;
  /** False for tunnels and other devices without ARP. */
  hasArp: boolean;
  mtu: number;
  /** rtnetlink's kind: `vxlan`, `ipip`, `bridge`, `veth`; null for hardware and where nobody tells. */
  kind: string | null;
  /** Of a tunnel: the interface its outer packets are tied to. */
  underlay: string | null;
  /** Of a tunnel: both ends of the outer packets, null where any. */
  local: AddressWords | null;
  remote: AddressWords | null;
  /** Receive queues that the driver has room for; null where nobody tells. */
  receiveQueues: number | null;
  addresses: InterfaceAddress[];
}

export interface InterfaceAddress {
  address: AddressWords;
  prefixLength: number;
  /** `global`, `link`, `host`. */
  scope: string;
}

const endText = z.string().nullish();
const linkSchema = z.object({
  ifname: z.string(),
  flags: z.array(z.string()).default([]),
  mtu: z.number().default(0),
  link: endText,
  num_rx_queues: z.number().nullish(),
  linkinfo: z
    .object({
      info_kind: endText,
      info_data: z.object({ local: endText, remote: endText, link: endText }).nullish(),
    })
    .nullish(),
  addr_info: z
    .array(z.object({ local: endText, prefixlen: z.number().default(0), scope: z.string().default("global") }))
    .default([]),
});
const linksSchema = z.array(z.unknown());

/** ARP hardware types of /sys/class/net/IF/type (include/uapi/linux/if_arp.h) and what rtnetlink calls their devices. */
const TUNNEL_TYPES: Readonly<Record<string, string>> = {
  "768": "ipip",
  "769": "ip6tnl",
  "776": "sit",
  "778": "gre",
  "823": "ip6gre",
};

/** Interfaces and addresses, by `ip -json -d address`, else by getifaddrs(3) and /sys (less is known then). */
export function readLinks(host: Host): Link[] {
  const told = host.fact("addresses.json", () => runTool(["ip", "-json", "-details", "address"]));
  if (told !== null) return parseLinks(told);
  const plain = host.fact("interfaces.json", () => JSON.stringify(networkInterfaces()));
  return plain === null ? [] : plainLinks(host, plain);
}

export function parseLinks(json: string): Link[] {
  const links: Link[] = [];
  for (const entry of linksSchema.catch([]).parse(fromJson(json))) {
    // older versions print an empty object for what they leave out
    const parsed = linkSchema.safeParse(entry);
    if (!parsed.success) continue;
    const { ifname, flags, mtu, link, linkinfo, num_rx_queues, addr_info } = parsed.data;
    const ends = linkinfo?.info_data;
    links.push({
      name: ifname,
      isUp: flags.includes("UP"),
      isLoopback: flags.includes("LOOPBACK"),
      hasArp: !flags.includes("NOARP") && !flags.includes("POINTOPOINT") && !flags.includes("LOOPBACK"),
      mtu,
      kind: linkinfo?.info_kind ?? null,
      underlay: ends?.link ?? link ?? null,
      local: endOf(ends?.local),
      remote: endOf(ends?.remote),
      receiveQueues: num_rx_queues ?? null,
      addresses: addr_info.flatMap(({ local, prefixlen, scope }) => {
        const address = parseAddress(local ?? "");
        return address === null ? [] : [{ address, prefixLength: prefixlen, scope }];
      }),
    });
  }
  return links;
}

/** `any` and 0.0.0.0 are no end. */
function endOf(text: string | null | undefined): AddressWords | null {
  const address = parseAddress(text ?? "");
  return address === null || address.every((word, index) => word === 0 || index === 2) ? null : address;
}

const plainSchema = z.record(
  z.string(),
  z.array(z.object({ address: z.string(), cidr: z.string().nullable(), internal: z.boolean() })),
);

/** Those that are up and have addresses: getifaddrs tells no more. */
function plainLinks(host: Host, json: string): Link[] {
  return Object.entries(plainSchema.catch({}).parse(fromJson(json))).map(([name, addresses]) => {
    const type = host.readText(`/sys/class/net/${name}/type`)?.trim() ?? "";
    const kind =
      TUNNEL_TYPES[type] ?? /^DEVTYPE=(\w+)$/m.exec(host.readText(`/sys/class/net/${name}/uevent`) ?? "")?.[1];
    const isLoopback = addresses.some(({ internal }) => internal);
    return {
      name,
      isUp: true,
      isLoopback,
      hasArp: type === "1",
      mtu: Number(host.readText(`/sys/class/net/${name}/mtu`) ?? 0),
      kind: kind ?? null,
      underlay: null,
      local: null,
      remote: null,
      receiveQueues: null,
      addresses: addresses.flatMap(({ address: text, cidr }) => {
        const address = parseAddress(text);
        const isLoopbackAddress = address !== null && addressText(address).startsWith("127.");
        const prefixLength = Number(cidr?.split("/")[1] ?? 32);
        return address === null ? [] : [{ address, prefixLength, scope: isLoopbackAddress ? "host" : "global" }];
      }),
    };
  });
}

/** Any JSON, undefined where the text is none: a tool that was killed half-way. */
export function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
