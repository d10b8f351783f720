/**
 * Waits until a run ends by itself or is told to by SIGINT, SIGTERM or SIGHUP; while it then ends, signals do what they usually do.
 * @returns the signal, null where it ended by itself
 */
export async function endOfRun(ended: Promise<void>): Promise<NodeJS.Signals | null> {
  const signals: NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];
  let tell: (signal: NodeJS.Signals) => void = () => {};
  const told = new Promise<NodeJS.Signals>((resolve) => {
    tell = resolve;
  });
  for (const signal of signals) process.on(signal, tell);
  try {
    return await Promise.race([ended.then(() => null), told]);
  } finally {
    for (const signal of signals) process.removeListener(signal, tell);
  }
}
