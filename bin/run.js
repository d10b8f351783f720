#!/usr/bin/env node
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

// oclif looks for TypeScript sources and warns of more unless it is told that this is no development
process.env.NODE_ENV ??= "production";
// and asks the user database for these, where a container's user need not be; nothing here has a shell or a home
process.env.SHELL ??= "/bin/sh";
process.env.HOME ??= "/";

const root = fileURLToPath(new URL("..", import.meta.url));
if (existsSync(`${root}dist/src/cli/main.js`)) {
  const { main } = await import("../dist/src/cli/main.js");
  await main(process.argv.slice(2), root);
} else {
  process.stderr.write(`l4scope: not built yet; run \`npm run build\` in ${root}\n`);
  process.exitCode = 1;
}
