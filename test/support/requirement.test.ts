import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { findMissing, requires } from "./requirement.ts";

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

test("what is there is not missing", () => {
  expect(requires({ path: "package.json", kernel: () => true })).toEqual({ missing: null });
});

test("a tool that is not on the PATH is missing, by its package's name", () => {
  vi.stubEnv("PATH", "");
  expect(findMissing({ tool: ["tmux", "mergecap"] })).toEqual([
    { kind: "tool", need: "tmux", package: "tmux" },
    { kind: "tool", need: "mergecap", package: "tshark" },
  ]);
});

test("root, paths and the kernel", () => {
  vi.spyOn(process, "getuid").mockReturnValue(1000);
  expect(findMissing({ root: true, path: "../nowhere" }).map((skip) => skip.need)).toEqual(["root", "../nowhere"]);
  expect(findMissing({ kernel: () => "IPVS in the kernel" })[0]?.need).toBe("IPVS in the kernel");
  expect(findMissing({ kernel: () => false })[0]?.need).toBe("kernel support");
  vi.spyOn(process, "getuid").mockReturnValue(0);
  expect(findMissing({ root: true })).toEqual([]);
});

test("the kernel is not tried where the tools to try it are missing", () => {
  const kernel = vi.fn(() => true);
  findMissing({ path: "../nowhere", kernel });
  expect(kernel).not.toHaveBeenCalled();
});

test("a skip is printed and recorded once", () => {
  const folder = mkdtempSync(join(tmpdir(), "l4scope-skips-"));
  try {
    vi.stubEnv("L4SCOPE_SKIPS", join(folder, "skips.jsonl"));
    vi.stubEnv("PATH", "");
    const stderr = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    expect(requires({ tool: "tmux" })).toEqual({ missing: "tmux" });
    expect(requires({ tool: ["tmux", "editcap"] })).toEqual({ missing: "tmux, editcap" });
    expect(stderr.mock.calls.map(([text]) => text)).toEqual([
      "skipped: tmux (apt-get install tmux)\n",
      "skipped: editcap (apt-get install tshark)\n",
    ]);
    expect(readFileSync(join(folder, "skips.jsonl"), "utf8")).toBe(
      '{"kind":"tool","need":"tmux","package":"tmux"}\n{"kind":"tool","need":"editcap","package":"tshark"}\n',
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
