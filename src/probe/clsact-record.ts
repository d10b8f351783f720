import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Which clsact queueing disciplines are l4scope's own making: a file for each, written before it is made, since the
 * kernel keeps no such thing. The folder does not outlive the kernel.
 */
const FOLDER = "/run/l4scope";

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

function pathOf(ifindex: number): string {
  return join(FOLDER, `clsact-${namespaceInode()}-${ifindex}`);
}

function namespaceInode(): number {
  return statSync("/proc/self/ns/net").ino;
}
