import { readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { getCiphers, type SecureContextOptions, type TlsOptions } from "node:tls";
import { parseDocument } from "yaml";
import { z } from "zod";

/** A web config file that cannot be used: one line that says where and what to do. */
export class WebConfigError extends Error {
  override readonly name: string = "WebConfigError";
}

/** What a web config file asks for; every part may be absent. */
export interface WebConfig {
  /** null: without TLS. */
  tls: (TlsOptions & SecureContextOptions) | null;
  http2: boolean;
  /** Response headers. */
  headers: Readonly<Record<string, string>>;
  /** bcrypt hashes by user; empty lets everybody in. */
  users: ReadonlyMap<string, string>;
  /** Every file that was read: when one of them changes, so may this. */
  files: readonly string[];
}

const CLIENT_AUTH = [
  "NoClientCert",
  "RequestClientCert",
  "RequireAnyClientCert",
  "VerifyClientCertIfGiven",
  "RequireAndVerifyClientCert",
] as const;
/** Go's names, which the format uses, and Node's. */
const VERSIONS = { TLS10: "TLSv1", TLS11: "TLSv1.1", TLS12: "TLSv1.2", TLS13: "TLSv1.3" } as const;
const CURVES = { CurveP256: "P-256", CurveP384: "P-384", CurveP521: "P-521", X25519: "X25519" } as const;
/** Headers that the format lets users set. */
const HEADERS = [
  "Strict-Transport-Security",
  "X-Content-Type-Options",
  "X-Frame-Options",
  "X-XSS-Protection",
  "Content-Security-Policy",
] as const;

const version = z.enum(Object.keys(VERSIONS) as (keyof typeof VERSIONS)[]);
const FILE = z.strictObject({
  tls_server_config: z
    .strictObject({
      cert: z.string().optional(),
      key: z.string().optional(),
      client_ca: z.string().optional(),
      cert_file: z.string().optional(),
      key_file: z.string().optional(),
      client_ca_file: z.string().optional(),
      client_auth_type: z.enum(CLIENT_AUTH).default("NoClientCert"),
      min_version: version.default("TLS12"),
      max_version: version.default("TLS13"),
      cipher_suites: z.array(z.string()).optional(),
      curve_preferences: z.array(z.enum(Object.keys(CURVES) as (keyof typeof CURVES)[])).optional(),
      prefer_server_cipher_suites: z.boolean().default(true),
    })
    .optional(),
  http_server_config: z
    .strictObject({
      http2: z.boolean().default(true),
      headers: z.partialRecord(z.enum(HEADERS), z.string()).optional(),
    })
    .optional(),
  basic_auth_users: z.record(z.string(), z.string().regex(/^\$2[aby]\$\d\d\$.{53}$/, "not a bcrypt hash")).optional(),
});

/** What is served where no file is given: plain HTTP, to everybody. */
export const NO_WEB_CONFIG: WebConfig = { tls: null, http2: false, headers: {}, users: new Map(), files: [] };

/**
 * Reads a web config file of the Prometheus exporter toolkit; files named in it are relative to it.
 *
 * @throws WebConfigError where it, or what it names, cannot be used
 * @see https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md
 */
export function readWebConfig(path: string): WebConfig {
  const file = parseFile(path);
  const { tls_server_config: tls, http_server_config: http, basic_auth_users: users = {} } = file;
  const files = [path];
  const read = (name: string): string => {
    const full = resolve(dirname(path), name);
    files.push(full);
    return readText(full, path);
  };
  return {
    tls: tls === undefined ? null : tlsOptions(tls, path, read),
    http2: http?.http2 ?? true,
    headers: http?.headers ?? {},
    users: new Map(Object.entries(users)),
    files,
  };
}

/** A text that changes when one of the files does. */
export function fingerprintOf(files: readonly string[]): string {
  return files
    .map((file) => {
      try {
        const { mtimeMs, size, ino } = statSync(file);
        return `${mtimeMs} ${size} ${ino}`;
      } catch {
        return "gone";
      }
    })
    .join("|");
}

function parseFile(path: string): z.output<typeof FILE> {
  const document = parseDocument(readText(path, null), { prettyErrors: true });
  const mistake = document.errors[0];
  if (mistake) {
    throw new WebConfigError(`cannot use ${path}: ${mistake.message.split("\n")[0]}`);
  }
  const result = FILE.safeParse(document.toJS() ?? {});
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const where = issue.path.map(String).join(".");
  throw new WebConfigError(`cannot use ${path}: ${where === "" ? "" : `${where}: `}${issue.message}`);
}

function readText(path: string, namedIn: string | null): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/, (open|read).*$/, "") : String(error);
    throw new WebConfigError(
      namedIn === null ? `cannot read ${path}: ${reason}` : `cannot use ${namedIn}: it names ${path}: ${reason}`,
    );
  }
}

