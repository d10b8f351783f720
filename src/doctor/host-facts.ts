import type { Host } from "../host/host.ts";
import { type IpvsTable, readIpvsTable } from "../host/ipvs-table.ts";
import { type Link, readLinks } from "../host/links.ts";
import { type Listener, readListeners } from "../host/listeners.ts";
import { type PacketRules, readPacketRules } from "../host/packet-rules.ts";
import { type Namespaces, readNamespaces, readProcessNames } from "../host/processes.ts";
import { type NextHopGroup, type Route, readNextHopGroups, readRoutes } from "../host/routes.ts";
import { interfaceSysctl, sysctlNumber, sysctlText } from "../host/sysctl.ts";
import type { Count, CountedSince } from "./count.ts";
import { type CounterSample, sampleCounters } from "./counter-sample.ts";

/** Everything that checks ask of a host, each read once, when first asked. */
export class HostFacts {
  readonly host: Host;
  readonly #earlier: CounterSample | null;
  readonly #kept = new Map<string, unknown>();

  /** @param earlier counters of some time ago, where the host is watched. */
  constructor(host: Host, earlier: CounterSample | null = null) {
    this.host = host;
    this.#earlier = earlier;
  }

  get links(): readonly Link[] {
    return this.#once("links", () => readLinks(this.host));
  }

  /** Those that are up and lead somewhere. */
  get wires(): readonly Link[] {
    return this.links.filter(({ isUp, isLoopback, kind }) => isUp && !isLoopback && kind !== "dummy" && kind !== "ifb");
  }

  get routes(): readonly Route[] | null {
    return this.#once("routes", () => readRoutes(this.host));
  }

  get nextHopGroups(): readonly NextHopGroup[] {
    return this.#once("nextHopGroups", () => readNextHopGroups(this.host));
  }

  get ipvs(): IpvsTable | null {
    return this.#once("ipvs", () => readIpvsTable(this.host));
  }

  get rules(): PacketRules | null {
    return this.#once("rules", () => readPacketRules(this.host));
  }

  get listeners(): readonly Listener[] {
    return this.#once("listeners", () => readListeners(this.host));
  }

  get processes(): ReadonlySet<string> {
    return this.#once("processes", () => readProcessNames(this.host));
  }

  get namespaces(): Namespaces {
    return this.#once("namespaces", () => readNamespaces(this.host));
  }

  get now(): CounterSample {
    return this.#once("counters", () => sampleCounters(this.host));
  }

  /** `[6, 1]` of `6.1.0-50-amd64`; null where it cannot be read. */
  get kernel(): readonly [number, number] | null {
    const [, major, minor] = /^(\d+)\.(\d+)/.exec(this.kernelRelease ?? "") ?? [];
    return major === undefined ? null : [Number(major), Number(minor)];
  }

  get kernelRelease(): string | null {
    return this.#once("release", () => this.host.readText("/proc/sys/kernel/osrelease")?.trim() ?? null);
  }

  /** Null where the release cannot be read. */
  isKernelAtLeast(major: number, minor: number): boolean | null {
    const { kernel } = this;
    return kernel === null ? null : kernel[0] > major || (kernel[0] === major && kernel[1] >= minor);
  }

  sysctlText(name: string): string | null {
    return this.#once(`text ${name}`, () => sysctlText(this.host, name));
  }

  /** A sysctl that is one number; null where this kernel has none, or it is none. */
  sysctl(name: string): number | null {
    return this.#once(`sysctl ${name}`, () => sysctlNumber(this.host, name));
  }

  /**
   * A sysctl of an interface and the one of `all`, by the larger of which the kernel goes for rp_filter, arp_ignore and
   * arp_announce (IN_DEV_MAXCONF in include/linux/inetdevice.h). Null where there is none.
   */
  effective(iface: string, name: "rp_filter" | "arp_ignore" | "arp_announce"): number | null {
    const own = this.sysctl(interfaceSysctl(iface, name));
    const all = this.sysctl(`net.ipv4.conf.all.${name}`);
    return own === null || all === null ? null : Math.max(own, all);
  }

  get since(): CountedSince {
    const then = this.#earlier?.uptimeSeconds ?? null;
    const { uptimeSeconds } = this.now;
    return { uptimeSeconds, watchedSeconds: then === null || uptimeSeconds === null ? null : uptimeSeconds - then };
  }

  /** A counter, `read` from a sample; null where this kernel does not count that. */
  count(read: (sample: CounterSample) => number | undefined): Count | null {
    const total = read(this.now);
    if (total === undefined) return null;
    const then = this.#earlier === null ? undefined : read(this.#earlier);
    return { total, grown: then === undefined ? null : Math.max(0, total - then) };
  }

  /** `Ip.InReceives`, `TcpExt.ListenOverflows`; 0 where this kernel does not count that. */
  counter(name: string): Count {
    return this.count(({ counters }) => counters.get(name) ?? 0) ?? { total: 0, grown: null };
  }

  #once<T>(name: string, read: () => T): T {
    if (!this.#kept.has(name)) this.#kept.set(name, read());
    return this.#kept.get(name) as T;
  }
}
