import type { Host } from "./host.ts";
import { runTool } from "./run-tool.ts";

/** An interface's offload features by ethtool's names (`large-receive-offload`); null where nobody tells. */
export function readOffloads(host: Host, iface: string): ReadonlyMap<string, boolean> | null {
  const told = host.fact(`ethtool-${iface}.txt`, () => runTool(["ethtool", "-k", iface]));
  return told === null ? null : parseOffloads(told);
}

/** `generic-receive-offload: on`, with `[fixed]` where it cannot be changed. */
export function parseOffloads(text: string): ReadonlyMap<string, boolean> {
  const features = new Map<string, boolean>();
  for (const [, name = "", state] of text.matchAll(/^\s*([\w-]+): (on|off)\b/gm)) features.set(name, state === "on");
  return features;
}
