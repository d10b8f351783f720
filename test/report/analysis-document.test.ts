import { describe, expect, test } from "vitest";
import { inOrder } from "../../fixtures/packets/capture-file.ts";
import { tcpConversation } from "../../fixtures/packets/conversation.ts";
import { packet } from "../../fixtures/packets/packet.ts";
import { pcapngFile } from "../../fixtures/packets/pcapng-file.ts";
import { jsonChunks } from "../../src/cli/json-chunks.ts";
import { type Analysis, analyseLegs } from "../../src/report/analysis.ts";
import { analysisDocument } from "../../src/report/analysis-document.ts";
import { analysisSchema } from "./analysis-schema.ts";
import { analyseFiles, type Files, trackFiles, trackInShards } from "./track-files.ts";
import { bothArms, exchange, VIP } from "./traffic.ts";

/** The document as a program reads it from our stdout. */
function written(analysis: Analysis, connections = true) {
  return analysisSchema.parse(JSON.parse([...jsonChunks(analysisDocument(analysis, { connections }))].join("")));
}
const documentOf = async (files: Files, connections = true) => written(await analyseFiles(files), connections);

describe("both arms of a balancer", async () => {
  const document = await documentOf(bothArms());

  test("is what the contract says", () => {
    expect(document.capture).toMatchObject({
      packets: 138,
      start: "1767225600.000000000",
      files: [
        { path: "lb1-eth0.pcap", format: "pcap", observationPoints: ["lb1:eth0"], problems: [] },
        { path: "lb1-eth1.pcap", observationPoints: ["lb1:eth1"] },
      ],
    });
    expect(document.summary).toEqual({
      connections: 20,
      byOutcome: { ok: 8, refused: 2, reset: 8, timeout: 2, open: 0 },
      healthChecks: 0,
      joined: 0,
      unjoined: 20,
    });
    expect(document.topology.vips[0]).toEqual({
      vip: VIP,
      protocol: "tcp",
      mode: null,
      connections: 9,
      scheduler: { name: "unknown", confidence: 0 },
      backends: [],
    });
    expect(document.findings).toEqual([]);
  });

  test("lists every leg as a connection", () => {
    const { connections = [] } = document;
    expect(connections.map(({ id }) => id)).toEqual(connections.map((_, index) => `c${index + 1}`));
    expect(connections).toHaveLength(20);
    const starts = connections.map(({ start }) => Number(start));
    expect(starts).toEqual(starts.toSorted((a, b) => a - b));
    expect(connections[0]).toEqual({
      id: "c1",
      protocol: "tcp",
      client: "10.1.0.1:40001",
      vip: VIP,
      backend: null,
      mode: null,
      start: "1767225600.000000000",
      end: expect.stringMatching(/^1767225600\.01\d{7}$/),
      outcome: "ok",
      healthCheck: false,
      bytes: { up: 300, down: 4000 },
      packets: { up: 7, down: 6 },
      retransmits: { up: 0, down: 0 },
      handshake: 0.002,
      connectToBackend: null,
      reset: null,
      path: { up: [], down: [] },
      legs: [{ observationPoint: "lb1:eth0", src: "10.1.0.1:40001", dst: VIP, encapsulation: [], hop: null }],
      // the value that tshark gives the same packets
      communityId: ["1:xmw/HAab2SKLfITywmpXm3BoO7E="],
      connState: "SF",
      history: "ShADadFf",
      joinConfidence: 0,
    });
    const byClient = (address: string) => connections.find(({ client }) => client.startsWith(address));
    expect(byClient("10.1.0.3:")?.reset).toEqual({ by: "unknown", cause: "refused", confidence: 0 });
    expect(byClient("10.1.0.5:")?.reset).toEqual({ by: "unknown", cause: "unknown", confidence: 0 });
    expect(byClient("10.1.0.8:")).toMatchObject({
      outcome: "timeout",
      handshake: null,
      retransmits: { up: 2, down: 0 },
    });
  });

  test("without them where they were not asked for", async () => {
    expect(await documentOf(bothArms(), false)).not.toHaveProperty("connections");
  });
});

test("threads change nothing of it", async () => {
  const packets = inOrder(...Object.values(bothArms()));
  const whole = await trackFiles({ "lb1.pcap": packets });
  const shared = await trackInShards("lb1.pcap", packets);
  const documents = [whole, shared].map(({ captures, timeBase }) => written(analyseLegs(captures, timeBase)));
  expect(documents[1]).toEqual(documents[0]);
});

test("IPv6 endpoints, tags and tunnels", async () => {
  const inner = tcpConversation({ client: "[2001:db8::1]:40001", server: "[2001:db8:1::a]:443" }).handshake();
  const outer = packet()
    .vlan(7)
    .ipv4({ src: "10.0.0.1", dst: "10.0.0.2" })
    .udp({ src: 5000, dst: 4789 })
    .vxlan(42)
    .ethernet();
  const { connections = [] } = await documentOf({ "x.pcap": inner.viaTunnel({ outer }).packets() });
  expect(connections[0]).toMatchObject({ client: "[2001:db8::1]:40001", vip: "[2001:db8:1::a]:443" });
  expect(connections[0]?.legs[0]?.encapsulation).toEqual(["vlan 7", "vxlan 42"]);
});

describe("what is wrong with a capture", () => {
  test("stands with its file", async () => {
    const packets = exchange("10.1.0.1:40001", VIP, 0).packets();
    const document = await documentOf({
      "dropped.pcapng": pcapngFile({
        interfaces: [{ name: "eth0", statistics: { received: 9n, dropped: 7n } }],
        packets,
      }),
      "foreign.pcapng": pcapngFile({ interfaces: [{ linkType: 147 }], packets }),
    });
    expect(document.capture.files.map(({ problems }) => problems)).toEqual([
      [
        {
          code: "capture-dropped",
          message: "the capture says that it lost 7 packets: gaps and one-sided legs may be its own",
          offset: 0,
        },
      ],
      [
        {
          code: "unknown-link-type",
          message: `${packets.length} packets of link type 147 cannot be decoded: left out`,
          offset: 0,
        },
      ],
    ]);
  });

  test("without packets it has no times", async () => {
    const document = await documentOf({ "empty.pcap": [] });
    expect(document.capture).toMatchObject({ packets: 0, start: null, end: null, files: [{ start: null, end: null }] });
    expect(document.summary.connections).toBe(0);
  });

  test("packets without times leave connections without", async () => {
    const packets = exchange("10.1.0.1:40001", VIP, 0).packets();
    const document = await documentOf({ "x.pcapng": pcapngFile({ interfaces: [{}], packets, block: "simple" }) });
    expect(document.capture).toMatchObject({ packets: packets.length, start: null, end: null });
    expect(document.connections).toMatchObject([{ start: null, end: null, handshake: null, outcome: "ok" }]);
  });
});
