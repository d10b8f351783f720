import { PcapngClock } from "./pcapng-clock.ts";
import { IF_FCSLEN, IF_NAME, IF_TSOFFSET, IF_TSRESOL, ISB_IFDROP, ISB_OSDROP, visitOptions } from "./pcapng-options.ts";
import type { CaptureInterface } from "./reader.ts";

const DEFAULT_RESOLUTION = 6;
/** Linux names have 15 bytes, Windows device paths about 50; more is no name. */
const MAX_NAME_BYTES = 256;
const UNKNOWN_COUNT = 0xffffffffffffffffn;

/** Reads the Interface Description Block of `length` bytes (at least 20) at `at`. */
export function readInterface(
  view: DataView,
  at: number,
  length: number,
  littleEndian: boolean,
): { description: CaptureInterface; clock: PcapngClock } {
  const snapLength = view.getUint32(at + 12, littleEndian);
  const description: CaptureInterface = {
    name: null,
    linkType: view.getUint16(at + 8, littleEndian),
    snapLength: snapLength > 0x7fffffff ? 0 : snapLength,
    fcsLength: 0,
    dropped: null,
  };
  let resolution = DEFAULT_RESOLUTION;
  let offsetSeconds = 0n;
  visitOptions(view, at + 16, at + length - 4, littleEndian, (code, value, valueLength) => {
    if (code === IF_NAME) description.name = readName(view, value, valueLength);
    else if (code === IF_TSRESOL && valueLength === 1) resolution = view.getUint8(value);
    else if (code === IF_TSOFFSET && valueLength === 8) offsetSeconds = view.getBigInt64(value, littleEndian);
    else if (code === IF_FCSLEN && valueLength === 1) description.fcsLength = fcsBytes(view.getUint8(value));
  });
  return { description, clock: new PcapngClock(resolution, offsetSeconds) };
}

/** Packets lost by an Interface Statistics Block of `length` bytes (at least 24) at `at`, or null where it says none. */
export function readDropped(view: DataView, at: number, length: number, littleEndian: boolean): number | null {
  let dropped: bigint | null = null;
  visitOptions(view, at + 20, at + length - 4, littleEndian, (code, value, valueLength) => {
    if ((code !== ISB_IFDROP && code !== ISB_OSDROP) || valueLength !== 8) return;
    const count = view.getBigUint64(value, littleEndian);
    if (count !== UNKNOWN_COUNT) dropped = (dropped ?? 0n) + count;
  });
  return dropped === null ? null : Number(dropped);
}

function readName(view: DataView, at: number, length: number): string | null {
  const bytes = Buffer.from(view.buffer, view.byteOffset + at, Math.min(length, MAX_NAME_BYTES));
  const zero = bytes.indexOf(0);
  // names end up in tables and on terminals
  const name = bytes
    .toString("utf8", 0, zero < 0 ? bytes.length : zero)
    .replace(/\p{Cc}+/gu, " ")
    .trim();
  return name === "" ? null : name;
}

/** The option is in bits by the first drafts and in octets as most writers have it; no link has 16 octets of FCS. */
function fcsBytes(value: number): number {
  return value >= 16 ? Math.floor(value / 8) % 16 : value;
}
