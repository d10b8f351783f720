import { readdirSync } from "node:fs";
import { join } from "node:path";
import { openCapture } from "../../src/capture/open.ts";
import { TimeBase } from "../../src/capture/time-base.ts";
import { isSupportedLinkType } from "../../src/decode/link.ts";

/** One packet of a capture, with what the decoder needs to know of it. */
export interface Frame {
  /** Path of its capture below the folder of captures. */
  file: string;
  /** Its number in that capture, from 1. */
  number: number;
  linkType: number;
  wireLength: number;
  bytes: Uint8Array;
}

/** Every capture below a folder, as paths relative to it, sorted. */
export function captureFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => /\.(pcap|pcapng|cap)(\.gz|\.zst)?$/.test(path))
    .sort();
}

/** The packets of a capture whose link type can be decoded; none where it cannot be read at all. */
export async function framesOf(folder: string, file: string): Promise<Frame[]> {
  const frames: Frame[] = [];
  const reader = await openCapture(join(folder, file), { timeBase: new TimeBase() }).catch(() => null);
  if (reader === null) return frames;
  for (let batch = await reader.next(); batch !== null; batch = await reader.next()) {
    for (let i = 0; i < batch.count; i++) {
      const linkType = reader.interfaces[batch.interface[i]!]!.linkType;
      if (!isSupportedLinkType(linkType)) continue;
      const offset = batch.offset[i]!;
      frames.push({
        file,
        number: batch.firstFrame + i,
        linkType,
        wireLength: batch.wire[i]!,
        bytes: Uint8Array.from(batch.bytes.subarray(offset, offset + batch.captured[i]!)),
      });
    }
  }
  await reader.close();
  return frames;
}
