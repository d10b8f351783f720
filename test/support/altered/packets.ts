import type { SeenCapture, SeenPacket } from "./seen-capture.ts";

type Random = () => number;

const withPackets = (capture: SeenCapture, packets: readonly SeenPacket[]): SeenCapture => ({ ...capture, packets });

/** Keeps so many bytes of each packet. */
export function cut(capture: SeenCapture, bytes: number): SeenCapture {
  return {
    ...capture,
    interfaces: capture.interfaces.map((one) => ({ ...one, snapLength: bytes })),
    packets: capture.packets.map((packet) => ({ ...packet, bytes: packet.bytes.subarray(0, bytes) })),
  };
}

/** Keeps what was seen from one time until another, ns since the run's base. */
export function during(capture: SeenCapture, from: number, until: number): SeenCapture {
  return withPackets(
    capture,
    capture.packets.filter(({ time }) => time >= from && time < until),
  );
}

/** A capture that lost a share of its packets, which the network did not. */
export function lossy(capture: SeenCapture, share: number, random: Random): SeenCapture {
  return withPackets(
    capture,
    capture.packets.filter(() => random() >= share),
  );
}

/** A mirror that shows each packet twice, the copy `delayNs` later. */
export function mirroredTwice(capture: SeenCapture, delayNs: number): SeenCapture {
  const copies = capture.packets.map((packet) => ({ ...packet, time: packet.time + delayNs }));
  return withPackets(
    capture,
    [...capture.packets, ...copies].sort((a, b) => a.time - b.time),
  );
}

/** Packets of several queues: true times, but written up to `withinNs` out of their order. */
export function outOfOrder(capture: SeenCapture, withinNs: number, random: Random): SeenCapture {
  const written = capture.packets.map((packet) => ({ packet, at: packet.time + random() * withinNs }));
  return withPackets(
    capture,
    written.sort((a, b) => a.at - b.at).map(({ packet }) => packet),
  );
}

/** A clock that is wrong by so much at `origin`, and gains so many ns each second. */
export function onOtherClock(capture: SeenCapture, offsetNs: number, gain: number, origin: number): SeenCapture {
  return withPackets(
    capture,
    capture.packets.map((packet) => ({
      ...packet,
      time: Math.round(packet.time + offsetNs + ((packet.time - origin) / 1e9) * gain),
    })),
  );
}

/** Times cut to whole units of so many ns. */
export function coarse(capture: SeenCapture, unitNs: number): SeenCapture {
  return withPackets(
    capture,
    capture.packets.map((packet) => ({ ...packet, time: Math.floor(packet.time / unitNs) * unitNs })),
  );
}
