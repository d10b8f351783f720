import type { Host } from "../../src/host/host.ts";

/** What a made-up host says, over what an idle server with one interface says. */
export interface Said {
  /** By the names sysctl(8) takes; an undefined one does not exist. */
  sysctls?: Record<string, number | string | undefined>;
  /** By absolute path. */
  files?: Record<string, string>;
  facts?: Record<string, unknown>;
}

const SYSCTLS: Record<string, number | string> = {
  "kernel.osrelease": "6.1.0-50-amd64",
  "kernel.hostname": "h1",
  "net.core.somaxconn": 4096,
  "net.core.netdev_budget": 300,
  "net.core.netdev_max_backlog": 1000,
  "net.ipv4.ip_forward": 0,
  "net.ipv4.ip_local_port_range": "32768\t60999",
  "net.ipv4.ip_local_reserved_ports": "",
  "net.ipv4.tcp_abort_on_overflow": 0,
  "net.ipv4.tcp_max_syn_backlog": 512,
  "net.ipv4.tcp_syncookies": 1,
  "net.ipv4.tcp_timestamps": 1,
  "net.ipv4.tcp_tw_reuse": 2,
  "net.ipv4.fib_multipath_hash_policy": 0,
  ...Object.fromEntries(
    ["all", "lo", "eth0"].flatMap((name) =>
      ["rp_filter", "arp_ignore", "arp_announce", "send_redirects", "forwarding"].map((sysctl) => [
        `net.ipv4.conf.${name}.${sysctl}`,
        0,
      ]),
    ),
  ),
};

/** As `ip -json -details address` prints a link. */
export function link(name: string, addresses: readonly string[], more: Record<string, unknown> = {}) {
  return {
    ifname: name,
    flags: name === "lo" ? ["LOOPBACK", "UP"] : ["BROADCAST", "MULTICAST", "UP", "LOWER_UP"],
    mtu: name === "lo" ? 65_536 : 1500,
    addr_info: addresses.map((text) => {
      const [local = "", prefixlen = "32"] = text.split("/");
      return { local, prefixlen: Number(prefixlen), scope: local.startsWith("127.") ? "host" : "global" };
    }),
    ...more,
  };
}

export const DEFAULT_ROUTE = { type: "unicast", dst: "default", gateway: "10.2.0.254", dev: "eth0", table: "main" };

const FACTS: Record<string, unknown> = {
  "addresses.json": [link("lo", ["127.0.0.1/8"]), link("eth0", ["10.2.0.11/24"])],
  "routes4.json": [DEFAULT_ROUTE],
  "routes6.json": [],
  "nexthops.json": [],
  "listeners.json": [],
  "processes.json": [],
  "nft.json": { nftables: [] },
  "iptables.txt": "",
};

/** A host made up of what it says. */
export function fakeHost({ sysctls = {}, files = {}, facts = {} }: Said = {}): Host {
  const texts = new Map<string, string>([["/proc/uptime", "864000.50 1.00\n"]]);
  for (const [name, value] of Object.entries({ ...SYSCTLS, ...sysctls })) {
    if (value !== undefined) texts.set(`/proc/sys/${name.replaceAll(".", "/")}`, `${value}\n`);
  }
  for (const [path, text] of Object.entries(files)) texts.set(path, text);
  const told: Record<string, unknown> = { ...FACTS, ...facts };
  return {
    isLive: false,
    readText: (path) => texts.get(path) ?? null,
    fact: (name) => {
      const fact = told[name];
      return fact === undefined || fact === null ? null : typeof fact === "string" ? fact : JSON.stringify(fact);
    },
  };
}

/** /proc/net/netstat and snmp with the given counters alone: `{ "TcpExt.ListenDrops": 5 }`. */
export function counterFiles(counters: Record<string, number>): Record<string, string> {
  const groups = new Map<string, [string, number][]>();
  for (const [key, value] of Object.entries(counters)) {
    const [group = "", name = ""] = key.split(".");
    groups.set(group, [...(groups.get(group) ?? []), [name, value]]);
  }
  const lines = [...groups].map(
    ([group, pairs]) =>
      `${group}: ${pairs.map(([name]) => name).join(" ")}\n${group}: ${pairs.map(([, value]) => value).join(" ")}\n`,
  );
  return { "/proc/net/netstat": lines.join("") };
}
