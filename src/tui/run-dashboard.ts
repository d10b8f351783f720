import type { ReadStream, WriteStream } from "node:tty";
import { render } from "ink";
import { createElement } from "react";
import type { LiveHandle } from "../live/live-handle.ts";
import { createPage } from "../report/text/page.ts";
import { Dashboard } from "./dashboard.ts";
import { FrameStream } from "./frame-stream.ts";
import { Screen } from "./screen.ts";
import { takeScreen } from "./terminal.ts";

export interface RunDashboardOptions {
  output: WriteStream;
  /** The keyboard: stdin, or the terminal itself where stdin brings packets. */
  input: ReadStream;
  evidenceDirectory: string;
  /** Ends by itself when this resolves. */
  until?: Promise<void>;
  onScrollTime?: (minutes: number) => void;
}

const POLL_MILLISECONDS = 250;
const LEAST_COLUMNS = 40;
const LEAST_ROWS = 10;

/** Shows a session on the terminal until the user quits; the terminal is given back on every way out. */
export async function runDashboard(handle: LiveHandle, options: RunDashboardOptions): Promise<void> {
  const { output, input, evidenceDirectory, until, onScrollTime } = options;
  let quit: () => void = () => {};
  const quitted = new Promise<void>((resolve) => {
    quit = resolve;
  });
  const size = () => ({
    columns: Math.max(LEAST_COLUMNS, output.columns ?? 80),
    // a frame as high as the terminal would make ink clear the scrollback each time
    rows: Math.max(LEAST_ROWS, (output.rows ?? 24) - 1),
  });
  const { columns, rows } = size();
  const dashboard = new Dashboard(handle, {
    page: createPage(columns, true),
    columns,
    rows,
    evidenceDirectory,
    onQuit: () => quit(),
    ...(onScrollTime ? { onScrollTime } : {}),
  });
  const screen = takeScreen(output, () => quit());
  const frames = new FrameStream(output, { columns, rows });
  const app = render(createElement(Screen, { dashboard }), {
    stdout: frames as unknown as WriteStream,
    stdin: input,
    exitOnCtrlC: false,
    patchConsole: false,
    // each frame as a whole and at once: what of it is new, and how often, is decided here
    debug: true,
  });
  const timer = setInterval(() => dashboard.poll(), POLL_MILLISECONDS);
  const resize = () => {
    const now = size();
    frames.resize(now.columns, now.rows);
    dashboard.resize(now.columns, now.rows);
  };
  output.on("resize", resize);
  try {
    await Promise.race([quitted, app.waitUntilExit(), ...(until ? [until] : [])]);
  } finally {
    clearInterval(timer);
    output.off("resize", resize);
    app.unmount();
    screen.leave();
  }
}
