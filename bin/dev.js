#!/usr/bin/env node
// Runs the commands from their TypeScript sources, without a build.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Plugin } from "@oclif/core/config";
import { register } from "tsx/esm/api";

process.env.NODE_ENV ??= "production";
register();

const { main } = await import("../src/cli/main.ts");
await main(process.argv.slice(2), async () => {
  const root = fileURLToPath(new URL("..", import.meta.url));
  const pjson = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
  pjson.oclif.commands = { strategy: "pattern", target: "./commands", globPatterns: ["**/*.{ts,tsx}", "!base.ts"] };
  // the manifest of the last build would send oclif to the built commands
  const own = new Plugin({ root, pjson, isRoot: true, ignoreManifest: true });
  const others = pjson.oclif.plugins.map((name) => new Plugin({ root, name, type: "core" }));
  const plugins = [own, ...others];
  await Promise.all(plugins.map((plugin) => plugin.load()));
  return { root, plugins: new Map(plugins.map((plugin) => [plugin.name, plugin])) };
});
