import type { Host } from "./host.ts";

/** One processor's line of /proc/net/softnet_stat: the whole host's, whatever the network namespace. */
export interface SoftnetCpu {
  cpu: number;
  /** Packets taken off the queues. */
  processed: number;
  /** Packets dropped because the backlog was full (net.core.netdev_max_backlog). */
  dropped: number;
  /** Times that net_rx_action ran out of budget with work left. */
  timeSqueezed: number;
  /** Packets that another processor handed over (RPS). */
  receivedRps: number;
}

/** /proc/net/softnet_stat (net/core/net-procfs.c): hexadecimal columns, a line per processor that is on. */
export function readSoftnet(host: Host): SoftnetCpu[] {
  return parseSoftnet(host.readText("/proc/net/softnet_stat") ?? "");
}

export function parseSoftnet(text: string): SoftnetCpu[] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line, index) => {
      const column = line
        .trim()
        .split(/\s+/)
        .map((word) => Number.parseInt(word, 16));
      return {
        // kernels before 5.10 do not say which processor; lines are those that are on, in order
        cpu: column[12] ?? index,
        processed: column[0] ?? 0,
        dropped: column[1] ?? 0,
        timeSqueezed: column[2] ?? 0,
        receivedRps: column[9] ?? 0,
      };
    });
}
