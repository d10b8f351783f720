import { statSync } from "node:fs";

/** Where `ip netns` keeps the names. */
const NAMES = "/run/netns";

/**
 * The inode number by which the kernel knows a network namespace.
 *
 * @param text the number itself, a name of `ip netns`, or a path such as /proc/PID/ns/net
 * @throws Error in one line where there is none
 */
export function parseNetworkNamespace(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  const path = text.includes("/") ? text : `${NAMES}/${text}`;
  const inode = statSync(path, { throwIfNoEntry: false })?.ino;
  if (inode === undefined) throw new Error(`no network namespace ${path}; ip netns lists those with a name`);
  return inode;
}
