import { describe, expect, test } from "vitest";
import { inOrder } from "../../fixtures/packets/capture-file.ts";
import { tcpConversation } from "../../fixtures/packets/conversation.ts";
import { packet } from "../../fixtures/packets/packet.ts";
import { pcapngFile } from "../../fixtures/packets/pcapng-file.ts";
import { jsonChunks } from "../../src/cli/json-chunks.ts";
import type { Analysis } from "../../src/report/analysis.ts";
import { analysisDocument } from "../../src/report/document/analysis-document.ts";
import { analysisSchema } from "./analysis-schema.ts";
import { analyseFiles, analyseTracked, type Files, trackFiles, trackInShards } from "./track-files.ts";
import { bothArms, exchange, refusingBackend, VIP } from "./traffic.ts";

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
      connections: 11,
      byOutcome: { ok: 5, refused: 1, reset: 4, timeout: 1, open: 0 },
      healthChecks: 0,
      joined: 9,
      unjoined: 2,
    });
    expect(document.topology.vips[0]).toMatchObject({
      vip: VIP,
      protocol: "tcp",
      mode: "dnat",
      connections: 9,
      backends: [
        { backend: "10.2.0.11:8443", connections: 5, bytes: 5300, share: 5 / 9, expectedShare: 0.5 },
        { backend: "10.2.0.12:8443", connections: 4, bytes: 6500, share: 4 / 9, expectedShare: 0.5 },
      ],
    });
    expect(document.topology.nodes).toContainEqual(expect.objectContaining({ name: "lb1", role: "lb" }));
  });

  test("lists every connection end to end", () => {
    const { connections = [] } = document;
    expect(connections.map(({ id }) => id)).toEqual(connections.map((_, index) => `c${index}`));
    expect(connections).toHaveLength(11);
    const starts = connections.map(({ start }) => Number(start));
    expect(starts).toEqual(starts.toSorted((a, b) => a - b));
    expect(connections[0]).toEqual({
      id: "c0",
      protocol: "tcp",
      client: "10.1.0.1:40001",
      vip: VIP,
      backend: "10.2.0.11:8443",
      mode: "dnat",
      start: "1767225600.000000000",
      end: expect.stringMatching(/^1767225600\.01\d{7}$/),
      outcome: "ok",
      healthCheck: false,
      role: "client",
      bytes: { up: 300, down: 4000 },
      packets: { up: 7, down: 6 },
      retransmits: { up: 0, down: 0 },
      handshake: 0.002,
      connectToBackend: expect.closeTo(0.00092, 6),
      reset: null,
      path: { up: ["lb1"], down: ["lb1"] },
      legs: [
        { observationPoint: "lb1:eth0", src: "10.1.0.1:40001", dst: VIP, encapsulation: [], hop: "dnat" },
        { observationPoint: "lb1:eth1", src: "10.1.0.1:40001", dst: "10.2.0.11:8443", encapsulation: [], hop: null },
      ],
      // the values that tshark gives the same packets
      communityId: ["1:xmw/HAab2SKLfITywmpXm3BoO7E=", "1:/U22MtNG3rbkQZKVzDH3SzajLWo="],
      connState: "SF",
      history: "ShADadFf",
      joinConfidence: expect.closeTo(0.99, 2),
    });
    const byClient = (address: string) => connections.find(({ client }) => client.startsWith(address));
    expect(byClient("10.1.0.3:")?.reset).toMatchObject({ by: "backend", cause: "refused" });
    expect(byClient("10.1.0.5:")?.reset).toMatchObject({ by: "backend", cause: "backend-abort" });
    expect(byClient("10.1.0.6:")?.reset).toMatchObject({ by: "client", cause: "client-abort" });
    expect(byClient("10.1.0.8:")).toMatchObject({
      outcome: "timeout",
      handshake: null,
      connectToBackend: null,
      retransmits: { up: 2, down: 0 },
    });
  });

  test("without them where they were not asked for", async () => {
    expect(await documentOf(bothArms(), false)).not.toHaveProperty("connections");
  });
});

test("findings name their frames, files and connections", async () => {
  const { findings, connections = [], capture } = await documentOf(refusingBackend());
  const [first] = findings;
  expect(first).toMatchObject({
    id: "backend.refusing",
    severity: "critical",
    where: { vip: VIP, backend: "10.2.0.12:8443" },
    affected: { connections: 10 },
    measured: { refusedConnections: 10, asked: 10 },
  });
  const examples = first?.affected.examples ?? [];
  expect(examples.length).toBeGreaterThan(0);
  for (const example of examples) expect(connections.find(({ id }) => id === example)?.outcome).toBe("refused");
  for (const { file } of first?.evidence ?? []) expect(capture.files.map(({ path }) => path)).toContain(file);
  expect(Number(first?.window.from)).toBeGreaterThanOrEqual(Number(capture.start));
  expect(Number(first?.window.to)).toBeLessThanOrEqual(Number(capture.end));
});

test("threads change nothing of it", async () => {
  const packets = inOrder(...Object.values(bothArms()));
  const whole = await trackFiles({ "lb1.pcap": packets });
  const shared = await trackInShards("lb1.pcap", packets);
  const documents = [whole, shared].map((tracked) => written(analyseTracked(tracked)));
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
