import { describe, expect, test } from "vitest";
import { DropWatch } from "../../src/live/drop-watch.ts";
import { LiveDriver } from "../../src/live/live-driver.ts";
import { MACHINE_TIMING } from "../../src/live/machine-timing.ts";
import { dropsObjections } from "../../src/metrics/serve-session.ts";
import { dropReasonNames } from "../../src/probe/drop-counter.ts";
import { ProbeError } from "../../src/probe/probe-error.ts";

const COST = { name: "skbdrop", attached: "", lost: 0, nanosecondsPerEvent: Number.NaN, coreShare: Number.NaN };

/** A counter that counts what it is told to. */
function counterOf(notes: readonly string[] = []) {
  const counter = {
    notes,
    packets: new Map<string, number>(),
    isClosed: false,
    isBroken: false,
    read: () => {
      if (counter.isBroken) throw new ProbeError("the kernel's map drops cannot be read (errno 1)");
      if (counter.isClosed) throw new Error("read of a closed counter");
      return new Map(counter.packets);
    },
    cost: (events: number) => ({ ...COST, events }),
    close: () => {
      counter.isClosed = true;
    },
  };
  return counter;
}

describe("a session's count of drops", () => {
  test("has totals by reason, most first, and rates of the last seconds", async () => {
    const counter = counterOf();
    const watch = await DropWatch.open(async () => counter);
    counter.packets.set("NO_SOCKET", 10);
    expect(watch.read(100).drops.counts).toEqual([{ reason: "NO_SOCKET", packets: 10, packetsPerSecond: 0 }]);
    counter.packets.set("NO_SOCKET", 30).set("NEIGH_FAILED", 400);
    // asked more often than it is read
    expect(watch.read(101).drops.counts).toHaveLength(1);
    const { drops, probes } = watch.read(104);
    expect(drops).toEqual({
      counts: [
        { reason: "NEIGH_FAILED", packets: 400, packetsPerSecond: 100 },
        { reason: "NO_SOCKET", packets: 30, packetsPerSecond: 5 },
      ],
      notes: [],
    });
    expect(probes).toEqual([{ ...COST, events: 430 }]);
  });

  test("takes the last of them when it ends, and keeps them", async () => {
    const counter = counterOf();
    const watch = await DropWatch.open(async () => counter);
    watch.read(100);
    counter.packets.set("NO_SOCKET", 7);
    watch.close(100.1);
    watch.close(100.2);
    expect(counter.isClosed).toBe(true);
    expect(watch.read(200).drops.counts).toMatchObject([{ reason: "NO_SOCKET", packets: 7 }]);
  });

  test("stands still, and says why, where the kernel gives no more", async () => {
    const counter = counterOf(["no reasons here"]);
    const watch = await DropWatch.open(async () => counter);
    counter.packets.set("unknown", 3);
    watch.read(100);
    counter.isBroken = true;
    expect(watch.read(110).drops).toMatchObject({
      counts: [{ reason: "unknown", packets: 3 }],
      notes: ["no reasons here", expect.stringContaining("cannot be read")],
    });
    expect(counter.isClosed).toBe(true);
  });
});

describe("a session whose host cannot count drops", () => {
  const module = `data:text/javascript,${encodeURIComponent(`
    export const openLiveSource = () => ({
      name: "host", kind: "interface", format: "pcapng", interfaces: [], problems: [],
      async start() {}, async stop() {}, async next() { return null; }, lost: () => 0,
    });`)}`;
  const refuse = async () => {
    throw new ProbeError("skbdrop needs CAP_PERFMON; run as root");
  };
  const run = async (options: ConstructorParameters<typeof LiveDriver>[0]) => {
    const driver = new LiveDriver(options, {}, MACHINE_TIMING, refuse);
    await driver.start();
    await driver.ended;
    await driver.stop();
    return driver.model();
  };

  test("goes on, and says it in one line", async () => {
    const model = await run({ sources: [{ kind: "interface", names: ["eth0"], module }], countDrops: true });
    expect(model.health).toMatchObject({ state: "ended", failure: null, warnings: [] });
    expect(model.drops).toEqual({ counts: null, notes: ["skbdrop needs CAP_PERFMON; run as root"] });
    expect(dropsObjections(model)).toEqual(["no l4scope_drops_total: skbdrop needs CAP_PERFMON; run as root"]);
  });

  test("does not ask where nobody wants them, or no interface is watched", async () => {
    const unasked = await run({ sources: [{ kind: "interface", names: ["eth0"], module }] });
    const replayed = await run({
      sources: [{ kind: "replay", paths: ["fixtures/demo/lb1-eth0.pcap"], speed: "max" }],
      countDrops: true,
    });
    for (const model of [unasked, replayed]) {
      expect(model).not.toHaveProperty("drops");
      expect(dropsObjections(model)).toEqual([]);
    }
  });
});

test("reasons have the kernel's names, and no more than it has", () => {
  const nameOf = dropReasonNames(
    new Map([
      [2, "SKB_DROP_REASON_NOT_SPECIFIED"],
      [3, "SKB_DROP_REASON_NO_SOCKET"],
    ]),
    new Map([
      [0, "SKB_DROP_REASON_SUBSYS_CORE"],
      [2, "SKB_DROP_REASON_SUBSYS_OPENVSWITCH"],
    ]),
  );
  expect([2, 3].map(nameOf)).toEqual(["NOT_SPECIFIED", "NO_SOCKET"]);
  expect([0x20001, 0x2ffff].map(nameOf)).toEqual(["SUBSYS_OPENVSWITCH", "SUBSYS_OPENVSWITCH"]);
  // not given (-1), new to this BTF, of a subsystem without a name
  expect([0xffffffff, 4711, 0x70001].map(nameOf)).toEqual(["unknown", "unknown", "unknown"]);
});
