import { describe, expect, it } from "vitest";
import { pcapFile, type TimedPacket } from "../../fixtures/packets/capture-file.ts";
import { tcpConversation } from "../../fixtures/packets/conversation.ts";
import { packet } from "../../fixtures/packets/packet.ts";
import { pcapngFile } from "../../fixtures/packets/pcapng-file.ts";
import { proxyV1 } from "../../fixtures/packets/proxy-header.ts";
import { CaptureError } from "../../src/capture/reader.ts";
import { TimeBase } from "../../src/capture/time-base.ts";
import type { TrackedCapture } from "../../src/flow/tracked-capture.ts";
import { trackCaptures } from "../../src/offline/track-captures.ts";
import { temporaryFile } from "../capture/read-all.ts";
import { legsOf } from "../flow/follow.ts";
import { endpoint } from "../flow/tshark-agreement.ts";
import { packetsOfEveryKind } from "./mutated-captures.ts";

const options = () => ({ timeBase: new TimeBase() });

/** All that a capture's trackers know, in an order that does not depend on how the work was shared. */
function contents({ shards, ...capture }: TrackedCapture) {
  const legs = shards.flatMap(({ tracker, pointNames }) =>
    legsOf(tracker).map((leg) => {
      const events = [...tracker.events.of(tracker.legs, leg.leg)].map(({ kind, frame, side, time, extra }) =>
        [kind, frame, side, time, ...extra].join(),
      );
      const sides = [leg.up, leg.down].map(
        ({ packets, wireBytes, payloadBytes, retransmits, copies, ttl, payloadSeen }) =>
          JSON.stringify({ packets, wireBytes, payloadBytes, retransmits, copies, ttl, payloadSeen }),
      );
      const claims = tracker.claims
        .filter((claim) => claim.leg === leg.leg)
        .map(({ frame, clientPort }) => [frame, clientPort].join());
      const ends = [endpoint(leg.src, leg.srcPort), endpoint(leg.dst, leg.dstPort)];
      const layers = JSON.stringify(tracker.contexts.list[leg.context]);
      return [
        pointNames[leg.point],
        layers,
        ...ends,
        leg.firstFrame,
        leg.state,
        leg.history,
        leg.start,
        leg.end,
        ...sides,
        ...events,
        ...claims,
      ].join(" ");
    }),
  );
  const neighbours = shards.flatMap(({ tracker }) => tracker.neighbourhood.messages);
  const icmp = shards.flatMap(({ tracker }) =>
    tracker.neighbourhood.icmpErrors.map(({ frame, type }) => [frame, type].join()),
  );
  const { packets, bytes, firstTime, lastTime, format } = capture;
  return {
    packets,
    bytes,
    firstTime,
    lastTime,
    format,
    legs: legs.sort(),
    neighbours: neighbours.length,
    icmp: icmp.sort(),
  };
}

/** Some 50 MB, which is worth a second thread: the packets over and over, an hour apart. */
function largeCapture(): { path: string; packets: number } {
  const seed = [...packetsOfEveryKind(), ...proxied()];
  const header = pcapFile([]).length;
  const once = pcapFile(seed).subarray(header);
  const rounds = Math.ceil(50e6 / once.length);
  const file = new Uint8Array(header + rounds * once.length);
  file.set(pcapFile([]), 0);
  const view = new DataView(file.buffer);
  for (let round = 0; round < rounds; round++) {
    const start = header + round * once.length;
    file.set(once, start);
    for (let at = start; at < start + once.length; at += 16 + view.getUint32(at + 8, true)) {
      view.setUint32(at, view.getUint32(at, true) + (round % 600) * 3600, true);
    }
  }
  return { path: temporaryFile(file, "large.pcap"), packets: rounds * seed.length };
}

function proxied(): TimedPacket[] {
  return Array.from({ length: 40 }, (_, i) =>
    tcpConversation({ client: `10.2.0.2:${2000 + i}`, server: "10.2.0.11:8080", start: 3 + i / 10 })
      .handshake()
      .send("up", proxyV1(`10.1.0.1:${40_000 + i}`, "192.0.2.10:443"))
      .send("down", 1000 * i)
      .packets(),
  ).flat();
}

