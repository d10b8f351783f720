import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { inOrder, type TimedPacket } from "../../fixtures/packets/capture-file.ts";
import { tcpConversation } from "../../fixtures/packets/conversation.ts";
import { TimeBase } from "../../src/capture/time-base.ts";
import type { Finding } from "../../src/diagnose/finding.ts";
import { analyzeCaptures } from "../../src/offline/analyze-captures.ts";
import { collectPackets } from "../../src/offline/collect-packets.ts";
import { type Analysis, analysisOf } from "../../src/report/analysis.ts";
import { analysisPage } from "../../src/report/html/analysis-page.ts";
import {
  type Examples,
  exampleConnections,
  exampleLadders,
  legsOfExamples,
  noLadders,
} from "../../src/report/html/example-ladders.ts";
import { projectDir } from "../support/requirement.ts";
import { type Files, withFiles } from "./track-files.ts";
import { refusingBackend, VIP } from "./traffic.ts";

/** The page that `analyze --html` writes of captures. */
async function pageOf(paths: readonly string[], choose: (analysis: Analysis) => Examples = exampleConnections) {
  const timeBase = new TimeBase();
  const run = await analyzeCaptures(paths, { timeBase });
  const analysis = analysisOf(run);
  const examples = choose(analysis);
  const { packets } = await collectPackets(run.connected.set, legsOfExamples(examples), { timeBase, keepBytes: 640 });
  const ladders = exampleLadders(analysis, examples, packets, null);
  return { page: analysisPage(analysis, ladders), examples, ladders };
}

const pageOfFiles = (files: Files, choose?: (analysis: Analysis) => Examples) =>
  withFiles(files, (folder) =>
    pageOf(
      Object.keys(files).map((name) => join(folder, name)),
      choose,
    ),
  );

function pageOfScenario(name: string) {
  const folder = join(projectDir, "fixtures/scenarios", name);
  const { files } = JSON.parse(readFileSync(join(folder, "expect.json"), "utf8")) as { files: string[] };
  return pageOf(files.map((file) => join(folder, file)));
}

const ANY: Finding = {
  id: "client.aborting",
  severity: "warning",
  confidence: 0.9,
  title: "clients abort",
  explanation: "It was seen.",
  where: {},
  window: { from: 0, to: 1 },
  measured: {},
  connections: [],
  evidence: [],
  displayFilter: "",
  remedy: [],
};

/** What is between the tags, in the order of the page. */
const textsOf = (markup: string) => [...markup.matchAll(/<text[^>]*>([^<]*)/g)].map(([, text]) => text ?? "");

