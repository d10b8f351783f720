import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { sharedDir } from "../support/requirement.ts";

/** Absolute paths of the captures beside the project; none where they are absent. */
export interface ReferenceCaptures {
  /** Runs of load balancers: one folder each, with a capture per observation point. */
  labelled: string[];
  /** Small captures of every kind in which tshark sees TCP, and those in which it sees none. */
  withTcp: string[];
  withoutTcp: string[];
}

export function referenceCaptures(): ReferenceCaptures {
  const shared = sharedDir();
  const labelledDir = join(shared ?? "", "labelled");
  const indexFile = join(shared ?? "", "captures", "INDEX.tsv");
  const labelled = shared !== null && existsSync(labelledDir) ? scenarioCaptures(labelledDir) : [];
  const index = shared !== null && existsSync(indexFile) ? readIndex(indexFile) : [];
  const paths = (has: (tcpPackets: number) => boolean) =>
    index.filter(({ tcpPackets }) => has(tcpPackets)).map(({ path }) => path);
  return { labelled, withTcp: paths((packets) => packets > 0), withoutTcp: paths((packets) => packets === 0) };
}

/** One capture of each run: the load balancer's own where there is one. */
export function onePerScenario(labelled: readonly string[]): string[] {
  const folders = new Map<string, string[]>();
  for (const path of labelled) folders.set(folderOf(path), [...(folders.get(folderOf(path)) ?? []), path]);
  return [...folders.values()].flatMap((paths) => paths.find((path) => /\/lb1-/.test(path)) ?? paths.slice(0, 1));
}

/** Every n-th, so that the choice is the same on every run. */
export function everyNth<T>(list: readonly T[], n: number): T[] {
  return list.filter((_, index) => index % n === 0);
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

function scenarioCaptures(folder: string): string[] {
  return readdirSync(folder)
    .sort()
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isDirectory())
    .flatMap((path) =>
      readdirSync(path)
        .filter((name) => /\.pcap(ng)?(\.gz|\.zst)?$/.test(name))
        .sort()
        .map((name) => join(path, name)),
    );
}

function readIndex(file: string): { path: string; tcpPackets: number }[] {
  const [header = "", ...lines] = readFileSync(file, "utf8").trimEnd().split("\n");
  const column = header.split("\t").indexOf("tcp_packets");
  return lines
    .map((line) => line.split("\t"))
    .map((fields) => ({ path: join(file, "..", fields[0] ?? ""), tcpPackets: Number(fields[column]) }))
    .filter(({ path }) => existsSync(path))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}
