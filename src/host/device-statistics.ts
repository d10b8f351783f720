import type { Host } from "./host.ts";

/** A line of /proc/net/dev. */
export interface DeviceStatistics {
  name: string;
  receivedBytes: number;
  receivedPackets: number;
  /** Dropped by the driver or for want of a protocol. */
  receiveDrops: number;
  /** The card's ring was full (and, in /proc, missed ones). */
  receiveFifo: number;
  sentBytes: number;
  sentPackets: number;
  sendDrops: number;
}

/** /proc/net/dev (dev_seq_printf_stats): sixteen columns behind `NAME:`. */
export function readDeviceStatistics(host: Host): DeviceStatistics[] {
  return parseDeviceStatistics(host.readText("/proc/net/dev") ?? "");
}

export function parseDeviceStatistics(text: string): DeviceStatistics[] {
  const devices: DeviceStatistics[] = [];
  for (const line of text.split("\n")) {
    const [, name, rest = ""] = /^\s*(\S+):\s*(.*)$/.exec(line) ?? [];
    if (name === undefined) continue;
    const column = rest.trim().split(/\s+/).map(Number);
    if (column.length < 16) continue;
    devices.push({
      name,
      receivedBytes: column[0] ?? 0,
      receivedPackets: column[1] ?? 0,
      receiveDrops: column[3] ?? 0,
      receiveFifo: column[4] ?? 0,
      sentBytes: column[8] ?? 0,
      sentPackets: column[9] ?? 0,
      sendDrops: column[11] ?? 0,
    });
  }
  return devices;
}
