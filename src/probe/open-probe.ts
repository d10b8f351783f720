import { existsSync, readFileSync } from "node:fs";
import { release } from "node:os";
import { BpfFailure, BpfObject } from "./bpf-object.ts";
import { type EventOf, findManifest, objectPath, type ProbeName } from "./catalogue.ts";
import { chooseAttachments } from "./choose-attachments.ts";
import { type ConnectionFilter, filterConstants } from "./connection-filter.ts";
import { requireHost } from "./host-check.ts";
import { kernelBtf } from "./kernel-btf.ts";
import { type Circumstances, explainFailure } from "./load-failure.ts";
import type { DecodeContext, KernelFacts, ProbeManifest } from "./manifest.ts";
import { Probe } from "./probe.ts";
import { ProbeError } from "./probe-error.ts";

export interface ProbeOptions {
  /** Applied in the kernel. */
  filter?: ConnectionFilter;
  /** Room for events that wait to be polled: a power of two from 4096; 2 MiB unless told. */
  ringBytes?: number;
  /** `const volatile` variables of the probe's own. */
  constants?: Readonly<Record<string, number | Uint8Array>>;
  /** Sizes of the probe's own maps, in entries. */
  maxEntries?: Readonly<Record<string, number>>;
}

const NO_NAMES: ReadonlyMap<number, string> = new Map();

/**
 * Loads a probe and attaches it. It ends with close(), or with the process: nothing of it outlives either.
 *
 * @throws ProbeError in one line, where the host lacks something; nothing is left attached then
 */
export async function openProbe<Name extends ProbeName>(
  name: Name,
  options: ProbeOptions = {},
): Promise<Probe<EventOf<Name>>> {
  const manifest = await findManifest(name);
  return openManifest(manifest, options);
}

/** The same, of a probe that is not in the catalogue. */
export function openManifest<Event>(manifest: ProbeManifest<Event>, options: ProbeOptions = {}): Probe<Event> {
  requireHost(manifest);
  const btf = kernelBtf();
  const facts: KernelFacts = {
    tracepointArguments: (tracepoint) => btf.tracepointArguments(tracepoint),
    hasFunction: (name) => btf.hasFunction(name),
    // the event source that kprobes are attached by
    hasKprobes: existsSync("/sys/bus/event_source/devices/kprobe/type"),
  };
  const refused = new Set<string>();
  for (;;) {
    const { chosen, notes, missing } = chooseAttachments(manifest.slots, facts, refused);
    const [lacking] = missing;
    if (lacking !== undefined) {
      const targets = lacking.alternatives.map(({ kind, target }) => `${kind} ${target}`).join(", ");
      throw new ProbeError(
        `${manifest.name} cannot hear of ${lacking.hears} on Linux ${release()} (${targets}); use another kernel`,
      );
    }
    const programs = chosen.map(({ program }) => program);
    try {
      const object = prepare(manifest, programs, options);
      return finish(object, manifest, programs, notes, btf.enumNames.bind(btf));
    } catch (error) {
      if (!(error instanceof BpfFailure)) throw error;
      // once more without the program that was not taken, where another or a note can stand for it
      const isReplaceable = error.program !== null && !refused.has(error.program) && hasSubstitute(error.program);
      if (error.program === null || !isReplaceable) throw explainFailure(manifest.name, error, circumstances());
      refused.add(error.program);
    }
  }

  function hasSubstitute(program: string): boolean {
    return manifest.slots.some(
      ({ alternatives, without }) =>
        alternatives.some((each) => each.program === program) && (without !== undefined || alternatives.length > 1),
    );
  }
}

/** Opened, set up, loaded and attached; closed again where any of it fails. */
function prepare(
  { name, constants: ofChoice }: Pick<ProbeManifest<never>, "name" | "constants">,
  programs: readonly string[],
  { filter = {}, ringBytes, constants = {}, maxEntries = {} }: ProbeOptions,
): BpfObject {
  const object = new BpfObject(objectPath(name));
  try {
    object.setConstants({ ...filterConstants(filter), ...ofChoice?.(new Set(programs)), ...constants });
    if (ringBytes !== undefined) object.setMaxEntries("events", ringBytes);
    for (const [map, count] of Object.entries(maxEntries)) object.setMaxEntries(map, count);
    for (const program of object.programNames) object.setAutoload(program, programs.includes(program));
    object.load();
    for (const program of programs) object.attach(program);
    return object;
  } catch (error) {
    object.close();
    throw error;
  }
}

function finish<Event>(
  object: BpfObject,
  manifest: ProbeManifest<Event>,
  programs: readonly string[],
  notes: readonly string[],
  enumNames: (name: string) => Map<number, string> | null,
): Probe<Event> {
  try {
    const context: DecodeContext = {
      epochOffsetNs: epochOffsetNs(),
      enumNames: (name) => enumNames(name) ?? NO_NAMES,
    };
    const pageBytes = object.native.pageBytes();
    return new Probe(object, { programs, notes, decode: manifest.createDecoder(context), pageBytes });
  } catch (error) {
    object.close();
    throw error;
  }
}

/** Difference of the wall clock and CLOCK_MONOTONIC, which is what both the kernel's programs and Node's hrtime read. */
function epochOffsetNs(): bigint {
  const wallNs = BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n;
  return wallNs - process.hrtime.bigint();
}

/** What is known of this host when the kernel has refused. */
export function circumstances(): Circumstances {
  const read = (path: string) => (existsSync(path) ? readFileSync(path, "utf8") : null);
  // the first namespace maps all of 32 bits to themselves
  const uidMap = read("/proc/self/uid_map")?.trim().split(/\s+/).join(" ");
  return {
    release: release(),
    lockdown: read("/sys/kernel/security/lockdown"),
    inUserNamespace: uidMap !== undefined && uidMap !== "0 0 4294967295",
  };
}
