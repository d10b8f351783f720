import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { inOrder, pcapFile, type TimedPacket } from "../../fixtures/packets/capture-file.ts";
import { tcpConversation } from "../../fixtures/packets/conversation.ts";
import { packet } from "../../fixtures/packets/packet.ts";
import { TimeBase } from "../../src/capture/time-base.ts";
import { collectPackets, readableOnce } from "../../src/offline/collect-packets.ts";
import { ProgressSum } from "../../src/offline/progress-sum.ts";
import { trackCaptures } from "../../src/offline/track-captures.ts";
import { trackOne } from "../../src/offline/track-one.ts";
import { type LegRef, LegSet } from "../../src/path/leg-set.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "l4scope-collect-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, packets: readonly TimedPacket[]): string {
  const bytes = pcapFile(packets);
  writeFileSync(join(folder, name), name.endsWith(".gz") ? gzipSync(bytes) : bytes);
  return join(folder, name);
}

/** Many conversations at once, their packets mixed. */
function crowd(count: number): TimedPacket[] {
  const all = Array.from({ length: count }, (_, i) =>
    tcpConversation({ client: `10.1.${i >> 8}.${i & 255}:40000`, server: "192.0.2.10:443", start: (i % 50) / 1000 })
      .handshake()
      .send("up", 200 + i)
      .send("down", 3000)
      .fin("up")
      .packets(),
  );
  return inOrder(...all);
}

function allLegs(set: LegSet): LegRef[] {
  return set.tracks.flatMap((track) => Array.from(track.view.all(), ({ leg }) => set.ref(track.index, leg)));
}

async function track(path: string): Promise<{ set: LegSet; timeBase: TimeBase }> {
  const timeBase = new TimeBase();
  return { set: new LegSet(await trackCaptures([path], { timeBase })), timeBase };
}

test.each(["crowd.pcap", "crowd.pcap.gz"])("%s: brings every packet back to its leg, with its bytes", async (name) => {
  const packets = crowd(1500);
  const { set, timeBase } = await track(write(name, packets));
  const legs = allLegs(set);
  expect(legs).toHaveLength(1500);
  const { packets: found, left } = await collectPackets(set, legs, { timeBase });
  expect(left).toBe(0);
  expect(found).toHaveLength(packets.length);
  for (const { frame, bytes, leg, direction } of found) {
    const original = packets[frame - 1];
    // a reader uses its memory again for later packets
    expect(Buffer.compare(bytes, original?.bytes ?? new Uint8Array())).toBe(0);
    const view = set.view(leg);
    const isUp = Buffer.from(bytes).readUInt16BE(34) === 40_000;
    expect(direction).toBe(isUp ? "up" : "down");
    expect(view.src[3]).toBe(Buffer.from(bytes).readInt32BE(isUp ? 26 : 30));
  }
});

test("only what was asked for, and no further than it goes", async () => {
  const { set, timeBase } = await track(write("some.pcap", crowd(40)));
  const [first, second] = allLegs(set);
  const wanted = [first ?? -1, second ?? -1];
  const { packets } = await collectPackets(set, wanted, { timeBase });
  const expected = wanted.reduce((sum, leg) => {
    const { up, down } = set.view(leg);
    return sum + up.packets + down.packets;
  }, 0);
  expect(packets).toHaveLength(expected);
  expect(new Set(packets.map(({ leg }) => leg))).toEqual(new Set(wanted));
  expect((await collectPackets(set, [], { timeBase })).packets).toEqual([]);
});

test("conversations that were tracked in shards have the same legs again", async () => {
  const path = write("shards.pcap", crowd(60));
  const timeBase = new TimeBase();
  const parts = [];
  for (const shard of [0, 1, 2]) {
    parts.push(...(await trackOne([path], { timeBase }, new ProgressSum(null, undefined), { shard, shards: 3 })));
  }
  const [capture] = parts;
  if (!capture) throw new Error("no part");
  const set = new LegSet([{ ...capture, shards: parts.flatMap(({ shards }) => shards) }]);
  expect(set.tracks).toHaveLength(3);
  // legs of the last shard alone: the others are not followed
  const wanted = allLegs(set).filter((leg) => set.trackOf(leg).index === 2);
  expect(wanted.length).toBeGreaterThan(5);
  const { packets } = await collectPackets(set, wanted, { timeBase });
  for (const leg of wanted) {
    const { up, down, firstFrame, lastFrame } = set.view(leg);
    const own = packets.filter((one) => one.leg === leg);
    expect(own).toHaveLength(up.packets + down.packets);
    expect([own[0]?.frame, own.at(-1)?.frame]).toEqual([firstFrame, lastFrame]);
  }
});

test("memory is bounded, and what found no room is counted", async () => {
  const packets = crowd(30);
  const { set, timeBase } = await track(write("bounded.pcap", packets));
  const cut = await collectPackets(set, allLegs(set), { timeBase, keepBytes: 60 });
  for (const { bytes, wireLength } of cut.packets) expect(bytes.length).toBe(Math.min(60, wireLength));
  const bounded = await collectPackets(set, allLegs(set), { timeBase, maxBytes: 20_000 });
  expect(bounded.packets.length).toBeGreaterThan(10);
  expect(bounded.packets.length + bounded.left).toBe(packets.length);
});

test("later fragments and ICMP errors come with their leg", async () => {
  const query = packet()
    .ethernet()
    .ipv4({ src: "10.1.0.1", dst: "192.0.2.53", id: 7 })
    .udp({ src: 5353, dst: 53 })
    .payload("x".repeat(3000));
  const fragments = query.fragments(1500).map((one, i) => ({ timeSeconds: i / 1e5, bytes: one.build() }));
  expect(fragments.length).toBeGreaterThan(1);
  const quoted = query.fromIp().build().subarray(0, 28);
  const error = packet()
    .ethernet()
    .ipv4({ src: "192.0.2.53", dst: "10.1.0.1" })
    .icmp({ type: 3, code: 3, quoting: quoted });
  const { set, timeBase } = await track(
    write("fragments.pcap", [...fragments, { timeSeconds: 0.01, bytes: error.build() }]),
  );
  const { packets } = await collectPackets(set, allLegs(set), { timeBase });
  expect(packets.map(({ frame, isError, direction }) => [frame, isError, direction])).toEqual([
    ...fragments.map((_, i) => [i + 1, false, "up"]),
    [fragments.length + 1, true, "down"],
  ]);
});

test("what can be read once only is told", () => {
  const path = write("twice.pcap", crowd(1));
  expect(readableOnce([path, "-", folder, join(folder, "nowhere.pcap")])).toEqual(["-", folder]);
});
