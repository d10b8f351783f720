import { MAPPED } from "./packet.ts";

/** A PROXY protocol header (https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt). */
export interface ProxyHeader {
  version: 1 | 2;
  /** `local`: the proxy speaks for itself (health checks); `unknown`: it will not say. */
  command: "proxy" | "local" | "unknown";
  /** Mapped words of the original source and destination; null without addresses or where the capture cut them. */
  source: readonly [number, number, number, number] | null;
  sourcePort: number;
  destination: readonly [number, number, number, number] | null;
  destinationPort: number;
  /** Bytes of the header, where its end was captured or is known; else -1. */
  length: number;
}

type Words = [number, number, number, number];

/** The longest v1 header: 107 bytes with CR LF. */
const MAX_V1 = 107;

/** Cheap test of the first word of a payload: can a PROXY header begin here? */
export function mayBeProxyHeader(firstWord: number): boolean {
  return firstWord === 0x50524f58 || firstWord === 0x0d0a0d0a;
}

/** Reads a PROXY header at the start of a payload, as far as it was captured; null where there is none. */
export function readProxyHeader(view: DataView, offset: number, captured: number): ProxyHeader | null {
  if (captured < 8) return null;
  const first = view.getInt32(offset);
  if (first === 0x50524f58) return readV1(view, offset, captured);
  if (first === 0x0d0a0d0a) return readV2(view, offset, captured);
  return null;
}

function readV1(view: DataView, offset: number, captured: number): ProxyHeader | null {
  let text = "";
  let end = -1;
  for (let i = 0; i < Math.min(captured, MAX_V1); i++) {
    const byte = view.getUint8(offset + i);
    if (byte === 13) {
      end = i + 2;
      break;
    }
    if (byte < 32 || byte > 126) return null;
    text += String.fromCharCode(byte);
  }
  const [signature, family, source, destination, sourcePort, destinationPort] = text.split(" ");
  if (signature !== "PROXY" || family === undefined) return null;
  const header: ProxyHeader = {
    version: 1,
    command: family === "UNKNOWN" ? "unknown" : "proxy",
    source: null,
    sourcePort: 0,
    destination: null,
    destinationPort: 0,
    length: end,
  };
  if (family !== "TCP4" && family !== "TCP6") return family === "UNKNOWN" ? header : null;
  // A port that the snap length may have cut is not a port: something must follow it.
  if (sourcePort !== undefined && (destinationPort !== undefined || end > 0)) {
    header.source = parseAddress(source ?? "");
    header.sourcePort = Number(sourcePort);
    header.destination = parseAddress(destination ?? "");
    if (end > 0) header.destinationPort = Number(destinationPort);
  }
  return header;
}

function readV2(view: DataView, offset: number, captured: number): ProxyHeader | null {
  if (captured < 16) return null;
  if (view.getInt32(offset + 4) !== 0x000d0a51 || view.getInt32(offset + 8) !== 0x5549540a) return null;
  const versionCommand = view.getUint8(offset + 12);
  if (versionCommand >>> 4 !== 2) return null;
  const header: ProxyHeader = {
    version: 2,
    command: (versionCommand & 0xf) === 0 ? "local" : "proxy",
    source: null,
    sourcePort: 0,
    destination: null,
    destinationPort: 0,
    length: 16 + view.getUint16(offset + 14),
  };
  const family = view.getUint8(offset + 13) >>> 4;
  const at = offset + 16;
  if (family === 1 && captured >= 28) {
    header.source = [0, 0, MAPPED, view.getInt32(at)];
    header.destination = [0, 0, MAPPED, view.getInt32(at + 4)];
    header.sourcePort = view.getUint16(at + 8);
    header.destinationPort = view.getUint16(at + 10);
  } else if (family === 2 && captured >= 52) {
    header.source = [view.getInt32(at), view.getInt32(at + 4), view.getInt32(at + 8), view.getInt32(at + 12)];
    header.destination = [
      view.getInt32(at + 16),
      view.getInt32(at + 20),
      view.getInt32(at + 24),
      view.getInt32(at + 28),
    ];
    header.sourcePort = view.getUint16(at + 32);
    header.destinationPort = view.getUint16(at + 34);
  }
  return header;
}

function parseAddress(text: string): Words | null {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

function parseIpv4(text: string): Words | null {
  const parts = text.split(".").map(Number);
  if (parts.length !== 4 || parts.some((part) => !(part >= 0 && part <= 255))) return null;
  return [0, 0, MAPPED, parts.reduce((word, part) => (word << 8) | part, 0)];
}

function parseIpv6(text: string): Words | null {
  const [head = "", tail, more] = text.split("::");
  if (more !== undefined) return null;
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const missing = 8 - left.length - right.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return null;
  const groups = [...left, ...Array<string>(missing).fill("0"), ...right].map((group) => Number.parseInt(group, 16));
  if (groups.some((group) => !(group >= 0 && group <= 0xffff))) return null;
  const word = (i: number) => ((groups[i] ?? 0) << 16) | (groups[i + 1] ?? 0);
  return [word(0), word(2), word(4), word(6)];
}
