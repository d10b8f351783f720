import { Writable } from "node:stream";
import { expect, test, vi } from "vitest";
import { progressLine, startProgressBar, withProgressBar } from "../../src/report/progress-bar.ts";

/** A stream that keeps what is written to it, and says that it is a terminal. */
function terminal(isTTY: boolean) {
  let written = "";
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      written += chunk.toString();
      done();
    },
  });
  return { stream: Object.assign(stream, { isTTY, columns: 80 }), written: () => written };
}

const half = { readBytes: 50e6, totalBytes: 100e6, packets: 1_000_000 };

test("says nothing where nobody looks", async () => {
  const { stream, written } = terminal(false);
  const result = await withProgressBar(stream, async (report) => {
    report(half);
    return 7;
  });
  expect([result, written()]).toEqual([7, ""]);
});

test("says nothing of what takes less than a second", async () => {
  const { stream, written } = terminal(true);
  let now = 0;
  const bar = startProgressBar(stream, () => now);
  now = 900;
  bar.update(half);
  await new Promise((resolve) => setTimeout(resolve, 20));
  bar.stop();
  expect(written()).toBe("");
});

test("shows how far it is, and is gone at the end", async () => {
  const { stream, written } = terminal(true);
  let now = 0;
  const bar = startProgressBar(stream, () => now);
  now = 2000;
  bar.update(half);
  await vi.waitFor(() => expect(written()).toContain("50%"));
  expect(written()).toContain("1,000,000 packets  500,000/s");
  const shown = written().length;
  bar.stop();
  // the line is cleared, from its first column
  expect(written().slice(shown).endsWith("\u001b[1G\u001b[2K")).toBe(true);
  bar.stop();
});

test("is gone also where the run fails, or ends while it is being loaded", async () => {
  const { stream, written } = terminal(true);
  let now = 0;
  const bar = startProgressBar(stream, () => now);
  now = 2000;
  bar.update(half);
  bar.stop();
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(written()).toBe("");
  await expect(withProgressBar(stream, () => Promise.reject(new Error("no disk")))).rejects.toThrow("no disk");
});

test("a line has the rate and the time left, and never wraps", () => {
  const seconds = 2;
  expect(progressLine({ ...half, seconds }, 0.5, 200)).toBe(
    "████████████░░░░░░░░░░░░  50%  2.00 s left  1,000,000 packets  500,000/s  50.0 MB of 100 MB",
  );
  expect(progressLine({ ...half, totalBytes: null, seconds }, 1, 200)).toBe(
    "reading  50.0 MB  1,000,000 packets  500,000/s",
  );
  for (const width of [1, 20, 40, 80]) {
    expect([...progressLine({ ...half, seconds }, 0.5, width)].length).toBeLessThan(width);
  }
  expect(progressLine({ readBytes: 0, totalBytes: 100, packets: 0, seconds: 0 }, 0, 80)).toContain("- left");
});