describe("a ladder on the page", async () => {
  const { page } = await pageOfFiles(refusingBackend());
  const [, svg = ""] = /<div class="ladder"[^>]*>\s*(<svg [\s\S]*?<\/svg>)/.exec(page) ?? [];

  test("has the nodes, a time and a text for each row, and the reset in red", () => {
    const texts = textsOf(svg);
    expect(texts).toContain("lb1");
    expect(texts).toContain("0.000000");
    expect(texts).toContain("SYN");
    expect(svg).toMatch(/<g class="bad">[\s\S]*RST,ACK[\s\S]*?<\/g>/);
  });

  test("needs nothing but the page, and can be reached and read without a mouse or eyes", () => {
    expect(page).not.toMatch(/<script|<link|<img|<iframe|<[^>]*\s(?:src|href)=|@import|url\(/i);
    expect(page).toMatch(/<div class="ladder" tabindex="0" role="region" aria-label="[^"]+">/);
    expect(svg).toMatch(/role="img" aria-label="[^"]+"/);
    expect(page).toMatch(/<li>0\.\d{6} s, towards the backend, seen at lb1[^<]*: SYN/);
  });

  test("stays inside its own picture", () => {
    const [, width = "", height = ""] = /viewBox="0 0 ([\d.]+) ([\d.]+)"/.exec(svg) ?? [];
    const within = (pattern: RegExp, limit: number) => {
      for (const [, number] of svg.matchAll(pattern)) {
        expect(Number(number)).toBeGreaterThanOrEqual(0);
        expect(Number(number)).toBeLessThanOrEqual(limit);
      }
    };
    within(/\b(?:x|x1|x2|cx)="(-?[\d.]+)"/g, Number(width));
    within(/\b(?:y|y1|y2|cy)="(-?[\d.]+)"/g, Number(height));
    // with the card's and the page's margins it fits a window 1024 wide
    expect(Number(width)).toBeLessThanOrEqual(940);
  });

  test("is well formed", () => {
    const open: string[] = [];
    const withoutVoid = page.replace(/<!doctype html>|<(meta|br|hr)\b[^>]*>|<[^>]*\/>/g, "");
    for (const [, isEnd, name = ""] of withoutVoid.matchAll(/<(\/?)([a-z0-9]+)\b[^>]*>/g)) {
      if (isEnd === "/") expect(open.pop()).toBe(name);
      else open.push(name);
    }
    expect(open).toEqual([]);
  });
});

test.each([
  ["injected-reset", ["c1", "r", "lb1", "rs1"], "cross"],
  ["asymmetric-dropped", ["client", "lb1", "lb2"], "waiting"],
  ["ecmp-rehash", ["client", "r", "backend"], "cross"],
  ["dnat-backend-refusing", ["lb1", "rs2"], "bad"],
  ["haproxy-queueing", ["lb1"], "way"],
])("%s has a ladder with what shows it", async (name, nodes, sign) => {
  const { page } = await pageOfScenario(name);
  const [, svg = ""] = /<div class="ladder"[^>]*>\s*(<svg [\s\S]*?<\/svg>)/.exec(page) ?? [];
  expect(textsOf(svg)).toEqual(expect.arrayContaining(nodes));
  expect(svg).toContain(`class="${sign}"`);
  expect(page).not.toMatch(/NaN|undefined|Infinity/);
});

test("what a capture says in names and payload stays text", async () => {
  const evil = '"><script>alert(1)</script>';
  const client = "10.1.0.66:40066";
  const talk = tcpConversation({ client, server: VIP, start: 1 })
    .handshake()
    .send("up", Buffer.from(`GET /${evil}`))
    .rst("down");
  const files = Object.fromEntries(
    Object.entries(refusingBackend()).map(([name, packets], i): [string, TimedPacket[]] => [
      `<b>&'${name}`,
      i === 0 ? inOrder(packets, talk.packets()) : packets,
    ]),
  );
  const { page } = await pageOfFiles(files, ({ findings, subject }) => {
    const hostile = subject.connections.find((connection) => subject.text(connection.client) === client);
    return new Map([[findings[0]!, hostile ?? null]]);
  });
  expect(page).toContain("GET /&quot;&gt;&lt;script&gt;");
  expect(page).not.toMatch(/<script|<b>/);
  expect(page).toContain("&lt;b&gt;");
});

test("a connection too long to draw is not drawn but told, a shorter one is preferred", async () => {
  const talk = (client: string, segments: number) =>
    tcpConversation({ client, server: VIP, start: 0 })
      .handshake()
      .send("down", segments * 1460)
      .rst("up");
  const files = { "lb1.pcap": inOrder(talk("10.1.0.1:40001", 2100).packets(), talk("10.1.0.2:40002", 40).packets()) };
  const about = (clients: readonly string[]) =>
    pageOfFiles(files, (analysis) => {
      const { subject } = analysis;
      const ids = subject.connections
        .filter(({ client }) => clients.includes(subject.text(client)))
        .map(({ id }) => id);
      return exampleConnections({ ...analysis, findings: [{ ...ANY, connections: ids }] });
    });
  const [long, both] = await Promise.all([about(["10.1.0.1:40001"]), about(["10.1.0.1:40001", "10.1.0.2:40002"])]);
  expect([...long.examples.values()]).toEqual([null]);
  expect([...long.ladders.values()]).toEqual([
    "Each of its connections that were looked at has more than 2000 packets.",
  ]);
  const [drawn] = both.ladders.values();
  expect(typeof drawn === "object" ? drawn.steps.length : drawn).toBeLessThan(100);
});

test("a page of a hundred findings has a dozen ladders at most", async () => {
  const { page, examples } = await pageOfFiles(refusingBackend());
  const analysis = await withFiles(refusingBackend(), async (folder) =>
    analysisOf(
      await analyzeCaptures(
        Object.keys(refusingBackend()).map((name) => join(folder, name)),
        { timeBase: new TimeBase() },
      ),
    ),
  );
  const [one] = analysis.findings;
  const findings = Array.from({ length: 100 }, () => ({ ...one! }));
  expect(exampleConnections({ ...analysis, findings }).size).toBe(12);
  expect(page.match(/<div class="ladder"/g)).toHaveLength(examples.size);
});

test("captures that cannot be read again are named once", async () => {
  const { examples } = await pageOfFiles(refusingBackend());
  expect([...noLadders(examples, "-").values()]).toEqual([
    "stdin can be read only once; ladders take a second look at the packets.",
  ]);
});
