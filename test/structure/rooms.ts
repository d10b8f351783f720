/**
 * Which room may import which: the whole of the project's layering. An arrow that is not in this table is a mistake in
 * the code, or a decision to write down in docs/decisions/ before it is added here.
 */
export interface Room {
  /** What the room is for, in a few words; shown where an arrow is wrong. */
  does: string;
  /** The rooms whose files it may import, besides its own. */
  mayImport: readonly string[];
  /** No files, processes, timers or clock: neither itself nor by what it imports. */
  isPure?: true;
}

const RESULTS = ["capture", "decode", "flow", "topology", "path", "balance", "diagnose"] as const;

export const ROOMS: Readonly<Record<string, Room>> = {
  capture: { does: "turns inputs into packets", mayImport: [] },
  decode: { does: "reads one packet's bytes", mayImport: ["capture"], isPure: true },
  flow: { does: "keeps legs", mayImport: ["capture", "decode"], isPure: true },
  topology: { does: "reads what is known of the set-up from files", mayImport: [] },
  path: { does: "joins legs into connections", mayImport: ["capture", "decode", "flow", "topology"], isPure: true },
  balance: { does: "share statistics and hash functions", mayImport: [], isPure: true },
  diagnose: {
    does: "finds causes in connections",
    mayImport: ["capture", "decode", "flow", "topology", "path", "balance"],
    isPure: true,
  },
  offline: { does: "drives the pipeline over captures", mayImport: [...RESULTS] },
  // its catalogue loads the manifests that lie beside the kernel code
  probe: { does: "talks to the kernel", mayImport: ["capture", "decode", "flow", "topology", "host", "probes"] },
  compare: { does: "says what changed between two sides", mayImport: RESULTS, isPure: true },
  report: { does: "shows results as text, JSON, HTML", mayImport: [...RESULTS, "compare"] },
  live: { does: "drives the pipeline by the clock", mayImport: [...RESULTS, "probe", "report"] },
  // what a live session tells is plain data that faces read (docs/decisions/0006): they look at it, it knows none of them
  tui: { does: "shows results on a terminal", mayImport: [...RESULTS, "report", "live", "metrics"] },
  metrics: { does: "shows results as metrics", mayImport: [...RESULTS, "live", "host"] },
  store: { does: "keeps results", mayImport: [...RESULTS, "compare", "report", "live"] },
  fleet: { does: "sends stores of many hosts to one, and asks it", mayImport: ["topology", "report", "store"] },
  host: { does: "reads what the kernel keeps of a host", mayImport: ["topology"] },
  doctor: { does: "says what is wrong with a host's settings", mayImport: ["topology", "host", "report"] },
  cli: { does: "the frame of the command line", mayImport: ["capture", "topology", "probe", "store", "fleet", "live"] },
};

/** Commands parse flags and call one thing in src: any room, but no other command and nothing outside src. */
export const COMMANDS_MAY_IMPORT: readonly string[] = Object.keys(ROOMS);

/** TypeScript beside a probe's kernel code: what decodes its events. */
export const PROBES_MAY_IMPORT: readonly string[] = ["probe", "decode", "topology"];

/** What a command file may import before it runs: the help of a command must not cost what the command costs. */
export const LIGHT_FOR_COMMANDS: readonly string[] = ["cli"];
