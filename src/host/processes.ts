import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { z } from "zod";
import type { Host } from "./host.ts";
import { fromJson } from "./links.ts";

/** Names (/proc/PID/comm) of the processes in this network namespace, each once. Empty where nobody tells. */
export function readProcessNames(host: Host): ReadonlySet<string> {
  const told = host.fact("processes.json", () => JSON.stringify(namesHere().sort(), null, 1));
  const names = fromJson(told ?? "[]");
  return new Set(Array.isArray(names) ? names.filter((name) => typeof name === "string") : []);
}

/** What else the namespaces tell. */
export interface Namespaces {
  /** True in the namespace that the host booted with; null where that cannot be told. */
  isHostNetwork: boolean | null;
  /** True where all processes are seen, so that one that is absent does not run. */
  seesAllProcesses: boolean | null;
  /** Processes run in other network namespaces: counters of the whole host are theirs, too. Null where nobody tells. */
  hasOthers: boolean | null;
}

const namespacesSchema = z.object({
  net: z.string().nullish(),
  init: z.string().nullish(),
  pid: z.string().nullish(),
  networks: z.number().nullish(),
});

/** include/linux/proc_ns.h: PROC_PID_INIT_INO, the number of the first namespace of processes. */
const FIRST_PID_NAMESPACE = "pid:[4026531836]";

export function readNamespaces(host: Host): Namespaces {
  const told = host.fact("namespaces.json", () =>
    JSON.stringify({
      net: linkOf("self/ns/net"),
      init: linkOf("1/ns/net"),
      pid: linkOf("self/ns/pid"),
      networks: new Set(
        processes()
          .map((pid) => linkOf(`${pid}/ns/net`))
          .filter((link) => link !== null),
      ).size,
    }),
  );
  const { net, init, pid, networks } = namespacesSchema.catch({}).parse(fromJson(told ?? "{}"));
  const seesAll = pid == null ? null : pid === FIRST_PID_NAMESPACE;
  return {
    // process 1 of a container is no word for the host
    isHostNetwork: net == null || init == null || seesAll !== true ? null : net === init,
    seesAllProcesses: seesAll,
    hasOthers: networks == null ? null : networks > 1,
  };
}

function namesHere(): string[] {
  const here = linkOf("self/ns/net");
  const names = new Set<string>();
  for (const pid of processes()) {
    if (Number(pid) === process.pid) continue;
    if (linkOf(`${pid}/ns/net`) !== here) continue;
    try {
      names.add(readFileSync(`/proc/${pid}/comm`, "utf8").trim());
    } catch {
      // it has ended
    }
  }
  return [...names];
}

function processes(): string[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name));
}

function linkOf(path: string): string | null {
  try {
    return readlinkSync(`/proc/${path}`);
  } catch {
    return null;
  }
}