describe("captures read to their ends", () => {
  it("come in the order asked for, with their facts", async () => {
    const script = tcpConversation({ client: "10.1.0.1:40001", server: "192.0.2.10:443", start: 5 }).handshake();
    const plain = temporaryFile(pcapFile(script.packets()), "lb1-eth0.pcap");
    const two = temporaryFile(
      pcapngFile({
        interfaces: [{ name: "eth0" }, { name: "eth1" }],
        packets: script.packets().map((one, i) => ({ ...one, interface: i % 2 })),
      }),
      "lb2.pcapng",
    );
    const captures = await trackCaptures([two, plain], options());
    expect(captures.map(({ path, format, packets, shards }) => [path, format, packets, shards.length])).toEqual([
      [two, "pcapng", 3, 1],
      [plain, "pcap", 3, 1],
    ]);
    const bytes = script.packets().reduce((sum, one) => sum + one.bytes.length, 0);
    expect(captures.map((capture) => capture.bytes)).toEqual([bytes, bytes]);
    expect(captures[0]?.shards[0]?.pointNames).toHaveLength(2);
    // one zero of time for all of them, set by the first packet read
    expect(captures[1]?.firstTime).toBe(captures[0]?.firstTime);
    expect(captures[1]?.lastTime).toBe((captures[1]?.firstTime ?? 0) + 1e6);
  });

  it("say which link types could not be decoded, and what was damaged", async () => {
    const bytes = pcapFile([{ timeSeconds: 0, bytes: packet().ethernet({ type: 0x1234 }).build() }], { linkType: 147 });
    const whole = pcapFile(tcpConversation({ client: "10.1.0.1:1", server: "10.0.0.1:2" }).handshake().packets());
    const [foreign, cut] = await trackCaptures(
      [temporaryFile(bytes), temporaryFile(whole.subarray(0, whole.length - 10))],
      options(),
    );
    expect(foreign?.skippedLinkTypes).toEqual(new Map([[147, 1]]));
    expect([cut?.packets, cut?.problems.map(({ code }) => code)]).toEqual([2, ["truncated"]]);
  });

  it("are refused together where one of them is no capture", async () => {
    const good = temporaryFile(pcapFile([]));
    await expect(trackCaptures([good, "/nowhere/x.pcap"], options())).rejects.toThrow(CaptureError);
  });

  it("without packets have no times", async () => {
    const [empty] = await trackCaptures([temporaryFile(pcapFile([]))], options());
    expect([empty?.packets, empty?.firstTime, empty?.lastTime]).toEqual([0, Number.NaN, Number.NaN]);
  });
});

describe("several threads", () => {
  it("find in a large capture what one finds, and tell how far they are", async () => {
    const { path, packets } = largeCapture();
    const seen: number[] = [];
    const onProgress = (progress: { packets: number }) => seen.push(progress.packets);
    const [alone] = await trackCaptures([path], { ...options(), threads: 1 });
    const [shared] = await trackCaptures([path], { ...options(), threads: 2, onProgress });
    if (!alone || !shared) throw new Error("one capture was expected");
    expect([alone.shards.length, shared.shards.length, shared.packets]).toEqual([1, 2, packets]);
    expect(contents(shared)).toEqual(contents(alone));
    expect(shared.shards.every(({ tracker }) => tracker.legs.live > 50)).toBe(true);
    expect(seen.at(-1)).toBe(packets);
  }, 120_000);

  it("share out several files", async () => {
    const { path } = largeCapture();
    const small = temporaryFile(pcapFile(packetsOfEveryKind()), "small.pcap");
    const paths = [small, path, small];
    const [alone, shared] = [
      await trackCaptures(paths, { ...options(), threads: 1 }),
      await trackCaptures(paths, { ...options(), threads: 2 }),
    ];
    expect(shared.map((capture) => capture.path)).toEqual(paths);
    expect(shared.map(contents)).toEqual(alone.map(contents));
  }, 120_000);

  it("refuse what is no capture as one does", async () => {
    const { path } = largeCapture();
    const text = temporaryFile(new TextEncoder().encode("a note about a capture\n"));
    await expect(trackCaptures([path, text], { ...options(), threads: 2 })).rejects.toThrow(CaptureError);
  }, 120_000);
});
