import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { projectDir, requires } from "../support/requirement.ts";
import { runProcess } from "../support/run-process.ts";

const names = readdirSync(`${projectDir}/probes`, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== "include")
  .map(({ name }) => name);

const need = requires({ tool: ["clang", "llvm-strip", "libbpf-headers"] });

describe.skipIf(need.missing)("the built objects", () => {
  test("are what their sources give, to the byte", async () => {
    const folder = mkdtempSync(join(tmpdir(), "l4scope-probes-"));
    try {
      const built = await runProcess(["sh", "probes/build.sh", folder], { timeoutSeconds: 60 });
      expect(built).toMatchObject({ exitCode: 0, stderr: "" });
      for (const name of names) {
        const committed = readFileSync(`${projectDir}/probes/${name}/${name}.bpf.o`);
        const rebuilt = readFileSync(join(folder, `${name}.bpf.o`));
        expect(rebuilt.equals(committed), `${name}.bpf.o is stale: npm run build:probes (Debian 12's clang 14)`).toBe(
          true,
        );
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test("tell nothing of where they were built", () => {
    for (const name of names) {
      expect(readFileSync(`${projectDir}/probes/${name}/${name}.bpf.o`).includes(projectDir)).toBe(false);
    }
  });
});
