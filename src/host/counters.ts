import type { Host } from "./host.ts";

/** Counters by the kernel's names with their group: `TcpExt.ListenOverflows`, `Ip.InReceives`. */
export type Counters = ReadonlyMap<string, number>;

/**
 * /proc/net/snmp and /proc/net/netstat (RFC 1213 and Linux's own counters), since the network namespace was made. Each
 * group is two lines: names, then numbers. Groups of other versions are taken as they come.
 */
export function readCounters(host: Host): Counters {
  const counters = new Map<string, number>();
  for (const path of ["/proc/net/snmp", "/proc/net/netstat"]) {
    for (const [name, value] of parseCounters(host.readText(path) ?? "")) counters.set(name, value);
  }
  return counters;
}

export function parseCounters(text: string): Counters {
  const counters = new Map<string, number>();
  const lines = text.split("\n");
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const [group = "", ...names] = (lines[i] ?? "").split(/\s+/);
    const [again = "", ...values] = (lines[i + 1] ?? "").split(/\s+/);
    if (!group.endsWith(":") || group !== again) continue;
    names.forEach((name, index) => {
      const value = Number(values[index] ?? Number.NaN);
      if (name !== "" && !Number.isNaN(value)) counters.set(`${group.slice(0, -1)}.${name}`, value);
    });
  }
  return counters;
}

/** /proc/net/snmp6: `Ip6InReceives 128`, a counter a line. */
export function readCounters6(host: Host): Counters {
  const lines = (host.readText("/proc/net/snmp6") ?? "").matchAll(/^(\w+)\s+(\d+)$/gm);
  return new Map([...lines].map(([, name = "", value]) => [name, Number(value)]));
}

/**
 * A file of /proc/net/stat: a line of names, then one of hexadecimal numbers per processor.
 *
 * @returns each column's sum over processors; null where the file is absent.
 */
export function readPerCpuCounters(host: Host, name: "nf_conntrack" | "rt_cache"): Counters | null {
  const text = host.readText(`/proc/net/stat/${name}`);
  return text === null ? null : parsePerCpuCounters(text);
}

export function parsePerCpuCounters(text: string): Counters {
  const [header = "", ...lines] = text.trim().split("\n");
  const names = header.trim().split(/\s+/);
  const sums = new Map<string, number>(names.filter((name) => name !== "").map((name) => [name, 0]));
  for (const line of lines) {
    const words = line.trim().split(/\s+/);
    names.forEach((name, index) => {
      const value = Number.parseInt(words[index] ?? "", 16);
      if (!Number.isNaN(value)) sums.set(name, (sums.get(name) ?? 0) + value);
    });
  }
  return sums;
}

/** Seconds since boot; null where it cannot be read. */
export function readUptimeSeconds(host: Host): number | null {
  const seconds = Number.parseFloat(host.readText("/proc/uptime") ?? "");
  return Number.isNaN(seconds) ? null : seconds;
}
