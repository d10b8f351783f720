import { readFileSync, readlinkSync } from "node:fs";
import { openLibc } from "../host/libc.ts";
import type { TcFilter } from "./traffic-control.ts";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;

/** Our classifiers' priority: before what is numbered by hand in tens or by the kernel from 49152 down. */
export const PRIORITY = 4;
/** Our handles: `L`, 20 bits for the process, 4 for its taps. */
const HANDLE_MARK = 0x4c;
export const TAPS = 16;
/** What the programs of probes/flowtap are called; libbpf puts their number behind. */
const PROGRAM_NAME = /^l4scope_(?:in|out)/;

/** This process's part of its classifiers' handles. All of its threads have the same, and hardly any other process. */
export function ownMark(): number {
  // pid and start time, unique in the process's namespace
  const stat = readFileSync("/proc/self/stat", "utf8");
  const started = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  let hash = 0;
  for (const letter of `${process.pid} ${started} ${readlinkSync("/proc/self/ns/pid")}`) {
    hash = (Math.imul(hash, 31) + letter.charCodeAt(0)) | 0;
  }
  return ((hash ^ (hash >>> 20)) >>> 0) & 0xfffff;
}

/** @param tap which of the process's, 0..TAPS-1 */
export function handleOf(mark: number, tap: number): number {
  return ((HANDLE_MARK << 24) | (mark << 4) | tap) >>> 0;
}

/** The mark of the process that put a classifier there, null where it is none of l4scope's. */
export function markOf({ kind, handle, priority, programName }: TcFilter): number | null {
  const isOurs =
    kind === "bpf" && priority === PRIORITY && handle >>> 24 === HANDLE_MARK && PROGRAM_NAME.test(programName ?? "");
  return isOurs ? (handle >>> 4) & 0xfffff : null;
}

/**
 * Says to other processes of the network namespace that this one lives, for as long as it does: an abstract socket
 * (unix(7)), which is seen there whatever the process namespace, and goes with the process however it ends.
 */
export function announceLife(mark: number): void {
  const libc = openLibc();
  if (libc === null) return;
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  const address = Buffer.concat([Buffer.from([AF_UNIX, 0, 0]), Buffer.from(socketName(mark))]);
  // another thread of ours has bound it where this fails
  if (libc.bind(fd, address, address.length) < 0) libc.close(fd);
}

/** Marks of the processes that live. */
export function livingMarks(): Set<number> {
  const marks = new Set<number>([ownMark()]);
  for (const [, mark] of readFileSync("/proc/net/unix", "utf8").matchAll(/@l4scope-tap-([\da-f]+)$/gm)) {
    marks.add(Number.parseInt(mark ?? "", 16));
  }
  return marks;
}

function socketName(mark: number): string {
  return `l4scope-tap-${mark.toString(16)}`;
}
