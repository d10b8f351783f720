import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LiveHandle } from "../live/live-handle.ts";
import type { DashboardState } from "./state.ts";

/** What can be written from where the user is: a finding's evidence, or one connection's packets. */
export type Writable = { finding: string } | { connection: string };

/** What `w` means in a state: the finding or connection that is open, or marked. */
export function writableOf({ overlay, view }: DashboardState, marked: Writable | null): Writable | null {
  if (overlay?.kind === "finding") return { finding: overlay.key };
  if (overlay?.kind === "ladder") return { connection: overlay.id };
  return view === "findings" || view === "flows" ? marked : null;
}

/**
 * Writes evidence into a folder: a finding's text and packets, or a connection's packets.
 * @returns what was written, in a line for the user
 * @throws the system's error where it cannot be written
 */
export async function writeEvidence(
  handle: Pick<LiveHandle, "evidence" | "packets">,
  what: Writable,
  directory: string,
  nowSeconds: number,
): Promise<string> {
  const stamp = new Date(nowSeconds * 1000).toISOString().slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "-");
  if ("finding" in what) {
    const evidence = await handle.evidence(what.finding);
    if (evidence === null) return "that finding is gone: nothing written";
    const base = join(directory, `l4scope-${stamp}-${fileName(what.finding)}`);
    writeFileSync(`${base}.txt`, evidence.text);
    if (evidence.packets === 0) return `wrote ${base}.txt; its packets are not in memory any more`;
    writeFileSync(`${base}.pcapng`, evidence.pcapng);
    return `wrote ${base}.txt and .pcapng (${evidence.packets} packets of ${evidence.shown} connections)`;
  }
  const packets = await handle.packets(what.connection);
  if (packets === null) return `no packets of ${what.connection} in memory any more: nothing written`;
  const path = join(directory, `l4scope-${stamp}-${fileName(what.connection)}.pcapng`);
  writeFileSync(path, packets);
  return `wrote ${path}`;
}

function fileName(text: string): string {
  return text
    .replaceAll(/[^A-Za-z0-9.]+/g, "-")
    .replaceAll(/^-|-$/g, "")
    .slice(0, 60);
}
