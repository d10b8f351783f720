import ipaddr from "ipaddr.js";
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
/** Version 2 in the high half; any other command is no header that may be relied upon. */
const V2_LOCAL = 0x20;
const V2_PROXY = 0x21;

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
  if (source === undefined || destination === undefined || sourcePort === undefined) return header;
  if (!isPort(sourcePort) || (destinationPort === undefined && end < 0)) return header;
  header.source = addressWords(source, family);
  header.sourcePort = Number(sourcePort);
  header.destination = addressWords(destination, family);
  if (end > 0 && destinationPort !== undefined && isPort(destinationPort)) {
    header.destinationPort = Number(destinationPort);
  }
  return header;
}

function readV2(view: DataView, offset: number, captured: number): ProxyHeader | null {
  if (captured < 16) return null;
  if (view.getInt32(offset + 4) !== 0x000d0a51 || view.getInt32(offset + 8) !== 0x5549540a) return null;
  const versionCommand = view.getUint8(offset + 12);
  if (versionCommand !== V2_LOCAL && versionCommand !== V2_PROXY) return null;
  const header: ProxyHeader = {
    version: 2,
    command: versionCommand === V2_LOCAL ? "local" : "proxy",
    source: null,
    sourcePort: 0,
    destination: null,
    destinationPort: 0,
    length: 16 + view.getUint16(offset + 14),
  };
  // the addresses of a LOCAL header are to be ignored, whatever they are
  if (header.command === "local") return header;
  const family = view.getUint8(offset + 13) >>> 4;
  const at = offset + 16;
  const room = Math.min(captured, header.length);
  if (family === 1 && room >= 28) {
    header.source = [0, 0, MAPPED, view.getInt32(at)];
    header.destination = [0, 0, MAPPED, view.getInt32(at + 4)];
    header.sourcePort = view.getUint16(at + 8);
    header.destinationPort = view.getUint16(at + 10);
  } else if (family === 2 && room >= 52) {
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

function addressWords(text: string, family: string): Words | null {
  if (family === "TCP4") return ipaddr.IPv4.isValidFourPartDecimal(text) ? words(ipaddr.IPv4.parse(text)) : null;
  return ipaddr.IPv6.isValid(text) ? words(ipaddr.IPv6.parse(text)) : null;
}

function words(address: ipaddr.IPv4 | ipaddr.IPv6): Words {
  const parts = (address instanceof ipaddr.IPv4 ? address.toIPv4MappedAddress() : address).parts;
  const word = (i: number) => ((parts[i] ?? 0) << 16) | (parts[i + 1] ?? 0);
  return [word(0), word(2), word(4), word(6)];
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) <= 0xffff;
}