type TlsSection = NonNullable<z.output<typeof FILE>["tls_server_config"]>;

function tlsOptions(tls: TlsSection, path: string, read: (name: string) => string): TlsOptions & SecureContextOptions {
  const fail = (what: string) => new WebConfigError(`cannot use ${path}: tls_server_config: ${what}`);
  const one = (name: "cert" | "key" | "client_ca"): string | undefined => {
    const file = tls[`${name}_file`];
    if (file !== undefined && tls[name] !== undefined) throw fail(`${name} and ${name}_file are both given; keep one`);
    return file === undefined ? tls[name] : read(file);
  };
  const [cert, key, ca] = [one("cert"), one("key"), one("client_ca")];
  if (cert === undefined || key === undefined) throw fail("cert_file and key_file are needed");
  const verifies =
    tls.client_auth_type === "VerifyClientCertIfGiven" || tls.client_auth_type === "RequireAndVerifyClientCert";
  if (verifies && ca === undefined) throw fail(`client_auth_type ${tls.client_auth_type} needs client_ca_file`);
  if (!verifies && ca !== undefined) throw fail("client_ca_file needs a client_auth_type that verifies");
  if (tls.client_auth_type === "RequireAnyClientCert" || tls.client_auth_type === "VerifyClientCertIfGiven") {
    throw fail(`client_auth_type ${tls.client_auth_type} is not supported; use RequireAndVerifyClientCert`);
  }
  return {
    cert,
    key,
    ...(ca === undefined ? {} : { ca }),
    requestCert: tls.client_auth_type !== "NoClientCert",
    rejectUnauthorized: verifies,
    minVersion: VERSIONS[tls.min_version],
    maxVersion: VERSIONS[tls.max_version],
    honorCipherOrder: tls.prefer_server_cipher_suites,
    ...(tls.cipher_suites === undefined
      ? {}
      : { ciphers: tls.cipher_suites.map((name) => cipherOf(name, fail)).join(":") }),
    ...(tls.curve_preferences === undefined
      ? {}
      : { ecdhCurve: tls.curve_preferences.map((name) => CURVES[name]).join(":") }),
  };
}

/** IANA's name of a cipher suite (RFC 8446, RFC 5289) as OpenSSL calls it. */
function cipherOf(name: string, fail: (what: string) => Error): string {
  const openssl =
    name.startsWith("TLS_AES") || name.startsWith("TLS_CHACHA20")
      ? name
      : name
          .replace(/^TLS_/, "")
          .replace(/^RSA_WITH_/, "")
          .replace("_WITH_", "_")
          .replace(/AES_(128|256)/, "AES$1")
          .replace(/CHACHA20_POLY1305(_SHA256)?/, "CHACHA20_POLY1305")
          .replace(/_CBC_/, "_")
          .replaceAll("_", "-");
  if (!getCiphers().includes(openssl.toLowerCase())) throw fail(`cipher suite ${name} is not known here`);
  return openssl;
}
