import { statSync } from "node:fs";
import type { ProbeCost } from "../capture/live-source.ts";
import type { BpfMap } from "./bpf-map.ts";
import { HOST_ORDER } from "./event-head.ts";
import { kernelBtf } from "./kernel-btf.ts";
import { openProbe } from "./open-probe.ts";
import type { Probe } from "./probe.ts";

/** Bytes of struct place and struct drops (probes/skbdrop/skbdrop.bpf.c), and where a place has its reason. */
const PLACE_BYTES = 16;
const DROPS_BYTES = 32;
const REASON_AT = 8;
/** The least that a ring buffer can have: no events are told. */
const RING_BYTES = 4096;
const PREFIX = "SKB_DROP_REASON_";
const SUBSYSTEM_PREFIX = "SKB_DROP_REASON_SUBSYS_";
/** SKB_DROP_REASON_SUBSYS_SHIFT: a reason of a subsystem has the subsystem's number above it. */
const SUBSYSTEM_SHIFT = 16;
/** What stands for a reason that the kernel does not give, or has no name for. */
const UNKNOWN = "unknown";

/**
 * The probe `skbdrop` as a counter: what this process's network namespace has dropped since, by reason, and nothing of
 * single packets. A drop costs the kernel a look into a map.
 */
export class DropCounter {
  /** What is not seen on this kernel, a sentence each. */
  readonly notes: readonly string[];
  private readonly probe: Probe<unknown>;
  private readonly map: BpfMap;
  private readonly nameOf: (reason: number) => string;
  private readonly startedNs = process.hrtime.bigint();

  private constructor(probe: Probe<unknown>, nameOf: (reason: number) => string) {
    this.probe = probe;
    this.notes = probe.notes;
    this.map = probe.map("drops");
    this.nameOf = nameOf;
  }

  /** @throws ProbeError in one line, where this host cannot count them */
  static async open(): Promise<DropCounter> {
    const netns = statSync("/proc/self/ns/net").ino;
    const probe = await openProbe("skbdrop", {
      filter: { netns },
      constants: { shown_per_second: 0 },
      ringBytes: RING_BYTES,
    });
    try {
      const btf = kernelBtf();
      return new DropCounter(
        probe,
        dropReasonNames(
          btf.enumNames("skb_drop_reason") ?? new Map(),
          btf.enumNames("skb_drop_reason_subsys") ?? new Map(),
        ),
      );
    } catch (error) {
      probe.close();
      throw error;
    }
  }

  /** Packets dropped so far, by the name of the reason. */
  read(): Map<string, number> {
    const packets = new Map<string, number>();
    const { valuesPerKey } = this.map;
    this.map.readAll((keys, values, count) => {
      const key = new DataView(keys.buffer, keys.byteOffset, count * PLACE_BYTES);
      const value = new DataView(values.buffer, values.byteOffset, count * DROPS_BYTES * valuesPerKey);
      for (let i = 0; i < count; i++) {
        const reason = this.nameOf(key.getUint32(i * PLACE_BYTES + REASON_AT, HOST_ORDER));
        let sum = packets.get(reason) ?? 0;
        for (let cpu = 0; cpu < valuesPerKey; cpu++) {
          sum += Number(value.getBigUint64((i * valuesPerKey + cpu) * DROPS_BYTES, HOST_ORDER));
        }
        packets.set(reason, sum);
      }
    });
    return packets;
  }

  /** @param events drops counted, as `read` has them */
  cost(events: number): ProbeCost {
    const { untracked, missed } = this.probe.counters();
    const { runs, nanoseconds } = this.probe.cost();
    const elapsed = Number(process.hrtime.bigint() - this.startedNs);
    return {
      name: "skbdrop",
      attached: "tp_btf kfree_skb",
      events,
      lost: untracked + missed,
      nanosecondsPerEvent: runs === 0 ? Number.NaN : nanoseconds / runs,
      coreShare: runs === 0 ? Number.NaN : nanoseconds / elapsed,
    };
  }

  close(): void {
    this.probe.close();
  }
}

/**
 * Names of drop reasons from the running kernel's enums, without their prefixes. There are no more of them than the
 * kernel has: a reason of a subsystem (Open vSwitch, mac80211) counts as that subsystem, one without a name as `unknown`.
 */
export function dropReasonNames(
  reasons: ReadonlyMap<number, string>,
  subsystems: ReadonlyMap<number, string>,
): (reason: number) => string {
  const known = new Map([...reasons].map(([number, name]) => [number, name.replace(PREFIX, "")]));
  return (reason) => {
    const name = known.get(reason);
    if (name !== undefined) return name;
    const subsystem = subsystems.get(reason >>> SUBSYSTEM_SHIFT);
    // number 0 is the core, whose reasons have names
    if (subsystem === undefined || reason >>> SUBSYSTEM_SHIFT === 0) return UNKNOWN;
    return subsystem.replace(SUBSYSTEM_PREFIX, "SUBSYS_");
  };
}
