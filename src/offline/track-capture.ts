import type { CaptureReader } from "../capture/reader.ts";
import { inTimeOrder } from "../capture/time-order.ts";
import { Decoder } from "../decode/decode.ts";
import { isSupportedLinkType } from "../decode/link.ts";
import { Packet } from "../decode/packet.ts";
import type { FlowTracker } from "../flow/tracker.ts";

/** Packets of link types that cannot be decoded, by LINKTYPE_ value. */
export type SkippedLinkTypes = Map<number, number>;

/**
 * Reads a capture to its end and tracks every packet, each batch in the order of its times.
 * @param onProgress called after each batch
 * @returns packets of link types that could not be decoded
 */
export async function trackCapture(
  reader: CaptureReader,
  tracker: FlowTracker,
  onProgress?: () => void,
): Promise<SkippedLinkTypes> {
  const decoder = new Decoder();
  const packet = new Packet();
  const ordered = inTimeOrder(reader);
  const skipped: SkippedLinkTypes = new Map();
  let interfaceNumber = -1;
  let linkType = -1;
  let isSupported = false;
  for (let batch = await ordered.next(); batch !== null; batch = await ordered.next()) {
    const { offset, captured, wire, time, view } = batch;
    for (let i = 0; i < batch.count; i++) {
      if (batch.interface[i] !== interfaceNumber) {
        interfaceNumber = batch.interface[i]!;
        linkType = reader.interfaces[interfaceNumber]!.linkType;
        isSupported = isSupportedLinkType(linkType);
      }
      packet.time = time[i]!;
      packet.frame = batch.frame(i);
      packet.interface = interfaceNumber;
      decoder.decode(packet, view, offset[i]!, captured[i]!, wire[i]!, linkType);
      tracker.track(packet, view);
      if (!isSupported) skipped.set(linkType, (skipped.get(linkType) ?? 0) + 1);
    }
    onProgress?.();
  }
  return skipped;
}
