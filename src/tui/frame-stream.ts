import { Writable } from "node:stream";
import type { WriteStream } from "node:tty";

const SYNCHRONIZED = "\u001b[?2026h";
const PRESENT = "\u001b[?2026l";
const ERASE_LINE_END = "\u001b[K";
const CURSOR_LENGTH = "\u001b[?25h".length;
const CLEAR = "\u001b[2J";

/**
 * What ink draws to: whole frames in, to the terminal only the rows that changed, each at its place, as one update
 * (terminals that do not know synchronized updates ignore it).
 *
 * ink 6.8 has incremental rendering of its own, whose rows are off by one wherever a frame is lower than the terminal
 * (mended in later ones, which want Node 22); as high as the terminal, it clears the scrollback each time.
 */
export class FrameStream extends Writable {
  readonly isTTY = true;
  columns: number;
  rows: number;
  /** Written to the terminal so far. */
  writtenBytes = 0;
  frames = 0;
  private readonly output: WriteStream;
  private shown: readonly string[] = [];

  constructor(output: WriteStream, size: { columns: number; rows: number }) {
    super({ decodeStrings: false });
    this.output = output;
    this.columns = size.columns;
    this.rows = size.rows;
  }

  /** The terminal has another size, and nobody knows what is on it. */
  resize(columns: number, rows: number): void {
    this.columns = columns;
    this.rows = rows;
    this.shown = [];
    this.emit("resize");
  }

  override _write(chunk: string | Buffer, _encoding: BufferEncoding, done: () => void): void {
    const text = typeof chunk === "string" ? chunk : chunk.toString("utf8");
    // ink hides and shows the cursor by itself; who took the screen has done so
    if (!(text.startsWith("\u001b[?25") && text.length === CURSOR_LENGTH)) this.show(text.split("\n"));
    done();
  }

  private show(lines: readonly string[]): void {
    const changed: string[] = this.shown.length === 0 ? [CLEAR] : [];
    const most = Math.min(this.rows, Math.max(lines.length, this.shown.length));
    for (let row = 0; row < most; row++) {
      const line = lines[row] ?? "";
      if (line !== this.shown[row]) changed.push(`\u001b[${row + 1};1H${line}${ERASE_LINE_END}`);
    }
    this.shown = lines;
    if (changed.length === 0) return;
    const bytes = `${SYNCHRONIZED}${changed.join("")}${PRESENT}`;
    this.writtenBytes += bytes.length;
    this.frames++;
    this.output.write(bytes);
  }
}
