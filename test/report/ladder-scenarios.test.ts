import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { TimeBase } from "../../src/capture/time-base.ts";
import type { Outcome } from "../../src/flow/leg-outcome.ts";
import { type AnalyzedCaptures, analyzeCaptures } from "../../src/offline/analyze-captures.ts";
import { collectPackets } from "../../src/offline/collect-packets.ts";
import type { Connection } from "../../src/path/connection.ts";
import { type Ladder, ladderOf } from "../../src/report/ladder/ladder.ts";
import { ladderText } from "../../src/report/ladder/ladder-text.ts";
import { traceDocument } from "../../src/report/ladder/trace-document.ts";
import { columnsOf, createPage } from "../../src/report/text/page.ts";
import { projectDir, requires } from "../support/requirement.ts";
import { traceSchema } from "./trace-schema.ts";

const SCENARIOS = join(projectDir, "fixtures/scenarios");

async function analyze(folder: string): Promise<AnalyzedCaptures> {
  const captures = readdirSync(folder).filter((name) => /\.pcap(ng)?(\.gz)?$/.test(name));
  return analyzeCaptures(
    captures.map((name) => join(folder, name)),
    { timeBase: new TimeBase() },
  );
}

async function draw(run: AnalyzedCaptures, connection: Connection): Promise<Ladder> {
  const { set } = run.connected;
  const { packets, left } = await collectPackets(set, connection.legs, { timeBase: run.timeBase, keepBytes: 640 });
  const resets = run.diagnosis.subject.resets.get(connection.id) ?? [];
  return ladderOf(run.connected, connection, packets, { left, resets });
}

/** The first of the clients' connections that ended so. */
function firstOf({ diagnosis: { subject } }: AnalyzedCaptures, outcome: Outcome): Connection {
  const found = subject.users.find((one) => subject.outcome(one) === outcome);
  if (!found) throw new Error(`no connection ended ${outcome}`);
  return found;
}

/** Label and notes of each packet, with the nodes that it came by. */
function told({ steps, columns }: Ladder): string[] {
  return steps.map(({ event, label, notes, journey }) => {
    const way = journey.stops.map(({ column }) => columns[column]?.name).join(" ");
    return `${event.direction} ${way}: ${[label, ...notes].join("; ")}`;
  });
}

/** What holds for every ladder, whatever happened. */
function check(ladder: Ladder, timeBase: TimeBase): void {
  const { steps, columns } = ladder;
  const seen = steps.flatMap(({ event }) => event.sightings.map(({ packet }) => `${packet.capture} ${packet.frame}`));
  expect(new Set(seen).size).toBe(seen.length);
  for (const { journey, event, delays } of steps) {
    expect(journey.stops.length).toBeGreaterThan(0);
    expect(delays).toHaveLength(journey.stops.length - 1);
    const sign = event.direction === "up" ? 1 : -1;
    journey.stops.reduce((before, own) => {
      expect(sign * (own.column - before.column)).toBeGreaterThan(0);
      return own;
    });
    for (const { column } of journey.stops) expect(columns[column]?.isSeen).toBe(true);
  }
  const syn = steps.find(({ kind }) => kind === "syn");
  const synAck = steps.find(({ kind }) => kind === "syn-ack");
  if (syn && synAck) expect(steps.indexOf(syn)).toBeLessThan(steps.indexOf(synAck));
  for (const width of [80, 120]) {
    const text = ladderText(ladder, { timeBase, rows: 30, ascii: false }, createPage(width, false, false));
    for (const line of text.split("\n")) expect(columnsOf(line), line).toBeLessThanOrEqual(width);
  }
  traceSchema.parse(JSON.parse(JSON.stringify(traceDocument(ladder, timeBase))));
}

