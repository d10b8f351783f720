import type { BpfMap } from "./bpf-map.ts";
import type { BpfObject } from "./bpf-object.ts";
import type { Native } from "./native.ts";
import { ProbeError } from "./probe-error.ts";

/** Of probes/flowtap/table.h: what a set has in each of the two maps that share their numbers. */
export const FLOW_TABLE_MAPS = ["conversations", "rests"] as const;
const PLACES = 16;
/** Mapped at once: a megabyte, and with processors of 64 KiB pages still whole pages. */
const SETS_AT_ONCE = 512;
const PROT_READ = 1;
const MAP_SHARED = 1;
const MAP_FIXED = 0x10;
const MAP_FAILED = 2n ** 64n - 1n;

/** Sets in which so many conversations have room: a power of two. */
export function setsFor(conversations: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, conversations / PLACES)));
}

/**
 * The flow tap's table of conversations, read from memory shared with the kernel. A part of it is mapped at a time, for
 * all of it would count as this process's.
 */
export class FlowTable {
  private readonly sets: number;
  private readonly setsAtOnce: number;
  private readonly conversations: MapWindow;
  private readonly rests: MapWindow;

  /** @param object that is loaded, and stays so until close() */
  constructor(object: BpfObject) {
    const [conversations, rests] = FLOW_TABLE_MAPS;
    this.sets = object.map(conversations).maxEntries;
    this.setsAtOnce = Math.min(this.sets, SETS_AT_ONCE);
    const window = (map: string) => new MapWindow(object.native, object.map(map), this.setsAtOnce);
    this.conversations = window(conversations);
    this.rests = window(rests);
  }

  /**
   * Hands over all places, used or not, a part at a time.
   *
   * @param onPart gets `count` structs conversation and as many pairs of structs rest. The kernel goes on writing to them,
   *   and they are valid during the call only
   */
  readAll(onPart: (conversations: DataView, rests: DataView, count: number) => void): void {
    for (let from = 0; from < this.sets; from += this.setsAtOnce) {
      onPart(this.conversations.show(from), this.rests.show(from), this.setsAtOnce * PLACES);
    }
  }

  close(): void {
    this.conversations.close();
    this.rests.close();
  }
}

/** Some entries of an array map, where one after another of its parts is mapped to. */
class MapWindow {
  private readonly native: Native;
  private readonly map: BpfMap;
  private readonly lengthBytes: number;
  private opened: { address: bigint; view: DataView } | null = null;

  constructor(native: Native, map: BpfMap, entries: number) {
    this.native = native;
    this.map = map;
    this.lengthBytes = entries * map.valueBytes;
  }

  /** What is at an entry and behind it. @throws ProbeError */
  show(entry: number): DataView {
    const { native, map, lengthBytes, opened } = this;
    const flags = opened === null ? MAP_SHARED : MAP_SHARED | MAP_FIXED;
    const at = opened?.address ?? null;
    const address = BigInt(native.libc.mmap(at, lengthBytes, PROT_READ, flags, map.fd, entry * map.valueBytes));
    if (address === MAP_FAILED) {
      throw new ProbeError(`the kernel's map ${map.name} cannot be mapped (errno ${native.errno()})`);
    }
    this.opened ??= { address, view: new DataView(native.view(address, lengthBytes)) };
    return this.opened.view;
  }

  close(): void {
    if (this.opened !== null) this.native.libc.munmap(this.opened.address, this.lengthBytes);
    this.opened = null;
  }
}
