import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from "node:http2";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { promisify } from "node:util";
import { constants, gzip } from "node:zlib";
import type { LiveHandle } from "../live/live-handle.ts";
import { BasicAuth } from "./basic-auth.ts";
import { Exposition, type ExpositionOptions } from "./exposition.ts";
import { parseListen } from "./listen-address.ts";
import { type Answer, answer } from "./routes.ts";
import { fingerprintOf, NO_WEB_CONFIG, readWebConfig, type WebConfig } from "./web-config.ts";

export interface ExporterOptions extends ExpositionOptions {
  /** `ADDRESS:PORT`; port 0 takes a free one. */
  listen: string;
  /** A web config file of the Prometheus exporter toolkit. */
  webConfigFile?: string;
  /** Told of what goes wrong later, in a line: a web config that was changed into one that cannot be used. */
  onProblem?: (line: string) => void;
}

export interface Exporter {
  /** Where it answers: `http://127.0.0.1:9464`. */
  url: string;
  close(): Promise<void>;
}

/** It could not be started: one line that says why and what to do. */
export class ExporterError extends Error {
  override readonly name: string = "ExporterError";
}

type AnyRequest = IncomingMessage | Http2ServerRequest;
type AnyResponse = ServerResponse | Http2ServerResponse;
type AnyServer = Server | TlsServer | Http2SecureServer;

/** Below this, packing takes longer than sending. */
const WORTH_PACKING_BYTES = 2048;
/** Config files are looked at again at most this often. */
const LOOK_AGAIN_MILLISECONDS = 1000;
const pack = promisify(gzip);

/**
 * Serves a live session's metrics over HTTP.
 *
 * @throws ExporterError where the address cannot be had
 * @throws WebConfigError where the web config file cannot be used
 */
export async function startExporter(handle: Pick<LiveHandle, "model">, options: ExporterOptions): Promise<Exporter> {
  const at = parseListen(options.listen);
  if (at === null) throw new ExporterError(`cannot listen on ${options.listen}: write ADDRESS:PORT or [ADDRESS6]:PORT`);
  const config = new CurrentConfig(options.webConfigFile ?? null, options.onProblem);
  const exposition = new Exposition(handle, options);
  const auth = new BasicAuth();
  const serve = (request: AnyRequest, response: AnyResponse) => {
    respond(request, response).catch((error: unknown) => {
      options.onProblem?.(`a request failed: ${error instanceof Error ? error.message : String(error)}`);
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  };

  async function respond(request: AnyRequest, response: AnyResponse): Promise<void> {
    const { headers, users } = config.now();
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    if (!(await auth.admits(request.headers.authorization, users))) {
      response.setHeader("WWW-Authenticate", "Basic");
      return send(request, response, { status: 401, contentType: "text/plain", body: "Unauthorized\n" });
    }
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("Allow", "GET, HEAD");
      return send(request, response, { status: 405, contentType: "text/plain", body: "only GET and HEAD\n" });
    }
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const found = await answer({ path: pathname, accept: request.headers.accept ?? "" }, handle, exposition);
    await send(request, response, found ?? { status: 404, contentType: "text/plain", body: "not found\n" });
  }

  const server = serverOf(config.now(), serve);
  const sockets = socketsOf(server);
  config.onChange(({ tls }) => {
    if (tls !== null && "setSecureContext" in server) server.setSecureContext(tls);
  });
  await listening(server, at, options.listen);
  exposition.warmer.start();
  const { address, port, family } = server.address() as AddressInfo;
  const host = family === "IPv6" ? `[${address}]` : address;
  return {
    url: `${config.now().tls === null ? "http" : "https"}://${host}:${port}`,
    close: () => {
      exposition.warmer.stop();
      return closed(server, sockets);
    },
  };
}

/** The web config as its file has it now: certificates are renewed and users change while it runs. */
class CurrentConfig {
  private config: WebConfig;
  private fingerprint: string;
  private lookedAt = Date.now();
  private tell: ((config: WebConfig) => void) | null = null;
  private readonly file: string | null;
  private readonly onProblem: ((line: string) => void) | undefined;

  constructor(file: string | null, onProblem: ((line: string) => void) | undefined) {
    this.file = file;
    this.onProblem = onProblem;
    this.config = file === null ? NO_WEB_CONFIG : readWebConfig(file);
    this.fingerprint = fingerprintOf(this.config.files);
  }

  onChange(tell: (config: WebConfig) => void): void {
    this.tell = tell;
  }

  now(): WebConfig {
    if (this.file === null || Date.now() - this.lookedAt < LOOK_AGAIN_MILLISECONDS) return this.config;
    this.lookedAt = Date.now();
    const fingerprint = fingerprintOf(this.config.files);
    if (fingerprint === this.fingerprint) return this.config;
    this.fingerprint = fingerprint;
    try {
      const changed = readWebConfig(this.file);
      if ((changed.tls === null) !== (this.config.tls === null)) {
        this.onProblem?.(`${this.file}: TLS was turned ${changed.tls === null ? "off" : "on"}: restart for that`);
        return this.config;
      }
      this.tell?.(changed);
      this.config = changed;
      this.fingerprint = fingerprintOf(changed.files);
    } catch (error) {
      this.onProblem?.(
        `${error instanceof Error ? error.message : String(error)}; what was read before stays in force`,
      );
    }
    return this.config;
  }
}

function serverOf(config: WebConfig, serve: (request: AnyRequest, response: AnyResponse) => void): AnyServer {
  if (config.tls === null) return createServer(serve);
  return config.http2
    ? createSecureServer({ ...config.tls, allowHTTP1: true }, serve)
    : createTlsServer(config.tls, serve);
}

async function send(request: AnyRequest, response: AnyResponse, { status, contentType, body }: Answer): Promise<void> {
  const isPacked =
    body.length >= WORTH_PACKING_BYTES && /\bgzip\b/.test(String(request.headers["accept-encoding"] ?? ""));
  const bytes = isPacked ? await pack(body, { level: constants.Z_BEST_SPEED }) : Buffer.from(body);
  response.setHeader("Content-Type", contentType);
  response.setHeader("Content-Length", bytes.length);
  response.setHeader("Vary", "Accept, Accept-Encoding");
  if (isPacked) response.setHeader("Content-Encoding", "gzip");
  response.writeHead(status);
  if (request.method === "HEAD") response.end();
  else (response as ServerResponse).end(bytes);
}

function listening(server: AnyServer, { host, port }: { host: string; port: number }, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const why =
        error.code === "EADDRINUSE"
          ? "something listens there already; choose another port with --listen"
          : error.code === "EACCES"
            ? "not allowed; ports below 1024 need CAP_NET_BIND_SERVICE"
            : error.code === "EADDRNOTAVAIL"
              ? "this machine has no such address"
              : error.message;
      reject(new ExporterError(`cannot listen on ${text}: ${why}`));
    });
    server.listen(port, host, () => resolve());
  });
}

/** Ends the server and what holds on to it: Prometheus keeps its connection, and HTTP/2 has no other way to end that. */
function closed(server: AnyServer, sockets: ReadonlySet<Socket>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    for (const socket of sockets) socket.destroy();
  });
}

function socketsOf(server: AnyServer): ReadonlySet<Socket> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  return sockets;
}
