import { loadNative } from "./native.ts";
import type { KernelInterface } from "./traffic-control.ts";

/** ENXIO and ENODEV: what if_indextoname(3) says where there is no such interface. */
const NO_SUCH_INTERFACE: ReadonlySet<number> = new Set([6, 19]);
const IF_NAMESIZE = 16;
const LOOK_EVERY_MS = 1000;

/**
 * Notices interfaces that are deleted or moved to another network namespace. By number: one that was renamed is still
 * there, and one that was made anew under the old name carries nothing of ours.
 */
export class InterfaceWatch {
  private readonly present: Map<number, string>;
  private lookedMs = performance.now();

  constructor(interfaces: readonly KernelInterface[]) {
    this.present = new Map(interfaces.map(({ index, name }) => [index, name]));
  }

  get areAllGone(): boolean {
    return this.present.size === 0;
  }

  /** Names of interfaces that went since the last look. Looks once a second, however often it is called. */
  takeGone(): string[] {
    const nowMs = performance.now();
    if (nowMs - this.lookedMs < LOOK_EVERY_MS) return [];
    this.lookedMs = nowMs;
    const gone: string[] = [];
    for (const [index, name] of this.present) {
      if (isThere(index)) continue;
      this.present.delete(index);
      gone.push(name);
    }
    return gone;
  }
}

/** Of the network namespace of the calling thread: /sys may show another one's. */
function isThere(index: number): boolean {
  const { libc, errno } = loadNative();
  // what else can fail, a process out of descriptors, says nothing about the interface
  return libc.ifIndexToName(index, new Uint8Array(IF_NAMESIZE)) !== null || !NO_SUCH_INTERFACE.has(errno());
}
