import { describe, expect, it } from "vitest";
import type { TimedPacket } from "../../fixtures/packets/capture-file.ts";
import { type TcpConversation, tcpConversation } from "../../fixtures/packets/conversation.ts";
import type { Leg } from "../../fixtures/packets/leg.ts";
import { connectPoints, type Points, read } from "./join.ts";

const vip = "192.0.2.10:443";
const backendOf = (index: number) => `10.2.0.${11 + (index % 3)}:8443`;

/** One connection a second; the client is 4 ms from the balancer, the servers 0.2 ms behind it. */
const scripts = Array.from({ length: 120 }, (_, index) =>
  tcpConversation({ client: `10.1.0.${index + 1}:40000`, server: vip, start: index, rtt: 0.0084, position: 0 })
    .handshake()
    .send("up", 200 + index)
    .send("down", 4000)
    .fin("up"),
);
const behind = (conversation: TcpConversation, index: number) =>
  conversation.viaNat({ server: backendOf(index), delay: 0.004 });

type Clock = (trueSeconds: number) => number;
const right: Clock = () => 0;

/** Packets as a host whose clock is wrong stamps them, in the order it saw them. */
function stamped(legs: readonly (TcpConversation | Leg)[], clock: Clock): TimedPacket[] {
  return legs
    .flatMap((leg) => leg.packets())
    .map((packet) => ({ ...packet, timeSeconds: packet.timeSeconds + clock(packet.timeSeconds) }));
}

function points(atClient: Clock, atBalancer: Clock, atServer: Clock): Points {
  const far = scripts.map(behind);
  return {
    "c1:eth0": stamped(scripts, atClient),
    "lb1:eth0": stamped(
      scripts.map((script) => script.viaMacs({ delay: 0.0039 })),
      atBalancer,
    ),
    "lb1:eth1": stamped(far, atBalancer),
    "rs:eth0": stamped(
      far.map((leg) => leg.viaMacs({ delay: 0.0002 })),
      atServer,
    ),
  };
}

const joinedRight = scripts.map((_, index) => ({
  backend: backendOf(index),
  points: ["c1:eth0", "lb1:eth0", "lb1:eth1", "rs:eth0"],
}));

/** The largest error of an estimated offset between two captures at the times, which are the second's own clock's. */
function worstError(
  seen: Points,
  first: Clock,
  second: Clock,
  names: readonly [string, string],
  times: readonly number[],
): number {
  const { clocks } = connectPoints(seen);
  const [one, other] = names.map((name) => clocks[Object.keys(seen).indexOf(name)]);
  if (!one || !other) throw new Error("no such capture");
  const errors = times.map((trueSeconds) => {
    const atFirst = (trueSeconds + first(trueSeconds)) * 1e9;
    const atSecond = (trueSeconds + second(trueSeconds)) * 1e9;
    const estimated = other.at(atSecond) - one.at(atFirst);
    return Math.abs(estimated / 1e9 - (second(trueSeconds) - first(trueSeconds)));
  });
  return Math.max(...errors);
}

const everyTenSeconds = Array.from({ length: 12 }, (_, i) => i * 10 + 0.5);

describe("clocks of capture points", () => {
  const cases: Record<string, [Clock, Clock, Clock]> = {
    "that are right": [right, right, right],
    "that differ by seconds": [() => 7.25, () => -3.5, () => 1800],
    "that drift by 50 ppm": [(time) => time * 50e-6, right, (time) => 2 - time * 50e-6],
    "that differ by hours and drift": [(time) => 7200 + time * 50e-6, right, (time) => -9000 + time * 30e-6],
  };

  it.each(Object.entries(cases))("%s are joined alike, and their offsets found within a millisecond", (_, clocks) => {
    const [atClient, atBalancer, atServer] = clocks;
    const seen = points(atClient, atBalancer, atServer);
    const connections = read(connectPoints(seen));
    expect(connections).toHaveLength(scripts.length);
    const ordered = connections.toSorted((a, b) => indexOf(a.client) - indexOf(b.client));
    expect(ordered.map(({ backend, points: path }) => ({ backend, points: path }))).toEqual(joinedRight);
    expect(worstError(seen, atBalancer, atServer, ["lb1:eth0", "rs:eth0"], everyTenSeconds)).toBeLessThan(0.001);
    expect(worstError(seen, atClient, atBalancer, ["c1:eth0", "lb1:eth0"], everyTenSeconds)).toBeLessThan(0.001);
  });

  it("that step back are joined alike, and their offsets found before and after", () => {
    const stepping: Clock = (time) => (time < 60.5 ? 0 : -0.8);
    const seen = points(right, right, stepping);
    const connected = connectPoints(seen);
    expect(read(connected).map(({ backend, points: path }) => ({ backend, points: path }))).toEqual(joinedRight);
    const away = everyTenSeconds.filter((time) => Math.abs(time - 60.5) > 3);
    expect(worstError(seen, right, stepping, ["lb1:eth0", "rs:eth0"], away)).toBeLessThan(0.001);
    const step = Math.max(...connected.clocks.map((clock) => clock.step));
    expect(Math.abs(step - 0.8e9)).toBeLessThan(1e6);
  });

  it("tell a drift from a step", () => {
    const { clocks } = connectPoints(points(right, right, (time) => time * 50e-6));
    const drifts = clocks.map(({ drift }) => Math.round(drift / 1000));
    expect(Math.max(...drifts) - Math.min(...drifts)).toBe(50);
    expect(Math.max(...clocks.map(({ step }) => step))).toBeLessThan(1e5);
  });

  it("of one node are one", () => {
    const { clocks } = connectPoints(points(right, () => 5, right));
    expect(clocks[1]).toBe(clocks[2]);
  });

  it("that no connection ties to each other are not compared", () => {
    const [first, second] = [scripts[0], scripts[1]];
    const { clocks, order, connections } = connectPoints({
      "a:eth0": first?.packets() ?? [],
      "b:eth0": second?.packets({ clockOffset: 100 }) ?? [],
    });
    expect(clocks.map(({ uncertainty }) => uncertainty)).toEqual([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
    const [one, other] = connections;
    expect(order.isComparable(one?.front ?? 0, other?.front ?? 0)).toBe(false);
  });

  it("of a long connection are compared at its beginning and its end", () => {
    const long = tcpConversation({ client: "10.1.0.1:40000", server: vip, rtt: 0.0084, position: 0 }).handshake();
    for (let hour = 0; hour < 4; hour++)
      long
        .send("up", 100 + hour)
        .send("down", 300 + hour)
        .silence(3600);
    long.fin("up");
    const far = long.viaNat({ server: backendOf(0), delay: 0.004 });
    const drifting: Clock = (time) => 1 + time * 50e-6;
    const seen = { "lb1:eth0": stamped([long], right), "rs1:eth0": stamped([far], drifting) };
    const connected = connectPoints(seen);
    expect(read(connected)).toMatchObject([{ backend: backendOf(0), points: ["lb1:eth0", "rs1:eth0"] }]);
    expect(worstError(seen, right, drifting, ["lb1:eth0", "rs1:eth0"], [0, 3600, 14_400])).toBeLessThan(0.005);
  });
});

function indexOf(client: string): number {
  return scripts.findIndex((_, index) => client === `10.1.0.${index + 1}:40000`);
}
