import { linuxMultipathHash, linuxMultipathSteps } from "../selection/linux-multipath.ts";
import { type ResilientOptions, resilient } from "../selection/resilient.ts";
import { changeMembers, newResilientTable, type ResilientTable } from "../selection/resilient-table.ts";
import type { FlowKey, HashBackend, Selection } from "../selection/selection.ts";
import { backendStep, step } from "../selection/step-text.ts";

/** A resilient next-hop group through changes of its members: its buckets depend on what it was before. */
export class ResilientGroup {
  private readonly options: ResilientOptions;
  private table: ResilientTable;

  /** @throws RangeError where the kernel refuses such a group */
  constructor(backends: readonly HashBackend[], options: Partial<ResilientOptions>) {
    this.options = { ...resilient.defaults, ...options };
    this.table = newResilientTable(membersOf(backends), this.options.buckets);
  }

  /** @param isBusy every bucket has packets all the time, so that none moves whose member stays */
  change(backends: readonly HashBackend[], isBusy: boolean): void {
    const timers = { idleSeconds: isBusy ? 1 : 0, unbalancedSeconds: 0 };
    this.table = changeMembers(this.table, membersOf(backends), timers, 0, () => 0);
  }

  /** As the buckets lie now. */
  selection(backends: readonly HashBackend[]): Selection {
    const { buckets } = this.table;
    const hash = linuxMultipathHash(this.options);
    const slot = (key: FlowKey): number => hash(key) % buckets.length;
    return {
      select: (key) => buckets[slot(key)]!,
      explain: (key) => {
        const backend = buckets[slot(key)]!;
        const steps = linuxMultipathSteps(key, this.options, hash(key));
        return {
          backend,
          steps: [...steps, step("slot", `bucket ${slot(key)} of ${buckets.length}`), backendStep(backends, backend)],
        };
      },
    };
  }
}

function membersOf(backends: readonly HashBackend[]) {
  return backends.map(({ name, weight }) => ({ id: name, weight }));
}
