import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { get as getPlain } from "node:http";
import { get as getSecure, type RequestOptions } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import type { LiveModel } from "../../src/live/live-model.ts";
import { type Exporter, type ExporterOptions, startExporter } from "../../src/metrics/exporter.ts";
import { modelOf } from "../support/live-model.ts";
import { projectDir } from "../support/requirement.ts";

const dir = mkdtempSync(join(tmpdir(), "l4scope-exporter-"));
const CERT = join(projectDir, "fixtures/tls/localhost.crt");
const HASH = "$2b$04$Z3i8piX9FOS8R/hg2uiBeOECUY.DekbufkOvk2p/VqpfEd.SRIQM.";
const running: Exporter[] = [];
afterEach(async () => {
  for (const exporter of running.splice(0)) await exporter.close();
});
afterAll(() => rmSync(dir, { recursive: true }));

async function start(model: LiveModel, options: Partial<ExporterOptions> = {}): Promise<string> {
  const exporter = await startExporter({ model: () => model }, { listen: "127.0.0.1:0", version: "1", ...options });
  running.push(exporter);
  return exporter.url;
}

function webConfig(text: string): string {
  const path = join(dir, "web.yml");
  writeFileSync(path, text);
  return path;
}

function ask(url: string, options: RequestOptions = {}) {
  const get = url.startsWith("https") ? getSecure : getPlain;
  return new Promise<{ status: number; headers: Record<string, unknown>; bytes: Buffer; text: string }>(
    (resolve, reject) => {
      const request = get(url, { ca: readFileSync(CERT), ...options }, async (response) => {
        const bytes = Buffer.concat(await response.toArray());
        resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes, text: bytes.toString() });
      });
      request.on("error", reject);
    },
  );
}

describe("the exporter", () => {
  test("answers on loopback, packed where asked", async () => {
    const url = await start(modelOf());
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const plain = await ask(`${url}/metrics`);
    expect(plain.headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
    const packed = await ask(`${url}/metrics`, { headers: { "accept-encoding": "gzip" } });
    expect(packed.headers["content-encoding"]).toBe("gzip");
    expect(gunzipSync(packed.bytes).toString()).toContain("l4scope_build_info");
  });

  test("speaks OpenMetrics to those who prefer it", async () => {
    const url = await start(modelOf());
    const accept = "application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5";
    const { headers, text } = await ask(`${url}/metrics`, { headers: { accept } });
    expect(headers["content-type"]).toContain("application/openmetrics-text");
    expect(text).toMatch(/# EOF\n$/);
  });

  test("is ready when the session runs, and well unless it failed", async () => {
    const starting = await start(modelOf({ health: { state: "starting" } }));
    expect((await ask(`${starting}/readyz`)).status).toBe(503);
    expect((await ask(`${starting}/healthz`)).status).toBe(200);
    const running = await start(modelOf());
    expect((await ask(`${running}/readyz`)).status).toBe(200);
    const failed = await start(modelOf({ health: { state: "failed", failure: "eth0 is gone" } }));
    expect(await ask(`${failed}/healthz`)).toMatchObject({ status: 503, text: "failed: eth0 is gone\n" });
  });

  test("refuses what it does not know", async () => {
    const url = await start(modelOf());
    expect((await ask(`${url}/nothing`)).status).toBe(404);
    expect((await ask(`${url}/metrics`, { method: "POST" })).status).toBe(405);
    expect((await ask(`${url}/metrics`, { method: "HEAD" })).text).toBe("");
  });

  test("says in a line that its port is taken", async () => {
    const url = await start(modelOf());
    await expect(start(modelOf(), { listen: url.slice("http://".length) })).rejects.toThrow(/something listens there/);
    await expect(start(modelOf(), { listen: "nonsense" })).rejects.toThrow(/write ADDRESS:PORT/);
  });
});

describe("with a web config", () => {
  const tls = `tls_server_config: { cert_file: ${CERT}, key_file: ${CERT.replace(".crt", ".key")} }`;

  test.each([true, false])("serves over TLS (http2: %s)", async (http2) => {
    const url = await start(modelOf(), {
      webConfigFile: webConfig(`${tls}\nhttp_server_config: { http2: ${http2}, headers: { X-Frame-Options: deny } }`),
    });
    expect(url).toMatch(/^https:/);
    expect(await ask(`${url}/healthz`)).toMatchObject({ status: 200, headers: { "x-frame-options": "deny" } });
  });

  test("lets in who knows the password, and takes a changed file without a restart", async () => {
    const path = webConfig(`basic_auth_users: { alice: "${HASH}" }`);
    const problems: string[] = [];
    const url = await start(modelOf(), { webConfigFile: path, onProblem: (line) => problems.push(line) });
    expect(await ask(`${url}/metrics`)).toMatchObject({ status: 401, headers: { "www-authenticate": "Basic" } });
    expect((await ask(`${url}/metrics`, { auth: "alice:wrong" })).status).toBe(401);
    expect((await ask(`${url}/metrics`, { auth: "bob:secret" })).status).toBe(401);
    expect((await ask(`${url}/metrics`, { auth: "alice:secret" })).status).toBe(200);

    webConfig(`basic_auth_users: { bob: "${HASH}" }`);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect((await ask(`${url}/metrics`, { auth: "alice:secret" })).status).toBe(401);
    expect((await ask(`${url}/metrics`, { auth: "bob:secret" })).status).toBe(200);

    webConfig("basic_auth_users: [");
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect((await ask(`${url}/metrics`, { auth: "bob:secret" })).status).toBe(200);
    expect(problems).toEqual([expect.stringContaining("what was read before stays in force")]);
  });
});
