import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { TimeBase } from "../../src/capture/time-base.ts";
import { Case } from "../../src/diagnose/case.ts";
import type { TrackedCapture } from "../../src/flow/tracked-capture.ts";
import { captureOfLegs } from "../../src/live/chosen-legs.ts";
import { LiveSession } from "../../src/live/live-session.ts";
import { factsOf, Replay } from "../../src/live/replay.ts";
import type { TrackedSource } from "../../src/live/tracked-source.ts";
import { connect } from "../../src/path/connect.ts";
import { joinedConnectionDocument } from "../../src/report/document/joined-connection.ts";
import { projectDir } from "../support/requirement.ts";
import { replayed } from "./replayed.ts";
import { PACKETS_EACH, ShortConnections } from "./short-connections.ts";

const root = join(projectDir, "fixtures/scenarios");
const ETHERNET = { name: null, linkType: 1, snapLength: 0, fcsLength: 0, dropped: null };

function glancing(options: { open?: number } = {}): {
  session: LiveSession;
  source: TrackedSource;
  traffic: ShortConnections;
} {
  const session = new LiveSession({ timeBase: new TimeBase(1_700_000_000), glances: true, keepBroken: true });
  const source = session.addSource({
    name: "lb1",
    kind: "stream",
    format: "pcap",
    interfaces: [ETHERNET],
    problems: [],
  });
  return { session, source, traffic: new ShortConnections(100, options.open ?? 0) };
}

const told = (session: LiveSession) => {
  session.glance();
  return session.takeUnsettled().connections.map(({ connection }) => connection);
};

describe("a glance", () => {
  it("tells what closed, once, under the name that looks have for it", () => {
    const { session, source, traffic } = glancing();
    session.ingest(source, traffic.fill(100));
    const first = told(session);
    expect(first.map(({ outcome }) => outcome)).toEqual(new Array(100).fill("ok"));
    expect(told(session)).toEqual([]);
    session.judge();
    session.ingest(source, traffic.fill(50));
    expect(told(session)).toHaveLength(50);
    session.finish();
    const settled = session.takeSettled().map(({ connection }) => connection);
    expect(settled).toHaveLength(150);
    const byId = new Map(settled.map((one) => [one.id, one]));
    for (const one of first) expect(byId.get(one.id)).toEqual(one);
    expect(session.takeUnsettled().withdrawn).toEqual([]);
  });

  it("tells open ones when they are a second old, and again ten seconds later if more came of them", () => {
    const { session, source, traffic } = glancing({ open: 1 });
    // SYN to answer without an end, of ten connections in a tenth of a second
    session.ingest(source, traffic.fill(10));
    expect(told(session)).toEqual([]);
    session.advance(session.now + 1.1e9);
    const first = told(session);
    expect(first.map(({ outcome }) => outcome)).toEqual(new Array(10).fill("open"));
    session.advance(session.now + 20e9);
    expect(told(session)).toEqual([]);
    // another packet of each: their last ones come once more
    const again = new ShortConnections(100, 1).fill(10);
    for (let i = 0; i < again.count; i++) again.time[i] = session.now;
    session.ingest(source, again, again.count - 10);
    const second = told(session);
    expect(second.map(({ id }) => id).sort()).toEqual(first.map(({ id }) => id).sort());
    expect(Number(second[0]!.end)).toBeGreaterThan(Number(first[0]!.end) + 10);
  });

  it("reads the same whether few legs are in memory or many", () => {
    const { session, source, traffic } = glancing();
    const crowd = 5000;
    while (traffic.made < crowd) session.ingest(source, traffic.fill(500));
    expect(told(session)).toHaveLength(crowd);
    const [few, many] = [glancing(), { session, source, traffic }].map((one) => {
      while (one.traffic.made < crowd) one.traffic.fill(500);
      one.session.ingest(one.source, one.traffic.fill(200));
      return told(one.session).map(({ id: _, ...rest }) => JSON.stringify(rest));
    });
    expect(many).toHaveLength(200);
    expect(many!.sort()).toEqual(few!.sort());
  });

  it("waits for what a connection is still to say, where only its beginning was seen", () => {
    const { session, source, traffic } = glancing();
    const batch = traffic.fill(50);
    session.ingest(source, batch, 0, 50 * 5);
    expect(told(session)).toEqual([]);
    session.ingest(source, batch, 50 * 5, 50 * PACKETS_EACH);
    expect(told(session).map(({ connState }) => connState)).toEqual(new Array(50).fill("SF"));
  });
});

