import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { THRESHOLDS } from "../../src/diagnose/thresholds.ts";
import { KNOWN_KEYS } from "../../src/topology/file-schema.ts";
import { readTopologyFile } from "../../src/topology/read-file.ts";
import { projectDir } from "../support/requirement.ts";

test("the file in docs/topology.md is one that is read, and shows every key there is", () => {
  const page = readFileSync(join(projectDir, "docs/topology.md"), "utf8");
  const [, example = ""] = /```yaml\n(.*?)```/s.exec(page) ?? [];
  expect(readTopologyFile(example, "docs/topology.md", THRESHOLDS)).toMatchObject({
    vips: [{ vip: "192.0.2.10:443", backends: [{ weight: 2 }, { maxConnections: 100 }, { isBackup: true }] }],
    nodes: [{ name: "lb1" }],
    virtualRouters: [{ virtualRouterId: 51 }],
    thresholds: { "backend.slow": { factor: 5 } },
  });
  for (const key of [...KNOWN_KEYS.values()].flat()) expect(example).toMatch(new RegExp(`^\\s*(- )?${key}:`, "m"));
});
