import type { Host } from "./host.ts";

/** One interrupt and how often each processor served it. */
export interface Interrupt {
  /** `34`, or the kernel's name for one without a number. */
  irq: string;
  /** What asked for it, as the driver calls it: `virtio3-input.0`, `eth0-rx-3`. */
  name: string;
  perCpu: readonly number[];
}

/** /proc/interrupts, numbered ones alone: timers and calls between processors have no device. */
export function readInterrupts(host: Host): Interrupt[] {
  return parseInterrupts(host.readText("/proc/interrupts") ?? "");
}

export function parseInterrupts(text: string): Interrupt[] {
  const [header = "", ...lines] = text.split("\n");
  const cpus = header
    .trim()
    .split(/\s+/)
    .filter((word) => word.startsWith("CPU")).length;
  const found: Interrupt[] = [];
  for (const line of lines) {
    const words = line.trim().split(/\s+/);
    const irq = /^(\d+):$/.exec(words[0] ?? "")?.[1];
    if (irq === undefined || words.length < cpus + 2) continue;
    found.push({ irq, name: words.at(-1) ?? "", perCpu: words.slice(1, cpus + 1).map(Number) });
  }
  return found;
}
