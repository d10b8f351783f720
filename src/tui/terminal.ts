/** Into the alternate screen, cursor hidden; xterm's private modes. */
const ENTER = "\u001b[?1049h\u001b[?25l\u001b[H\u001b[2J";
const LEAVE = "\u001b[?25h\u001b[?1049l";

/**
 * Takes the terminal for a full screen and gives it back on every way out: by `leave`, at the process's exit, and when
 * it is told to end by a signal. What was on the screen before is there again afterwards.
 *
 * @param onSignal called in place of the process's end; it should end what runs, which then leaves
 */
export function takeScreen(output: NodeJS.WriteStream, onSignal: (signal: NodeJS.Signals) => void): { leave(): void } {
  let isTaken = true;
  const signals: NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];
  const handlers = signals.map((signal): [NodeJS.Signals, () => void] => [signal, () => onSignal(signal)]);
  const leave = () => {
    if (!isTaken) return;
    isTaken = false;
    // by a descriptor, at once: a stream's queue may never be written where the process is ending
    try {
      output.write(LEAVE);
    } catch {
      // the terminal itself is gone
    }
    process.removeListener("exit", leave);
    process.removeListener("uncaughtException", leave);
    for (const [signal, handler] of handlers) process.removeListener(signal, handler);
  };
  output.write(ENTER);
  process.once("exit", leave);
  // before who prints the error, which would else be lost with the screen
  process.prependListener("uncaughtException", leave);
  // not once: ink's own listener ends the process where it finds no other one left
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return { leave };
}
