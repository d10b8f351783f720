import { isMainThread } from "node:worker_threads";
import { forgetClsact, forgetGoneNamespaces, isOwnClsact, recordClsact, recordedClsacts } from "./clsact-record.ts";
import { errnoName } from "./errno-name.ts";
import { HOST_ORDER } from "./event-head.ts";
import { requireHost } from "./host-check.ts";
import { endLog, loadNative } from "./native.ts";
import { ProbeError } from "./probe-error.ts";
import { announceLife, handleOf, livingMarks, markOf, ownMark, PRIORITY, TAPS } from "./tc-owner.ts";
import { type KernelInterface, listFilters, listHooks, listInterfaces, type TcSide } from "./traffic-control.ts";

/** enum bpf_tc_attach_point of libbpf. */
const POINTS: Readonly<Record<TcSide, number>> = { ingress: 1, egress: 2 };
const BOTH = 3;
const EEXIST = 17;

/** Struct bpf_tc_hook: its size, interface, side. */
function hookOf(ifindex: number, point: number): Uint8Array {
  const bytes = new Uint8Array(24);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, 24n, HOST_ORDER);
  view.setInt32(8, ifindex, HOST_ORDER);
  view.setUint32(12, point, HOST_ORDER);
  return bytes;
}

/** Struct bpf_tc_opts: its size, program (0 when detaching), handle, priority. */
function optionsOf(programFd: number, handle: number): Uint8Array {
  const bytes = new Uint8Array(32);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, 32n, HOST_ORDER);
  view.setInt32(8, programFd, HOST_ORDER);
  view.setUint32(20, handle, HOST_ORDER);
  view.setUint32(24, PRIORITY, HOST_ORDER);
  return bytes;
}

/** A program to put on one side of an interface. */
export interface TcProgram {
  ifindex: number;
  /** For messages. */
  interfaceName: string;
  side: TcSide;
  programFd: number;
}

/**
 * Classifiers of ours on interfaces. The kernel keeps them when the process goes, so they must be taken off on every way
 * out: `detach`, at the end of the process by itself, and after a kill by whoever starts next or by cleanLeftOvers.
 */
export class TcAttachment {
  private readonly attached: { ifindex: number; side: TcSide; handle: number }[] = [];
  private isDetached = false;

  /** @throws ProbeError; nothing of it is left attached then */
  constructor(programs: readonly TcProgram[]) {
    guardExit();
    const mark = ownMark();
    announceLife(mark);
    try {
      removeDead();
      for (const program of programs) this.attach(program, mark);
    } catch (error) {
      this.detach();
      throw error;
    }
  }

  /** Safe to call twice. */
  detach(): void {
    if (this.isDetached) return;
    this.isDetached = true;
    const interfaces = new Set<number>();
    for (const { ifindex, side, handle } of this.attached.splice(0)) {
      interfaces.add(ifindex);
      remove(ifindex, side, handle);
    }
    for (const ifindex of interfaces) removeOwnClsact(ifindex);
  }

  private attach({ ifindex, interfaceName, side, programFd }: TcProgram, mark: number): void {
    const { bpf } = loadNative();
    const hook = listHooks().find((each) => each.ifindex === ifindex);
    if (hook?.kind === "ingress" && side === "egress") {
      throw new ProbeError(
        `${interfaceName} has the queueing discipline ingress, which shows nothing that leaves; use clsact in its place`,
      );
    }
    if (hook === undefined) {
      recordClsact(ifindex);
      const made = bpf.tcHookCreate(hookOf(ifindex, BOTH));
      // whoever was faster made it
      if (made < 0) forgetClsact(ifindex);
      if (made < 0 && made !== -EEXIST) throw failure(interfaceName, "clsact cannot be added", made);
    }
    for (let tap = 0; tap < TAPS; tap++) {
      const handle = handleOf(mark, tap);
      const result = bpf.tcAttach(hookOf(ifindex, POINTS[side]), optionsOf(programFd, handle));
      if (result === -EEXIST && tap + 1 < TAPS) continue;
      if (result < 0) throw failure(interfaceName, `the ${side} classifier cannot be added`, result);
      this.attached.push({ ifindex, side, handle });
      return;
    }
  }
}

