import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A row of the index of reference captures. */
export interface IndexedCapture {
  /** Below the captures folder. */
  file: string;
  format: string;
  /** Records in it. */
  packets: number;
  size: number;
}

/** The index of the captures folder beside the project. */
export function indexedCaptures(shared: string): IndexedCapture[] {
  const [head = "", ...rows] = readFileSync(join(shared, "captures/INDEX.tsv"), "utf8").trimEnd().split("\n");
  const column = (name: string) => head.split("\t").indexOf(name);
  return rows.map((row) => {
    const cells = row.split("\t");
    return {
      file: cells[column("file")] ?? "",
      format: cells[column("format")] ?? "",
      packets: Number(cells[column("packets")]),
      size: Number(cells[column("size")]),
    };
  });
}

/** Every capture of the labelled runs, below their folder. */
export function labelledCaptures(shared: string): string[] {
  return readdirSync(join(shared, "labelled"), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.pcap(ng)?(\.gz|\.zst)?$/.test(name))
    .sort();
}
