import { type Counters, readCounters, readPerCpuCounters, readUptimeSeconds } from "../host/counters.ts";
import { type DeviceStatistics, readDeviceStatistics } from "../host/device-statistics.ts";
import type { Host } from "../host/host.ts";
import { readSoftnet, type SoftnetCpu } from "../host/softnet.ts";

/** All counters of a host at one time, so that two of them tell what happened in between. */
export interface CounterSample {
  uptimeSeconds: number | null;
  counters: Counters;
  conntrack: Counters | null;
  routing: Counters | null;
  softnet: readonly SoftnetCpu[];
  devices: readonly DeviceStatistics[];
}

export function sampleCounters(host: Host): CounterSample {
  return {
    uptimeSeconds: readUptimeSeconds(host),
    counters: readCounters(host),
    conntrack: readPerCpuCounters(host, "nf_conntrack"),
    routing: readPerCpuCounters(host, "rt_cache"),
    softnet: readSoftnet(host),
    devices: readDeviceStatistics(host),
  };
}