describe("what glances told of parts", () => {
  it("is withdrawn when a look finds them to be one connection", async () => {
    const folder = join(root, "balance-source-skew");
    const files = readdirSync(folder).filter((name) => name.includes(".pcap"));
    const timeBase = new TimeBase();
    const session = new LiveSession({ timeBase, glances: true });
    const replays = await Promise.all(files.map((name) => Replay.open([join(folder, name)], timeBase)));
    const sources = replays.map(({ readers: [reader] }) => session.addSource(factsOf(reader!)));
    const crowd = session.addSource({
      name: "lb1",
      kind: "stream",
      format: "pcap",
      interfaces: [ETHERNET],
      problems: [],
    });
    const kept = new Map<string, string>();
    const withdrawn: string[] = [];
    const glance = () => {
      session.advance(session.now + 2e9);
      session.glance();
      const told = session.takeUnsettled();
      for (const { connection } of told.connections) kept.set(connection.id, connection.client);
      for (const id of told.withdrawn) {
        expect(kept.delete(id), id).toBe(true);
        withdrawn.push(id);
      }
    };
    // point after point, with so much between that the points before are not read again
    for (const [i, replay] of replays.entries()) {
      for await (const { batch, from, to } of replay.slices()) session.ingest(sources[i]!, batch, from, to);
      await replay.close();
      glance();
      const traffic = new ShortConnections(1000);
      for (let n = 0; n < 3000; n += 500) session.ingest(crowd, traffic.fill(500));
      glance();
      expect(withdrawn).toEqual([]);
    }
    session.judge();
    glance();
    expect(withdrawn.length).toBeGreaterThan(20);
    session.finish();
    const settled = new Set(session.takeSettled().map(({ connection }) => connection.id));
    // nothing is left that nobody settles
    expect([...kept.keys()].filter((id) => !settled.has(id))).toEqual([]);
  });
});

const EVERY = process.env.L4SCOPE_ALL_SCENARIOS === "1" ? 1 : 6;
const scenarios = readdirSync(root)
  .sort()
  .filter((_, index) => index % EVERY === 1)
  .map((name) => ({
    name,
    files: readdirSync(join(root, name))
      .filter((file) => /\.pcap(ng)?(\.gz|\.zst)?$/.test(file))
      .sort()
      .map((file) => join(root, name, file)),
  }))
  .filter(({ files }) => files.length > 0);

function documentsOf(captures: readonly TrackedCapture[], timeBase: TimeBase): string[] {
  const subject = new Case(connect(captures));
  return subject.connections
    .map((connection) => {
      const { id: _, ...rest } = joinedConnectionDocument({ subject, timeBase }, connection);
      return JSON.stringify(rest);
    })
    .sort();
}

describe.each(scenarios)("legs of $name, copied", ({ files }) => {
  it("are joined as they are where they lie", async () => {
    const { session } = await replayed(files);
    const all = documentsOf(
      session.sources.map((source) => source.capture()),
      session.timeBase,
    );
    const copied = session.sources.map((source) => {
      const { legs } = source.tracker;
      const numbers = Array.from({ length: legs.count }, (_, leg) => leg).filter((leg) => legs.has(leg));
      return captureOfLegs(source, numbers);
    });
    expect(documentsOf(copied, session.timeBase)).toEqual(all);
  });
});
