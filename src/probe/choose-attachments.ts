import type { Attachment, KernelFacts, Slot } from "./manifest.ts";

export interface Choice {
  /** Programs to load and attach. */
  chosen: readonly Attachment[];
  /** What will not be seen, a sentence each. */
  notes: readonly string[];
  /** Slots that must be filled and cannot be. */
  missing: readonly Slot[];
}

/**
 * Picks for each slot the first alternative that the kernel offers.
 *
 * @param refused programs that were tried and that the kernel did not take
 */
export function chooseAttachments(
  slots: readonly Slot[],
  kernel: KernelFacts,
  refused: ReadonlySet<string> = new Set(),
): Choice {
  const chosen: Attachment[] = [];
  // a set: two slots may lack the same
  const notes = new Set<string>();
  const missing: Slot[] = [];
  for (const slot of slots) {
    if (slot.isNeedless?.(kernel) === true) continue;
    const found = slot.alternatives.find((each) => !refused.has(each.program) && isOffered(each, kernel));
    if (found !== undefined) {
      chosen.push(found);
      if (found.lacks !== undefined) notes.add(found.lacks);
    } else if (slot.without !== undefined) notes.add(slot.without);
    else missing.push(slot);
  }
  return { chosen, notes: [...notes], missing };
}

/** Whether the kernel has what it attaches to; that it also lets us is only known by trying. */
function isOffered({ kind, target, minArguments = 0 }: Attachment, kernel: KernelFacts): boolean {
  switch (kind) {
    case "tp_btf":
    case "raw_tp":
    case "tp": {
      const count = kernel.tracepointArguments(target);
      return count !== null && count >= minArguments;
    }
    case "fentry":
    case "fexit":
      return kernel.hasFunction(target);
    case "kprobe":
    case "kretprobe":
      return kernel.hasKprobes && kernel.hasFunction(target);
  }
}
