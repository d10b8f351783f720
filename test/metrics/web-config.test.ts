import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { readWebConfig } from "../../src/metrics/web-config.ts";
import { projectDir } from "../support/requirement.ts";

const dir = mkdtempSync(join(tmpdir(), "l4scope-web-"));
afterAll(() => rmSync(dir, { recursive: true }));
const CERT = join(projectDir, "fixtures/tls/localhost.crt");
const KEY = join(projectDir, "fixtures/tls/localhost.key");
const HASH = "$2b$04$Z3i8piX9FOS8R/hg2uiBeOECUY.DekbufkOvk2p/VqpfEd.SRIQM.";

function config(text: string) {
  const path = join(dir, "web.yml");
  writeFileSync(path, text);
  return readWebConfig(path);
}

describe("a web config file", () => {
  test("gives TLS, headers and users", () => {
    const { tls, http2, headers, users, files } = config(`
tls_server_config:
  cert_file: ${CERT}
  key_file: ${KEY}
  min_version: TLS13
  cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, TLS_RSA_WITH_AES_256_CBC_SHA]
  curve_preferences: [X25519, CurveP256]
http_server_config:
  http2: false
  headers: { X-Frame-Options: deny }
basic_auth_users:
  alice: ${HASH}
`);
    expect(tls).toMatchObject({
      cert: expect.stringContaining("BEGIN CERTIFICATE"),
      minVersion: "TLSv1.3",
      ciphers: "TLS_AES_128_GCM_SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:AES256-SHA",
      ecdhCurve: "X25519:P-256",
    });
    expect(http2).toBe(false);
    expect(headers).toEqual({ "X-Frame-Options": "deny" });
    expect([...users]).toEqual([["alice", HASH]]);
    expect(files).toHaveLength(3);
  });

  test("may be empty", () => expect(config("").tls).toBeNull());

  test.each([
    ["tls_server_config: { cert_file: x }", /it names .*\/x: ENOENT/],
    [`tls_server_config: { cert_file: ${CERT} }`, /cert_file and key_file are needed/],
    ["tls_server_confg: {}", /[Uu]nrecognized key.*tls_server_confg/],
    ["basic_auth_users: { a: secret }", /basic_auth_users\.a: not a bcrypt hash/],
    ["a: [", /web\.yml: /],
    [`tls_server_config: { cert_file: ${CERT}, key_file: ${KEY}, cipher_suites: [NONE] }`, /cipher suite NONE/],
    [
      `tls_server_config: { cert_file: ${CERT}, key_file: ${KEY}, client_auth_type: RequireAndVerifyClientCert }`,
      /needs client_ca_file/,
    ],
  ])("says in a line what is wrong with %s", (text, message) => {
    let said = "";
    try {
      config(text);
    } catch (error) {
      said = (error as Error).message;
    }
    expect(said).toMatch(message);
    expect(said.split("\n")).toHaveLength(1);
  });
});
