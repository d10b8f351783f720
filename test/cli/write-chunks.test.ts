import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { writeChunks } from "../../src/cli/write-chunks.ts";

test("a slow reader holds the writer up, and gets everything in order", async () => {
  let mostWaiting = 0;
  let text = "";
  const slow = new Writable({
    decodeStrings: false,
    highWaterMark: 16_384,
    write(chunk: string, _encoding, done) {
      mostWaiting = Math.max(mostWaiting, this.writableLength);
      text += chunk;
      setImmediate(done);
    },
  });
  const chunks = Array.from({ length: 50_000 }, (_, i) => `line ${i} of a long document\n`);
  await writeChunks(slow, chunks);
  expect(text).toBe(chunks.join(""));
  expect(mostWaiting).toBeLessThan(200_000);
});

test("a reader that goes away ends the wait", async () => {
  const gone = new Writable({ highWaterMark: 1, write() {} });
  const writing = writeChunks(gone, ["x".repeat(100_000), "y"]);
  setImmediate(() => gone.destroy());
  await writing;
  expect(gone.destroyed).toBe(true);
});
