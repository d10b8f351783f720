import type { CaptureReader } from "../capture/reader.ts";
import { TimeOrder } from "../capture/time-order.ts";
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
  const timeOrder = new TimeOrder();
  const skipped: SkippedLinkTypes = new Map();
  let interfaceNumber = -1;
  let linkType = -1;
  let isSupported = false;
  for (let batch = await reader.next(); batch !== null; batch = await reader.next()) {
    const { offset, captured, wire, time, view } = batch;
    const order = timeOrder.of(batch);
    for (let n = 0; n < batch.count; n++) {
      const i = order === null ? n : order[n]!;
      if (batch.interface[i] !== interfaceNumber) {
        interfaceNumber = batch.interface[i]!;
        linkType = reader.interfaces[interfaceNumber]!.linkType;
        isSupported = isSupportedLinkType(linkType);
      }
      packet.time = time[i]!;
      packet.frame = batch.firstFrame + i;
      packet.interface = interfaceNumber;
      decoder.decode(packet, view, offset[i]!, captured[i]!, wire[i]!, linkType);
      tracker.track(packet, view);
      if (!isSupported) skipped.set(linkType, (skipped.get(linkType) ?? 0) + 1);
    }
    onProgress?.();
  }
  return skipped;
}
