import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nginxKetama } from "../../src/balance/selection/nginx-ketama.ts";
import { requires } from "../support/requirement.ts";
import { canMakeNamespaces, HashNamespace } from "./hash-namespace.ts";
import { backendsOf, flow } from "./selection-backends.ts";

const need = requires({ root: true, tool: ["ip", "nginx", "nginx-stream"], kernel: canMakeNamespaces });

const NAMES = ["127.0.0.1:9001", "127.0.0.1:9002", "127.0.0.1:9003", "127.0.0.1:9004"];
const WEIGHTS = [1, 3, 2, 1];
const CLIENTS = Array.from({ length: 240 }, (_, i) => `127.${(i * 7) & 255}.${(i * 13) & 255}.${1 + (i % 250)}`);

/** Connects from each address of its input and prints what the backend says: its number. */
const CLIENT = `
import { connect } from "node:net";
import { text } from "node:stream/consumers";
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const ask = (localAddress) => new Promise((done, failed) => {
  const socket = connect({ host: "127.0.0.1", port: 9000, localAddress });
  let answer = "";
  socket.on("data", (bytes) => { answer += bytes; }).on("close", () => done(answer)).on("error", failed);
});
for (let tries = 0; tries < 100; tries++) {
  try { await ask("127.0.0.1"); break; } catch { await wait(50); }
}
for (const line of (await text(process.stdin)).trim().split("\\n")) console.log(await ask(line));`;

describe.skipIf(need.missing)("NGINX's hash $remote_addr consistent, with real connections", () => {
  const folder = mkdtempSync(join(tmpdir(), "l4scope-nginx-"));
  let namespace: HashNamespace;
  let nginx: ChildProcess;
  beforeAll(() => {
    namespace = new HashNamespace("nginx");
    const servers = NAMES.map((name, i) => `server ${name} weight=${WEIGHTS[i]};`).join("\n");
    const backends = NAMES.map((name, i) => `server { listen ${name}; return ${i}; }`).join("\n");
    writeFileSync(
      join(folder, "nginx.conf"),
      `load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 512; }
stream {
upstream pool { hash $remote_addr consistent; ${servers} }
server { listen 127.0.0.1:9000; proxy_pass pool; }
${backends}
}`,
    );
    const [file = "", ...args] = [...namespace.prefix(), "nginx", "-p", folder, "-c", join(folder, "nginx.conf")];
    nginx = spawn(file, args, { stdio: "ignore" });
  });
  afterAll(async () => {
    const ended = new Promise((done) => nginx.once("close", done));
    nginx.kill("SIGTERM");
    await ended;
    namespace.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("chooses as ours for 240 clients", () => {
    const argv = [process.execPath, "--input-type=module", "-e", CLIENT];
    const theirs = namespace.exec(argv, CLIENTS.join("\n")).trim().split("\n").map(Number);
    const selection = nginxKetama.build(backendsOf(NAMES, WEIGHTS));
    expect(theirs).toEqual(CLIENTS.map((client) => selection.select(flow(client, 40001, "127.0.0.1", 9000))));
    expect(new Set(theirs).size).toBe(NAMES.length);
  });
});
