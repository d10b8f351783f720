import { basename } from "node:path";
import { printable } from "./text/page.ts";

/** Short names of capture files: without their folder where that leaves them apart. */
export class FileNames {
  private readonly names: readonly string[];

  constructor(paths: readonly string[]) {
    const short = paths.map((path) => (path === "-" ? "stdin" : basename(path)));
    const isUnique = new Set(short).size === paths.length;
    this.names = (isUnique ? short : paths).map(printable);
  }

  of(capture: number): string {
    return this.names[capture] ?? "?";
  }
}
