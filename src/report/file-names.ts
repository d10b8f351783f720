import { basename } from "node:path";
import { fileOfFrame, filesOf, type TrackedCapture } from "../flow/tracked-capture.ts";
import { printable } from "./text/page.ts";

/** Short names of capture files: without their folder where that leaves them apart. */
export class FileNames {
  private readonly captures: readonly TrackedCapture[];
  private readonly isShort: boolean;

  constructor(captures: readonly TrackedCapture[]) {
    this.captures = captures;
    const paths = captures.flatMap(filesOf).map(({ path }) => path);
    this.isShort = new Set(paths.map(shortName)).size === paths.length;
  }

  /** `lb3.pcap`, or of a recording `lb3.pcap00 and 4 more`. */
  of(capture: number): string {
    const known = this.captures[capture];
    const [first, ...more] = known === undefined ? [] : filesOf(known);
    if (first === undefined) return "?";
    return `${this.nameOf(first.path)}${more.length > 0 ? ` and ${more.length} more` : ""}`;
  }

  /** `lb3.pcap #17`: where a frame of a capture is, by the number that it has in its file. */
  frame(capture: number, frame: number): { file: string; number: string } {
    const known = this.captures[capture];
    if (known === undefined) return { file: "?", number: `#${frame}` };
    const place = fileOfFrame(known, frame);
    return { file: this.nameOf(place.path), number: `#${place.frame}` };
  }

  private nameOf(path: string): string {
    return printable(this.isShort ? shortName(path) : path);
  }
}

function shortName(path: string): string {
  return path === "-" ? "stdin" : basename(path);
}
