import { afterEach, beforeEach, expect, test, vi } from "vitest";
import Record from "../../commands/record.ts";
import Serve from "../../commands/serve.ts";
import { modelOf } from "../support/live-model.ts";
import { projectDir } from "../support/requirement.ts";

/** A session whose last source failed, after which there is nothing to watch. */
const session = vi.hoisted(() => ({ stopped: 0, failure: null as string | null, ended: Promise.resolve() }));

vi.mock("../../src/metrics/serve-session.ts", () => ({
  serve: async () => ({ url: "http://127.0.0.1:1", handle: handle(), stop }),
}));
vi.mock("../../src/store/record-session.ts", () => ({
  record: async () => ({
    handle: handle(),
    ended: session.ended,
    stop,
    stats: () => ({ connections: 7, dropped: 0 }),
  }),
}));

function handle() {
  const state = session.failure === null ? "ended" : "failed";
  return { ended: session.ended, model: () => modelOf({ health: { state, failure: session.failure } }) };
}

async function stop() {
  session.stopped++;
}

let said = "";
beforeEach(() => {
  said = "";
  session.stopped = 0;
  session.failure = "eth0 is gone";
  process.exitCode = undefined;
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, "write").mockImplementation((text) => {
      said += text;
      return true;
    });
  }
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

test("a recorder whose session failed says what it kept, and exits with 1", async () => {
  await Record.run(["eth0", "--store", "unused.db"], projectDir);
  expect(process.exitCode).toBe(1);
  expect(said).toContain("eth0 is gone");
  expect(said).toContain("7 connections kept in unused.db\n");
  expect(session.stopped).toBe(1);
});

test("an exporter whose session failed does not serve old figures for ever", async () => {
  await expect(Serve.run(["eth0"], projectDir)).rejects.toMatchObject({ name: "RunError", message: "eth0 is gone" });
  expect(session.stopped).toBe(1);
});

test("one whose session ended serves on until it is told to end", async () => {
  session.failure = null;
  const serving = Serve.run(["eth0"], projectDir);
  const first = await Promise.race([
    serving.then(() => "over"),
    new Promise((resolve) => setTimeout(resolve, 300, "on")),
  ]);
  expect(first).toBe("on");
  process.emit("SIGTERM");
  await serving;
  expect(session.stopped).toBe(1);
});
