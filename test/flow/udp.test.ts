import { describe, expect, it } from "vitest";
import { at, inOrder, type TimedPacket } from "../../fixtures/packets/capture-file.ts";
import { packet } from "../../fixtures/packets/packet.ts";
import { connState } from "../../src/flow/conn-state.ts";
import { legOutcome } from "../../src/flow/leg-outcome.ts";
import { follow, legsOf, onlyLeg } from "./follow.ts";
import { endpoint } from "./tshark-agreement.ts";

interface Datagram {
  seconds: number;
  from?: string;
  to?: string;
  ports: readonly [from: number, to: number];
  payload?: string;
  ttl?: number;
  id?: number;
  macs?: { src: string; dst: string };
}

const client = "10.1.0.1";
const server = "192.0.2.10";

function datagram({ seconds, from = client, to = server, ports, payload = "?", ttl = 64, id, macs }: Datagram) {
  return at(
    seconds,
    packet()
      .ethernet(macs)
      .ipv4({ src: from, dst: to, ttl, id: id ?? Math.round(seconds * 1e5) & 0xffff })
      .udp({ src: ports[0], dst: ports[1] })
      .payload(payload),
  );
}
const ask = (seconds: number, options: Partial<Datagram> = {}) =>
  datagram({ seconds, ports: [40_001, 53], ...options });
const answer = (seconds: number, options: Partial<Datagram> = {}) =>
  datagram({ seconds, from: server, to: client, ports: [53, 40_001], ...options });
const opener = (packets: TimedPacket[]) => {
  const leg = onlyLeg(packets);
  return endpoint(leg.src, leg.srcPort);
};

describe("a UDP conversation", () => {
  it("counts packets, bytes and payload each way", () => {
    const leg = onlyLeg([ask(0, { payload: "abc" }), answer(0.01, { payload: "defgh" }), ask(1, { payload: "ij" })]);
    expect([leg.up.packets, leg.up.payloadBytes, leg.down.packets, leg.down.payloadBytes]).toEqual([2, 5, 1, 5]);
    expect([leg.up.wireBytes, leg.down.wireBytes]).toEqual([2 * 42 + 5, 42 + 5]);
    expect([leg.start, leg.end, leg.up.dataTime, leg.down.dataTime]).toEqual([0, 1e9, 0, 1e7]);
    expect([leg.up.synTime, leg.down.finTime, leg.up.synCount, leg.history]).toEqual([Number.NaN, Number.NaN, 0, ""]);
  });

  it("ends after two minutes of silence", () => {
    expect(legsOf(follow([ask(0), answer(1), ask(120.5), ask(240), ask(361)]))).toHaveLength(2);
    expect(legsOf(follow([ask(0), ask(119), ask(238)]))).toHaveLength(1);
  });

  it("is opened by who speaks first", () => {
    expect(opener([ask(0), answer(1)])).toBe("10.1.0.1 40001");
    expect(opener([datagram({ seconds: 0, ports: [33_000, 51_820] })])).toBe("10.1.0.1 33000");
    expect(opener([datagram({ seconds: 0, ports: [1030, 8080] })])).toBe("10.1.0.1 1030");
    expect(opener([datagram({ seconds: 0, ports: [60_000, 5353] })])).toBe("10.1.0.1 60000");
    expect(opener([datagram({ seconds: 0, ports: [500, 500] })])).toBe("10.1.0.1 500");
  });

  it("is opened by the other where the first to be captured is plainly a server", () => {
    expect(opener([answer(0), ask(1)])).toBe("10.1.0.1 40001");
    expect(opener([datagram({ seconds: 0, from: server, to: client, ports: [8125, 45_000] })])).toBe("10.1.0.1 45000");
  });

  it("has Zeek's states and an outcome", () => {
    const judge = (...packets: TimedPacket[]) => {
      const leg = onlyLeg(packets);
      return [connState(leg), legOutcome(leg)];
    };
    expect(judge(ask(0), answer(1))).toEqual(["SF", "ok"]);
    expect(judge(ask(0))).toEqual(["S0", "timeout"]);
    expect(judge(answer(0))).toEqual(["SHR", "open"]);
    const unreachable = packet()
      .ethernet()
      .ipv4({ src: server, dst: client })
      .icmp({
        type: 3,
        code: 3,
        quoting: packet().ipv4({ src: client, dst: server }).udp({ src: 40_001, dst: 53 }).build(),
      });
    expect(judge(ask(0), at(0.001, unreachable))).toEqual(["S0", "refused"]);
  });

  it("counts datagrams that pass the point twice once", () => {
    const macs = { src: "02:00:00:00:00:0b", dst: "02:00:00:00:00:c1" };
    const times = [0, 0.00001, 0.00002, 0.5, 0.50001];
    const near = times.map((seconds, i) => ask(seconds, { payload: "x".repeat(10 + i), id: i + 1 }));
    for (const delay of [5e-6, 50e-6]) {
      const far = times.map((seconds, i) =>
        ask(seconds + delay, { payload: "x".repeat(10 + i), id: i + 1, macs, ttl: 63 }),
      );
      const leg = onlyLeg(inOrder([ask(-1, { id: 77 }), ask(-1 + delay, { id: 77, macs, ttl: 63 })], near, far));
      expect([leg.up.packets, leg.up.copies, leg.up.payloadBytes, leg.up.macChanges]).toEqual([12, 6, 61, 0]);
      expect(leg.up.copyMac[2] & 0xff).toBe(0x0b);
    }
  });

  it("notes a change of MACs and the range of TTLs", () => {
    const macs = { src: "02:00:00:00:00:0b", dst: "02:00:00:00:00:c1" };
    const { up } = onlyLeg([ask(0), ask(1, { ttl: 60 }), ask(2, { macs })]);
    expect([up.macChanges, up.copies, up.ttl.lowest, up.ttl.highest]).toEqual([1, 0, 60, 64]);
  });

  it("keeps the identity of its first payloads, for joining", () => {
    const long = "a query that is long enough for a hash";
    const [one, two] = [onlyLeg([ask(0, { payload: long })]), onlyLeg([ask(9, { payload: long, ports: [9, 99] })])];
    expect([one.up.firstLength, one.up.payloadSeen]).toEqual([long.length, long.length]);
    expect(one.up.payloadHash(0)).toBe(two.up.payloadHash(0));
    expect(one.up.payloadHash(0)).not.toBe(0);
  });

  it("counts the later fragments of its datagrams", () => {
    const whole = packet()
      .ethernet()
      .ipv4({ src: client, dst: server, df: false, id: 5 })
      .udp({ src: 40_001, dst: 5000 })
      .payload(new Uint8Array(3000));
    const fragments = whole.fragments(1500).map((one, i) => at(i / 1000, one));
    const leg = onlyLeg(fragments);
    expect([leg.up.packets, leg.up.payloadBytes]).toEqual([fragments.length, 3000]);
    expect(leg.up.wireBytes).toBe(fragments.reduce((sum, { bytes }) => sum + bytes.length, 0));
  });
});
