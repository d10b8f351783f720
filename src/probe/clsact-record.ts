import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

/**
 * Which clsact queueing disciplines are l4scope's own making: a file for each, written before it is made, since the
 * kernel keeps no such thing. The folder does not outlive the kernel.
 */
const FOLDER = "/run/l4scope";
const RECORD = /^clsact-(\d+)-\d+$/;
/** PROC_PID_INIT_INO of linux/proc_ns.h: the namespace that sees all processes. */
const FIRST_PID_NAMESPACE = 0xeffffffc;

/** False where it cannot be kept: nobody will know then, and the discipline stays. */
export function recordClsact(ifindex: number): boolean {
  try {
    mkdirSync(FOLDER, { recursive: true, mode: 0o755 });
    writeFileSync(pathOf(ifindex), "");
    return true;
  } catch {
    return false;
  }
}

export function isOwnClsact(ifindex: number): boolean {
  return existsSync(pathOf(ifindex));
}

export function forgetClsact(ifindex: number): void {
  rmSync(pathOf(ifindex), { force: true });
}

/** Interfaces of this network namespace with a record. */
export function recordedClsacts(): number[] {
  if (!existsSync(FOLDER)) return [];
  const prefix = `clsact-${namespaceInode()}-`;
  return readdirSync(FOLDER)
    .filter((name) => name.startsWith(prefix))
    .map((name) => Number(name.slice(prefix.length)));
}

/**
 * Takes away records of network namespaces that are gone: their numbers are given out again. Nothing where not all
 * processes are seen, in a container.
 */
export function forgetGoneNamespaces(): void {
  if (!existsSync(FOLDER) || statSync("/proc/self/ns/pid").ino !== FIRST_PID_NAMESPACE) return;
  // before the processes are looked at: who records its namespace meanwhile is not forgotten
  const records = readdirSync(FOLDER).flatMap((name) => {
    const inode = RECORD.exec(name)?.[1];
    return inode === undefined || Number(inode) === namespaceInode() ? [] : [{ name, inode }];
  });
  if (records.length === 0) return;
  const present = presentNamespaces();
  for (const { name, inode } of records) if (!present.has(inode)) rmSync(join(FOLDER, name), { force: true });
}

/** Inode numbers of network namespaces that processes are in or that have a name. */
function presentNamespaces(): Set<string> {
  const present = new Set<string>();
  const keep = (text: string) => {
    for (const [, inode] of text.matchAll(/net:\[(\d+)\]/g)) if (inode !== undefined) present.add(inode);
  };
  // `ip netns` and container engines mount what they name
  keep(readFileSync("/proc/self/mountinfo", "utf8"));
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      keep(readlinkSync(`/proc/${pid}/ns/net`));
    } catch {
      // it has ended
    }
  }
  return present;
}

function pathOf(ifindex: number): string {
  return join(FOLDER, `clsact-${namespaceInode()}-${ifindex}`);
}

function namespaceInode(): number {
  return statSync("/proc/self/ns/net").ino;
}
