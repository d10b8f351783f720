import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ProbeManifest } from "./manifest.ts";
import { ProbeError } from "./probe-error.ts";

/** Every probe by its name. A manifest is loaded when its probe is opened. */
const CATALOGUE = {
  fib: () => import("../../probes/fib/manifest.ts").then((module) => module.fib),
  skbdrop: () => import("../../probes/skbdrop/manifest.ts").then((module) => module.skbdrop),
  tcpconnect: () => import("../../probes/tcpconnect/manifest.ts").then((module) => module.tcpconnect),
  tcplife: () => import("../../probes/tcplife/manifest.ts").then((module) => module.tcplife),
  tcpretrans: () => import("../../probes/tcpretrans/manifest.ts").then((module) => module.tcpretrans),
  tcprst: () => import("../../probes/tcprst/manifest.ts").then((module) => module.tcprst),
} as const;

export type ProbeName = keyof typeof CATALOGUE;
/** The events of a probe. */
export type EventOf<Name extends ProbeName> =
  Awaited<ReturnType<(typeof CATALOGUE)[Name]>> extends ProbeManifest<infer Event> ? Event : never;

export async function findManifest<Name extends ProbeName>(name: Name): Promise<ProbeManifest<EventOf<Name>>> {
  return (await CATALOGUE[name]()) as unknown as ProbeManifest<EventOf<Name>>;
}

/**
 * The file with a probe's built programs. It lies beside the source in the package, two folders up from here or, when
 * this file was built into dist/, three.
 */
export function objectPath(name: string): string {
  const inPackage = join("probes", name, `${name}.bpf.o`);
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const path = join(folder, inPackage);
    if (existsSync(path)) return path;
    if (dirname(folder) === folder) throw new ProbeError(`${inPackage} is missing; npm run build:probes makes it`);
  }
}
