import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inOrder, pcapFile, type TimedPacket } from "../../fixtures/packets/capture-file.ts";
import { tcpConversation } from "../../fixtures/packets/conversation.ts";
import { LINKTYPE } from "../../fixtures/packets/link.ts";
import { packet } from "../../fixtures/packets/packet.ts";
import { openCapture } from "../../src/capture/open.ts";
import { TimeBase } from "../../src/capture/time-base.ts";
import { collectPackets } from "../../src/offline/collect-packets.ts";
import { trackCaptures } from "../../src/offline/track-captures.ts";
import { connect } from "../../src/path/connect.ts";
import { writeSlice } from "../../src/report/packet-slice/write-slice.ts";
import { requires } from "../support/requirement.ts";
import { runProcess } from "../support/run-process.ts";
import { BACKEND, CLIENT, moved, VIP } from "./journeys.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "l4scope-slice-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Sliced {
  path: string;
  packets: number;
  ids: number[];
}

/** Writes the packets of some connections of captures by these names. */
async function slice(name: string, files: Record<string, Uint8Array>, ids: number[] | null = null): Promise<Sliced> {
  const paths = Object.entries(files).map(([file, bytes]) => {
    writeFileSync(join(folder, file), bytes);
    return join(folder, file);
  });
  const timeBase = new TimeBase();
  const connected = connect(await trackCaptures(paths, { timeBase }));
  const connections = connected.connections.filter(({ id }) => ids === null || ids.includes(id));
  const legs = connections.flatMap((one) => one.legs);
  const { packets } = await collectPackets(connected.set, legs, { timeBase });
  const path = join(folder, name);
  await writeSlice(path, connected, connections, packets, timeBase);
  return { path, packets: packets.length, ids: connections.map(({ id }) => id) };
}

const asFiles = (captures: Record<string, TimedPacket[]>) =>
  Object.fromEntries(Object.entries(captures).map(([name, packets]) => [name, pcapFile(packets)]));

/** Packets of a capture as its own reader gives them: time, bytes and lengths. */
async function readAll(path: string) {
  const timeBase = new TimeBase();
  const reader = await openCapture(path, { timeBase });
  const packets: { time: string; bytes: string; wire: number; point: string | null }[] = [];
  for (let batch = await reader.next(); batch !== null; batch = await reader.next()) {
    for (let i = 0; i < batch.count; i++) {
      const from = batch.offset[i] ?? 0;
      packets.push({
        time: timeBase.toEpoch(batch.time[i] ?? 0),
        bytes: Buffer.from(batch.bytes.subarray(from, from + (batch.captured[i] ?? 0))).toString("hex"),
        wire: batch.wire[i] ?? 0,
        point: reader.interfaces[batch.interface[i] ?? 0]?.name ?? null,
      });
    }
  }
  await reader.close();
  expect(reader.problems).toEqual([]);
  return packets;
}

test("holds each packet of the chosen connection once, with its own time and all its bytes", async () => {
  const captures = moved();
  const { path, packets } = await slice("moved.pcapng", asFiles(captures), [0]);
  const written = await readAll(path);
  expect(written).toHaveLength(packets);
  const originals = (await Promise.all(Object.keys(captures).map(async (name) => readAll(join(folder, name))))).flatMap(
    (list, i) => {
      const point = Object.keys(captures)[i]?.replace(".pcap", "").replace("-", ":") ?? null;
      return list.map((one) => ({ ...one, point }));
    },
  );
  for (const one of written) expect(originals).toContainEqual(one);
  // the bystander's packets stay out: two handshakes and their ends at four points
  expect(originals.length - written.length).toBe(4 * 6);
});

test("packets come in the order of the reference clock, whatever their own clocks say", async () => {
  const talk = tcpConversation({ client: CLIENT, server: VIP }).handshake().send("up", 100).send("down", 900).fin("up");
  const files = {
    "lb1-eth0.pcap": pcapFile(talk.packets()),
    "rs1-eth0.pcap": pcapFile(talk.viaMacs({ delay: 50e-6 }).packets({ clockOffset: 5 })),
  };
  const written = await readAll((await slice("skewed.pcapng", files)).path);
  const onReference = written.map(({ point, time }) => Number(time) - (point === "rs1:eth0" ? 5 : 0));
  onReference.reduce((before, own) => {
    // as near as the two clocks can be compared
    expect(own).toBeGreaterThan(before - 60e-6);
    return own;
  });
  const times = written.filter(({ point }) => point === "rs1:eth0").map(({ time }) => Number(time));
  expect(times[0]).toBeCloseTo(1_767_225_605, 2);
});