describe("captures of the lab", () => {
  test.each([
    "arp-conflict",
    "asymmetric-dsr",
    "capture-any-nanoseconds",
    "capture-loss",
    "capture-one-sided",
    "capture-truncated",
    "dnat-backend-overflow",
    "haproxy-backend-refusing",
    "icmp-too-big",
    "lossy-backend",
    "nginx-stream-v1",
    "port-reuse",
    "spray",
    "udp-dns",
    "vrrp-failover",
  ])("%s: ladders of every outcome hold together", async (name) => {
    const run = await analyze(join(SCENARIOS, name));
    const { subject } = run.diagnosis;
    const chosen = new Map<string, Connection>();
    for (const one of subject.connections) {
      const kind = `${subject.outcome(one)} ${one.role} ${one.backend === null}`;
      if (!chosen.has(kind)) chosen.set(kind, one);
    }
    for (const connection of chosen.values()) check(await draw(run, connection), run.timeBase);
  });

  test("dnat-rr: a healthy connection is whole at every node", async () => {
    const run = await analyze(join(SCENARIOS, "dnat-rr"));
    const connection = run.connected.connections[0];
    if (!connection) throw new Error("no connection");
    const ladder = await draw(run, connection);
    expect(ladder.columns.map(({ name, role }) => [name, role])).toEqual([
      ["c1", "client"],
      ["r", null],
      ["lb1", "lb"],
      ["rs1", "backend"],
    ]);
    for (const { journey, notes } of ladder.steps) {
      expect(journey.stops).toHaveLength(4);
      expect(notes).toEqual([]);
    }
    for (const { delays } of ladder.steps)
      for (const { seconds } of delays) expect(Math.abs(seconds)).toBeLessThan(0.01);
  });

  test("ecmp-rehash: moved to another balancer, which resets it", async () => {
    const run = await analyze(join(SCENARIOS, "ecmp-rehash"));
    const [data, reset] = told(await draw(run, firstOf(run, "reset"))).slice(-2);
    expect(data).toMatch(/^up r lb2: .*; moved from lb3 to lb2, which never saw its SYN; not seen beyond lb2:eth0$/);
    expect(reset).toMatch(/^down lb2 r: RST; begins at lb2:eth0; by lb: no-state/);
  });

  test("idle-timeout-reset: the balancer answers for the backend after a silence", async () => {
    const run = await analyze(join(SCENARIOS, "idle-timeout-reset"));
    const [data, reset] = told(await draw(run, firstOf(run, "reset"))).slice(-2);
    expect(data).toMatch(/; not seen beyond lb1:eth0$/);
    expect(reset).toMatch(/: RST; begins at lb1:eth0; by lb: idle-timeout/);
  });

  test("idle-timeout-repick: the balancer picks another backend, which resets it", async () => {
    const run = await analyze(join(SCENARIOS, "idle-timeout-repick"));
    const [data, reset] = told(await draw(run, firstOf(run, "reset"))).slice(-2);
    expect(data).toMatch(/^up (c1 )?lb1 rs\d: .*; moved from rs\d to rs\d, which never saw its SYN$/);
    expect(reset).toMatch(/^down rs\d lb1( c1)?: RST/);
  });

  test("injected-reset: what the client's router answers never came from behind", async () => {
    const run = await analyze(join(SCENARIOS, "injected-reset"));
    const lines = told(await draw(run, firstOf(run, "reset")));
    expect(lines.some((line) => /^up c1 r: .*; not seen beyond r:eth0$/.test(line))).toBe(true);
    expect(lines.find((line) => line.includes("RST"))).toMatch(/^down r c1: RST.*; begins at r:eth0/);
  });

  test("snat-exhaustion: SYNs end in the balancer", async () => {
    const run = await analyze(join(SCENARIOS, "snat-exhaustion"));
    const lines = told(await draw(run, firstOf(run, "timeout")));
    expect(lines.length).toBeGreaterThan(1);
    for (const line of lines) expect(line).toMatch(/^up c1 lb1: SYN;.* not seen beyond lb1:eth0$/);
  });

  test("direct-reply: the answer takes another way than the question", async () => {
    const run = await analyze(join(SCENARIOS, "direct-reply"));
    const [syn, synAck, reset] = told(await draw(run, firstOf(run, "timeout")));
    expect(syn).toMatch(/^up (c1 )?r lb1 rs\d: SYN$/);
    expect(synAck).toMatch(/^down rs\d r( c1)?: SYN,ACK$/);
    expect(reset).toMatch(/^up (c1 )?r rs\d: RST/);
  });

  test("vxlan-mtu-blackhole: large segments end before the tunnel, small ones pass", async () => {
    const run = await analyze(join(SCENARIOS, "vxlan-mtu-blackhole"));
    const ladder = await draw(run, firstOf(run, "timeout"));
    const data = ladder.steps.filter(({ kind }) => kind === "data");
    const ended = data.filter(({ journey }) => journey.endsHere);
    const passed = data.filter(({ journey }) => !journey.endsHere);
    expect(ended.length).toBeGreaterThan(3);
    expect(Math.max(...passed.map(({ event }) => event.length))).toBeLessThan(
      Math.min(...ended.map(({ event }) => event.length)),
    );
  });

  test("l2-dsr: only the balancer's own MAC is rewritten, and answers pass it by", async () => {
    const run = await analyze(join(SCENARIOS, "l2-dsr"));
    const ladder = await draw(run, firstOf(run, "ok"));
    for (const { event, rewrites, journey } of ladder.steps) {
      const passesBalancer = journey.stops.some(({ column }) => ladder.columns[column]?.role === "lb");
      expect(passesBalancer).toBe(event.direction === "up");
      expect(rewrites.map(({ kind }) => kind)).toEqual(event.direction === "up" ? ["mac"] : []);
    }
  });

  test("haproxy-v2-checks: two sessions, and the header that names the client", async () => {
    const run = await analyze(join(SCENARIOS, "haproxy-v2-checks"));
    const connection = firstOf(run, "ok");
    const ladder = await draw(run, connection);
    expect(new Set(ladder.steps.map(({ event }) => event.session))).toEqual(new Set([0, 1]));
    const client = run.connected.endpoints.text(connection.client);
    expect(told(ladder).some((line) => line.includes(`PROXY v2 ${client}`))).toBe(true);
    // no packet of either session crosses the proxy
    const proxy = ladder.columns.findIndex(({ sessions }) => sessions.length > 1);
    for (const { event, journey } of ladder.steps) {
      for (const { column } of journey.stops) {
        expect(event.session === 0 ? column <= proxy : column >= proxy).toBe(true);
      }
    }
  });
});

const labelled = join(projectDir, "../shared/labelled");
const shared = requires({ path: labelled });
describe.skipIf(shared.missing)("labelled captures", () => {
  const folders = existsSync(labelled) ? readdirSync(labelled).filter((name) => /^\d/.test(name)) : [];
  test.each(folders)("%s: ladders hold together", async (name) => {
    const run = await analyze(join(labelled, name));
    const { subject } = run.diagnosis;
    const chosen = new Map<Outcome, Connection>();
    for (const one of subject.users) if (!chosen.has(subject.outcome(one))) chosen.set(subject.outcome(one), one);
    expect(chosen.size).toBeGreaterThan(0);
    for (const connection of chosen.values()) check(await draw(run, connection), run.timeBase);
  });
});
