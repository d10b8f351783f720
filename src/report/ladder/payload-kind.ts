import { readProxyHeader } from "../../decode/proxy-header.ts";
import { endpointText } from "../../path/endpoints.ts";

const MAX_TEXT = 32;
const HTTP_REQUEST = /^(GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH|CONNECT|TRACE) (\S+)/;
const HTTP_RESPONSE = /^HTTP\/1\.[01] (\d{3}[^\r\n]*)/;

/** What a message is, told by its first bytes. */
export interface PayloadKind {
  text: string;
  /** True where it is the start of a message by itself; false for a guess that only a first payload deserves. */
  isMessage: boolean;
}

/**
 * What a payload begins with: a PROXY header, TLS, HTTP, HTTP/2, SSH, DNS, or plain text. null where it is nothing known.
 *
 * @param payload what was captured of it
 * @param isDatagram UDP: DNS and QUIC are looked for instead
 */
export function payloadKind(payload: Uint8Array, isDatagram: boolean): PayloadKind | null {
  if (payload.length < 3) return null;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  if (isDatagram) {
    const text = dnsKind(view) ?? quicKind(view);
    return text === null ? null : { text, isMessage: true };
  }
  const proxy = proxyKind(view);
  if (proxy !== null) return { text: proxy, isMessage: true };
  const tls = tlsKind(view);
  if (tls !== null) return { text: tls, isMessage: tls !== "TLS data" };
  const head = latin1(payload.subarray(0, 200));
  if (head.startsWith("PRI * HTTP/2.0")) return { text: "HTTP/2 preface", isMessage: true };
  const request = HTTP_REQUEST.exec(head);
  if (request) return { text: `${request[1]} ${clip(request[2] ?? "")}`, isMessage: true };
  const response = HTTP_RESPONSE.exec(head);
  if (response) return { text: `HTTP ${clip(response[1] ?? "")}`, isMessage: true };
  if (head.startsWith("SSH-")) return { text: clip(firstLine(head)), isMessage: true };
  const line = firstLine(head);
  return /^[\x20-\x7e]{4,}$/.test(line) ? { text: `"${clip(line)}"`, isMessage: false } : null;
}

function proxyKind(view: DataView): string | null {
  const header = view.byteLength < 8 ? null : readProxyHeader(view, 0, view.byteLength);
  if (header === null) return null;
  const name = `PROXY v${header.version}`;
  if (header.command === "local") return `${name} LOCAL`;
  const client = header.source === null ? "" : ` ${endpointText(header.source, header.sourcePort)}`;
  const rest = header.length > 0 && header.length < view.byteLength ? header.length : null;
  const behind =
    rest === null
      ? null
      : payloadKind(new Uint8Array(view.buffer, view.byteOffset + rest, view.byteLength - rest), false);
  return behind === null ? name + client : `${name}${client} + ${behind.text}`;
}

const HANDSHAKES: Readonly<Record<number, string>> = { 1: "ClientHello", 2: "ServerHello", 4: "session ticket" };

/** TLS records (RFC 8446 5.1): type, version, length. */
function tlsKind(view: DataView): string | null {
  if (view.byteLength < 5 || view.getUint8(1) !== 3 || view.getUint8(2) > 4) return null;
  const type = view.getUint8(0);
  if (type === 0x17) return "TLS data";
  if (type === 0x15) {
    const isPlain = view.getUint16(3) === 2 && view.byteLength >= 7;
    return isPlain ? `TLS alert ${view.getUint8(6)}` : "TLS alert";
  }
  if (type === 0x14) return "TLS change cipher";
  if (type !== 0x16 || view.byteLength < 6) return null;
  const message = view.getUint8(5);
  const name = HANDSHAKES[message] ?? "TLS handshake";
  const server = message === 1 ? serverName(view) : null;
  return server === null ? name : `${name} ${clip(server)}`;
}

/** The server name of a ClientHello (RFC 6066 3), null where it has none or is cut before it. */
function serverName(view: DataView): string | null {
  const end = view.byteLength;
  // record 5, handshake 4, version 2, random 32
  let at = 43;
  const skip = (lengthBytes: 1 | 2) => {
    if (at + lengthBytes > end) return false;
    at += lengthBytes + (lengthBytes === 1 ? view.getUint8(at) : view.getUint16(at));
    return at <= end;
  };
  if (!skip(1) || !skip(2) || !skip(1)) return null;
  at += 2;
  while (at + 4 <= end) {
    const type = view.getUint16(at);
    const length = view.getUint16(at + 2);
    at += 4;
    if (type === 0 && at + 5 <= end) {
      const size = view.getUint16(at + 3);
      if (at + 5 + size > end) return null;
      return latin1(new Uint8Array(view.buffer, view.byteOffset + at + 5, size));
    }
    at += length;
  }
  return null;
}

/** A DNS message with one question (RFC 1035 4.1): its name and whether it asks or answers. */
function dnsKind(view: DataView): string | null {
  if (view.byteLength < 17 || view.getUint16(4) !== 1 || view.getUint16(6) > 100) return null;
  const isAnswer = (view.getUint16(2) & 0x8000) !== 0;
  if ((view.getUint16(2) & 0x7840) !== 0) return null;
  const labels: string[] = [];
  let at = 12;
  for (;;) {
    if (at >= view.byteLength) return null;
    const length = view.getUint8(at);
    if (length === 0) break;
    if (length > 63 || at + 1 + length > view.byteLength) return null;
    const label = latin1(new Uint8Array(view.buffer, view.byteOffset + at + 1, length));
    if (!/^[\x21-\x7e]+$/.test(label)) return null;
    labels.push(label);
    at += 1 + length;
  }
  if (labels.length === 0) return null;
  const code = view.getUint16(2) & 15;
  return `DNS ${isAnswer ? (code === 0 ? "answer" : `error ${code}`) : "query"} ${clip(labels.join("."))}`;
}

/** A long header of QUIC version 1 or 2 (RFC 9000 17.2, RFC 9369). */
function quicKind(view: DataView): string | null {
  if (view.byteLength < 7 || (view.getUint8(0) & 0xc0) !== 0xc0) return null;
  const version = view.getUint32(1);
  if (version !== 1 && version !== 0x6b3343cf) return null;
  const names = ["Initial", "0-RTT", "Handshake", "Retry"];
  const type = (view.getUint8(0) >>> 4) & 3;
  return `QUIC ${names[version === 1 ? type : (type + 3) & 3]}`;
}

function firstLine(text: string): string {
  return text.split(/[\r\n]/, 1)[0] ?? "";
}

function clip(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT - 1)}…`;
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes).replace(/[\x80-\x9f]/g, "\u{fffd}");
}