test("points of different link types each keep theirs", async () => {
  const talk = tcpConversation({ client: CLIENT, server: VIP }).handshake().fin("up");
  const cooked = talk.viaNat({ server: BACKEND }).packets({ link: () => packet().sll2({ interfaceIndex: 7 }) });
  const files = {
    "lb1-eth0.pcap": pcapFile(talk.packets()),
    "lb1-any.pcap": pcapFile(cooked, { linkType: LINKTYPE.sll2 }),
  };
  const { path } = await slice("links.pcapng", files);
  const reader = await openCapture(path, { timeBase: new TimeBase() });
  while ((await reader.next()) !== null);
  expect(reader.interfaces.map(({ name, linkType }) => [name, linkType])).toEqual(
    expect.arrayContaining([
      ["lb1:eth0", 1],
      ["lb1:any#7", 276],
    ]),
  );
  await reader.close();
});

const tools = requires({ tool: ["tshark", "capinfos"] });
describe.skipIf(tools.missing)("as Wireshark reads it", () => {
  test("every packet says which leg and hop it is", async () => {
    const { path, packets } = await slice("comments.pcapng", asFiles(moved()), [0]);
    const fields = ["frame.comment", "frame.interface_name", "frame.time_epoch", "ip.src", "tcp.flags.str"];
    const { exitCode, stdout, stderr } = await runProcess([
      ...["tshark", "-r", path, "-T", "fields"],
      ...fields.flatMap((field) => ["-e", field]),
    ]);
    expect(exitCode, stderr).toBe(0);
    const rows = stdout.trimEnd().split("\n");
    expect(rows).toHaveLength(packets);
    for (const row of rows) {
      const [comment = "", point = "", , source = ""] = row.split("\t");
      const match = /^c0 (up|down) leg (\d) (\S+) (\S+) · (\S+) frame (\d+)$/.exec(comment);
      expect(match, comment).not.toBeNull();
      const [, direction, , name, hop] = match ?? [];
      expect(name).toBe(point);
      expect(direction === "up").toBe(source === "10.1.0.21");
      expect(hop).toBe(point === "lb1:eth1" ? "dnat" : "forward");
    }
    expect(rows[0]).toMatch(/^c0 up leg 1 r:eth1 forward · r-eth1\.pcap frame 1\t/);
  });

  test("is a pcapng of nanoseconds that says how it is sorted", async () => {
    const { path, packets } = await slice("infos.pcapng", asFiles(moved()));
    const { exitCode, stdout } = await runProcess(["capinfos", path]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(new RegExp(`Number of packets: +${packets}$`, "m"));
    expect(stdout).toMatch(/File timestamp precision: +nanoseconds/);
    expect(stdout).toMatch(/Capture application: l4scope/);
    expect(stdout).toMatch(/sorted by one reference clock/);
    expect(stdout).toMatch(/Number of interfaces in file: 5/);
  });

  test("an ICMP error about the connection is there", async () => {
    const talk = tcpConversation({ client: CLIENT, server: VIP }).handshake().send("up", 1400, { ack: false });
    const big = talk.leg().segments.at(-1);
    if (!big) throw new Error("no segment");
    const error = packet()
      .ethernet()
      .ipv4({ src: "10.9.9.9", dst: "10.1.0.21" })
      .icmp({ type: 3, code: 4, mtu: 1400, quoting: talk.leg().ipPacket(big).build() });
    const packets = inOrder(talk.packets(), [{ timeSeconds: talk.end + 0.001, bytes: error.build() }]);
    const { path } = await slice("error.pcapng", { "lb1-eth0.pcap": pcapFile(packets) });
    const { stdout } = await runProcess(["tshark", "-r", path, "-Y", "icmp", "-T", "fields", "-e", "frame.comment"]);
    expect(stdout.trim()).toBe(`c0 down icmp-error leg 1 lb1:eth0 forward · lb1-eth0.pcap frame ${packets.length}`);
  });
});

test("a file that cannot be written is an error", async () => {
  await expect(slice("no/such/folder.pcapng", asFiles(moved()))).rejects.toThrow(/ENOENT/);
  expect(() => readFileSync(join(folder, "no/such/folder.pcapng"))).toThrow();
});
