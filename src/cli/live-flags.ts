import { boolean, integer, string as stringFlag } from "@oclif/core/flags";
import type { SourceSpec } from "../live/live-handle.ts";
import { UsageError } from "./exit-codes.ts";
import { setUpFlags } from "./set-up-flags.ts";

/** What the live commands (`top`, `record`, `serve`) are told to watch, and for how long. */
export const SOURCE_FLAGS = {
  interface: stringFlag({
    char: "i",
    summary: "An interface to watch, by programs in the kernel (root); may be given several times.",
    helpValue: "IF",
    multiple: true,
    multipleNonGreedy: true,
  }),
  source: stringFlag({
    summary: "A capture as it is written, - or a named pipe, as NAME=PATH or PATH; may be given several times.",
    helpValue: "[NAME=]PATH",
    multiple: true,
    multipleNonGreedy: true,
  }),
  replay: stringFlag({
    summary: "A capture to play back, in place of a host; several are merged by time.",
    helpValue: "CAPTURE",
    multiple: true,
    multipleNonGreedy: true,
  }),
  speed: stringFlag({
    summary: "How many times as fast as it was recorded, or max.",
    helpValue: "N|max",
    default: "1",
  }),
  duration: integer({ summary: "Stop by itself after so many seconds.", min: 1, helpValue: "SECONDS" }),
  ...setUpFlags(),
  "max-flows": integer({
    summary: "Conversations in memory at most; beyond it the idlest are given up.",
    min: 1000,
    max: 4_000_000,
    default: 200_000,
    helpValue: "N",
  }),
};

/** What serving metrics can be told besides where. */
export const EXPORTER_FLAGS = {
  "web-config": stringFlag({
    summary: "TLS and users of the metrics' server: a web config file of the Prometheus exporter toolkit.",
    helpValue: "FILE",
  }),
  ipvs: boolean({ summary: "Add this host's node_ipvs_* metrics, as node_exporter has them." }),
};

interface SourceFlags {
  interface?: string[] | undefined;
  source?: string[] | undefined;
  replay?: string[] | undefined;
  speed: string;
}

/** The module that watches interfaces, for a session's own thread to load. */
const INTERFACE_MODULE = new URL("../probe/flow-tap-source.js", import.meta.url).href;

/**
 * What is to be watched, of arguments and flags.
 * @param named arguments: interfaces, or `-` for a capture on stdin
 * @throws UsageError where nothing is named, or what is does not go together
 */
export function sourceSpecs(named: readonly string[], flags: SourceFlags): SourceSpec[] {
  const interfaces = [...named.filter((name) => name !== "-"), ...(flags.interface ?? [])];
  const streams = streamsOf(named, flags);
  const replayed = flags.replay ?? [];
  if (interfaces.length + streams.length + replayed.length === 0) {
    throw new UsageError("nothing to watch: name an interface, - for a capture on stdin, or --replay CAPTURE");
  }
  if (streams.filter((text) => pathOf(text) === "-").length > 1) {
    throw new UsageError("stdin can be read only once: give the others as named pipes");
  }
  if (replayed.length > 0 && interfaces.length + streams.length > 0) {
    throw new UsageError("--replay plays yesterday: it does not go together with what happens now");
  }
  if (replayed.includes("-")) throw new UsageError("a capture on stdin is a source, not a replay: write - alone");
  const specs: SourceSpec[] = streams.map((text) => {
    const path = pathOf(text);
    return path === text ? { kind: "stream", path } : { kind: "stream", path, name: text.slice(0, text.indexOf("=")) };
  });
  if (interfaces.length > 0) {
    specs.push({ kind: "interface", names: [...new Set(interfaces)], module: moduleUrl() });
  }
  if (replayed.length > 0) specs.push({ kind: "replay", paths: replayed, speed: speedOf(flags.speed) });
  return specs;
}

/** The captures among what is watched that are read as they are written; `-` is stdin. */
export function streamPaths(named: readonly string[], flags: Pick<SourceFlags, "source">): string[] {
  return streamsOf(named, flags).map(pathOf);
}

function streamsOf(named: readonly string[], { source = [] }: Pick<SourceFlags, "source">): string[] {
  return [...named.filter((name) => name === "-"), ...source];
}

/** Unbuilt, the sources are TypeScript. */
function moduleUrl(): string {
  return import.meta.url.endsWith(".ts") ? INTERFACE_MODULE.replace(/\.js$/, ".ts") : INTERFACE_MODULE;
}

function pathOf(text: string): string {
  const at = text.indexOf("=");
  // a path may have an equals sign behind its first slash; a name has no slash
  return at > 0 && !text.slice(0, at).includes("/") ? text.slice(at + 1) : text;
}

function speedOf(text: string): number | "max" {
  if (text === "max") return "max";
  const speed = Number(text);
  if (!(speed > 0) || !Number.isFinite(speed)) {
    throw new UsageError(`--speed ${text}: a number above 0 (2 is twice as fast), or max`);
  }
  return speed;
}
