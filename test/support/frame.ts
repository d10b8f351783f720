// Runs the commands of test/support/frame-commands as bin/run.js runs the real ones: node --import tsx THIS ARGS...
import { readFileSync } from "node:fs";
import { Plugin } from "@oclif/core/config";
import { main } from "../../src/cli/main.ts";
import { projectDir } from "./requirement.ts";

process.env.NODE_ENV = "production";
await main(process.argv.slice(2), async () => {
  const root = projectDir;
  const pjson = JSON.parse(readFileSync(`${root}/package.json`, "utf8"));
  pjson.oclif.commands = { strategy: "pattern", target: "./test/support/frame-commands", globPatterns: ["*.ts"] };
  const plugin = new Plugin({ root, pjson, isRoot: true, ignoreManifest: true });
  await plugin.load();
  return { root, plugins: new Map([[plugin.name, plugin]]) };
});
