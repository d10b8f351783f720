import { inOrder, type TimedPacket } from "../../fixtures/packets/capture-file.ts";
import { LINKTYPE } from "../../fixtures/packets/link.ts";
import { Decoder } from "../../src/decode/decode.ts";
import { Packet } from "../../src/decode/packet.ts";
import { Case } from "../../src/diagnose/case.ts";
import type { TrackedCapture } from "../../src/flow/tracked-capture.ts";
import { FlowTracker } from "../../src/flow/tracker.ts";
import { connect } from "../../src/path/connect.ts";

/** What each point saw, by its name: `lb1:eth0` is interface eth0 of node lb1, in a capture of its own. */
export type Seen = Record<string, readonly TimedPacket[]>;

/** Facts of a capture that its packets do not tell, by the same names. */
export type Facts = Record<string, Partial<Pick<TrackedCapture, "problems" | "interfaces">>>;

/** The case that the detectors would look at, had these points been captured. */
export function examine(seen: Seen, facts: Facts = {}): Case {
  return new Case(connect(Object.entries(seen).map(([name, packets]) => track(name, packets, facts[name] ?? {}))));
}

/** Several conversations seen at the same points, put together. */
export function together(...all: readonly Seen[]): Seen {
  const seen: Record<string, TimedPacket[]> = {};
  for (const one of all) {
    for (const [name, packets] of Object.entries(one)) {
      seen[name] = [...(seen[name] ?? []), ...packets];
    }
  }
  return seen;
}

/** So many times what `make` makes of a number: 0, 1, 2 … */
export function times(count: number, make: (index: number) => Seen): Seen {
  return together(...Array.from({ length: count }, (_, index) => make(index)));
}

function track(name: string, packets: readonly TimedPacket[], facts: Facts[string]): TrackedCapture {
  const tracker = new FlowTracker();
  const decoder = new Decoder();
  const packet = new Packet();
  inOrder(packets).forEach(({ bytes, timeSeconds, wireBytes }, index) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    packet.time = Math.round(timeSeconds * 1e9);
    packet.frame = index + 1;
    packet.interface = 0;
    decoder.decode(packet, view, 0, bytes.length, wireBytes ?? bytes.length, LINKTYPE.ethernet);
    tracker.track(packet, view);
  });
  const stamps = packets.map(({ timeSeconds }) => timeSeconds * 1e9);
  return {
    path: `${name}.pcap`,
    format: "pcap",
    problems: [],
    interfaces: [],
    packets: tracker.totals.packets,
    bytes: tracker.totals.bytes,
    firstTime: stamps.length > 0 ? Math.min(...stamps) : Number.NaN,
    lastTime: stamps.length > 0 ? Math.max(...stamps) : Number.NaN,
    skippedLinkTypes: new Map(),
    shards: [{ tracker, pointNames: [name] }],
    ...facts,
  };
}