function failure(interfaceName: string, what: string, result: number): ProbeError {
  const said = loadNative().takeLog().at(-1) ?? "";
  return new ProbeError(`${interfaceName}: ${what} (${errnoName(-result)})`, [said]);
}

function remove(ifindex: number, side: TcSide, handle: number): void {
  const { bpf, takeLog } = loadNative();
  // where the interface or the filter is gone already, all is well
  bpf.tcDetach(hookOf(ifindex, POINTS[side]), optionsOf(0, handle));
  takeLog();
}

/** Takes away a clsact that is of our making, once it is empty. */
function removeOwnClsact(ifindex: number): boolean {
  if (!isOwnClsact(ifindex)) return false;
  if (!listHooks().some((hook) => hook.ifindex === ifindex && hook.kind === "clsact")) {
    forgetClsact(ifindex);
    return false;
  }
  if (listFilters(ifindex).length > 0) return false;
  const { bpf, takeLog } = loadNative();
  bpf.tcHookDestroy(hookOf(ifindex, BOTH));
  takeLog();
  forgetClsact(ifindex);
  return true;
}

/** Removes our classifiers for which `isGone` holds, and each clsact of ours that is empty. A sentence each. */
function removeWhere(isGone: (mark: number) => boolean): string[] {
  const done: string[] = [];
  const names = new Map(listInterfaces().map(({ index, name }) => [index, name]));
  const nameOf = (ifindex: number) => names.get(ifindex) ?? `interface ${ifindex}`;
  for (const { ifindex } of listHooks()) {
    for (const filter of listFilters(ifindex)) {
      const mark = markOf(filter);
      if (mark === null || !isGone(mark)) continue;
      remove(ifindex, filter.side, filter.handle);
      done.push(`${nameOf(ifindex)}: removed the ${filter.side} classifier ${filter.programName}`);
    }
  }
  for (const ifindex of recordedClsacts()) {
    if (removeOwnClsact(ifindex)) done.push(`${nameOf(ifindex)}: removed the empty clsact`);
  }
  return done;
}

function removeDead(): string[] {
  forgetGoneNamespaces();
  const living = livingMarks();
  return removeWhere((mark) => !living.has(mark));
}

/**
 * Removes what taps left behind that were killed: classifiers with our handle, priority and name whose process no longer
 * lives, and clsact disciplines that l4scope made and nobody uses. Nothing of anyone else, nor of a tap that runs.
 *
 * @returns what was done, a sentence each
 * @throws ProbeError, NetlinkError where it may not be done
 */
export async function cleanLeftOvers(): Promise<string[]> {
  requireHost({ name: "cleaning up", minKernel: "5.8", capabilities: ["CAP_NET_ADMIN"] });
  return removeDead();
}

/** Removes every classifier of this process, whichever of its threads put it there. For the very end: it never throws. */
export function removeOwn(): void {
  try {
    endLog();
    const own = ownMark();
    removeWhere((mark) => mark === own);
  } catch {
    // whoever starts next removes what is left
  }
}

/** Signals that end a process which does not listen. */
const FATAL: readonly (readonly [NodeJS.Signals, number])[] = [
  ["SIGHUP", 1],
  ["SIGINT", 2],
  ["SIGTERM", 15],
];
let isGuarded = false;

/**
 * Makes sure that this thread's process ends without leaving classifiers behind: at process.exit, after an error that
 * nobody caught, and at a signal to which nobody else listens. Threads are ended without a word, so the main one must call
 * this itself before it starts one that taps.
 */
export function guardExit(): void {
  if (isGuarded) return;
  isGuarded = true;
  process.on("exit", removeOwn);
  // a thread hears no signals
  if (!isMainThread) return;
  let isTold = false;
  for (const [signal, number] of FATAL) {
    // first of all, while those who listen once are still counted
    process.prependListener(signal, () => {
      // others who listen end in their own time, but for who cannot wait
      if (isTold || process.listenerCount(signal) === 1) process.exit(128 + number);
      isTold = true;
    });
  }
}

/** The interface of a name. @throws ProbeError in one line that says which there are */
export function findInterface(name: string): KernelInterface {
  const all = listInterfaces();
  const found = all.find((each) => each.name === name);
  if (found !== undefined) return found;
  throw new ProbeError(`there is no interface ${name}; there are ${all.map((each) => each.name).join(", ")}`);
}
