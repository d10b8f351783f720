import { readInterrupts } from "../host/interrupts.ts";
import { formatCount, formatShare } from "../report/format-quantity.ts";
import { type Check, fine, SILENT, told } from "./check.ts";
import { type Count, countText, isMany } from "./count.ts";
import type { CounterSample } from "./counter-sample.ts";
import type { HostFacts } from "./host-facts.ts";

/** With fewer processors there is little to share out, and with fewer packets none is needed. */
const FEWEST_CPUS = 4;
const FEWEST_PACKETS = 10_000_000;
const UNEVEN_SHARE = 0.7;

/** Packets on their way from the card to the kernel: counters of the whole host, whatever the namespace. */
export const RECEIVE: readonly Check[] = [
  {
    id: "receive.softnet-drops",
    look(facts) {
      const processed = softnet(facts, "processed");
      const dropped = softnet(facts, "dropped");
      if (processed === null || dropped === null) return SILENT;
      const seen = {
        dropped: dropped.total,
        processed: processed.total,
        "net.core.netdev_max_backlog": facts.sysctl("net.core.netdev_max_backlog"),
      };
      if (!isMany(dropped, processed, { atLeast: 100, share: 1e-5 }))
        return fine("processors drop no packets before they look at them", seen);
      return told("warning", {
        title: `processors dropped packets unseen: ${countText(dropped, processed, facts.since)}`,
        seen,
        why: "The queue of one processor was full: packets of all VIPs are lost at once, new connections and health checks with them.",
        remedy: [
          "sysctl -w net.core.netdev_max_backlog=10000",
          "share the load: more receive queues (ethtool -L), or RPS (/sys/class/net/IF/queues/rx-0/rps_cpus)",
        ],
      });
    },
  },
  {
    id: "receive.time-squeeze",
    look(facts) {
      const processed = softnet(facts, "processed");
      const squeezed = softnet(facts, "timeSqueezed");
      if (processed === null || squeezed === null) return SILENT;
      const seen = {
        time_squeeze: squeezed.total,
        processed: processed.total,
        "net.core.netdev_budget": facts.sysctl("net.core.netdev_budget"),
      };
      // each time, a budget's worth (300 packets) had been handled
      if (!isMany(squeezed, processed, { atLeast: 1000, share: 1e-3 }))
        return fine("processors keep up with what comes in", seen);
      return told("info", {
        title: `processors ran out of budget with packets waiting ${countText(squeezed, null, facts.since)}`,
        seen,
        why: "Packets wait in the card for their turn: latency first, and drops when the ring is full.",
        remedy: ["sysctl -w net.core.netdev_budget=600 net.core.netdev_budget_usecs=8000"],
      });
    },
  },
  {
    id: "receive.ring-drops",
    look(facts) {
      const wires = new Set(facts.wires.map(({ name }) => name));
      const received = facts.count(({ devices }) =>
        sumOf(
          devices.filter(({ name }) => wires.has(name)),
          (each) => each.receivedPackets,
        ),
      );
      const worst = facts.now.devices
        .filter(({ name }) => wires.has(name))
        .sort((a, b) => b.receiveFifo - a.receiveFifo)[0];
      if (received === null || worst === undefined) return SILENT;
      const lost: Count = facts.count(
        ({ devices }) => devices.find(({ name }) => name === worst.name)?.receiveFifo,
      ) ?? { total: 0, grown: null };
      const seen = { [`rx_fifo_errors of ${worst.name}`]: lost.total };
      if (!isMany(lost, received, { atLeast: 100, share: 1e-5 })) return fine("cards had room for what came in", seen);
      return told("warning", {
        title: `${worst.name}'s ring was full: ${countText(lost, null, facts.since)} packets lost`,
        seen,
        why: "The card had nowhere to put packets: bursts lose SYNs and health checks before any software sees them.",
        remedy: [`ethtool -g ${worst.name}; ethtool -G ${worst.name} rx 4096`],
      });
    },
  },
  {
    id: "receive.imbalance",
    look(facts) {
      const cpus = facts.now.softnet.map(({ cpu }) => ({
        cpu,
        count: facts.count(({ softnet }) => softnet.find((each) => each.cpu === cpu)?.processed) ?? {
          total: 0,
          grown: null,
        },
      }));
      const loads = cpus.map(({ cpu, count }) => ({ cpu, packets: count.grown ?? count.total }));
      const all = sumOf(loads, ({ packets }) => packets);
      const worst = [...loads].sort((a, b) => b.packets - a.packets)[0];
      if (worst === undefined || loads.length < FEWEST_CPUS || all < FEWEST_PACKETS) return SILENT;
      const seen = { [`processor ${worst.cpu}`]: worst.packets, "all processors": all, processors: loads.length };
      if (worst.packets < UNEVEN_SHARE * all) return fine(`${loads.length} processors share incoming packets`, seen);
      const irqs = readInterrupts(facts.host)
        .filter(({ name }) => facts.wires.some((link) => name.startsWith(link.name)) || /^virtio\d+-input/.test(name))
        .filter(({ perCpu }) => (perCpu[worst.cpu] ?? 0) > 0)
        .map(({ irq, name }) => `${irq} (${name})`);
      return told("warning", {
        title: `processor ${worst.cpu} handles ${formatShare(worst.packets, all)} of incoming packets (${formatCount(loads.length)} processors)`,
        seen,
        why: "One processor is the whole balancer's limit: it drops while the others idle, and averages of load do not show it.",
        remedy: [
          `ethtool -l IF   # more queues: ethtool -L IF combined ${loads.length}`,
          irqs.length === 0
            ? "see /proc/interrupts for where queues are served"
            : `move queues: interrupts ${irqs.slice(0, 6).join(", ")} to other processors (/proc/irq/N/smp_affinity_list)`,
          "with one queue: RPS, echo ff > /sys/class/net/IF/queues/rx-0/rps_cpus",
        ],
      });
    },
  },
];

function softnet(facts: HostFacts, name: "processed" | "dropped" | "timeSqueezed"): Count | null {
  return facts.count((sample: CounterSample) =>
    sample.softnet.length === 0 ? undefined : sumOf(sample.softnet, (cpu) => cpu[name]),
  );
}

function sumOf<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((sum, item) => sum + value(item), 0);
}
