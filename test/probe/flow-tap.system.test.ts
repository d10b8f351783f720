import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { readFlows } from "../../src/probe/flow-counts.ts";
import { FlowTap, type FlowTapOptions } from "../../src/probe/flow-tap.ts";
import { createFlowTapDecoder, type FlowTapEvent } from "../../src/probe/flow-tap-events.ts";
import { findInterface } from "../../src/probe/tc-attach.ts";
import { ACK, flagsText } from "../../src/probe/tcp-flags.ts";
import { listFilters, listHooks } from "../../src/probe/traffic-control.ts";
import { addressText, parseAddress } from "../../src/topology/address.ts";
import { requires } from "../support/requirement.ts";
import { canTap } from "./can-tap.ts";
import { ForeignClassifier, TC_ACT_OK, TC_ACT_SHOT, TC_ACT_UNSPEC } from "./foreign-classifier.ts";
import { udpSender, VethPair } from "./veth-pair.ts";

const PSH = 0x08;
const NOWHERE = [0, 0, 0, 0] as const;
const { missing } = requires({ root: true, tool: ["ip", "python3"], kernel: canTap });

describe.skipIf(missing !== null)("the flow tap on a veth pair", () => {
  let pair: VethPair;
  const taps: FlowTap[] = [];
  const open = (options: Partial<FlowTapOptions> = {}) => {
    const tap = new FlowTap({ interfaces: [pair.near], ...options });
    taps.push(tap);
    return tap;
  };
  beforeAll(() => {
    pair = new VethPair();
  });
  afterEach(() => {
    for (const tap of taps.splice(0)) tap.close();
  });
  afterAll(() => pair.close());

  const shown = (tap: FlowTap): FlowTapEvent[] => {
    const decode = createFlowTapDecoder(tap.interfaces, () => 0n);
    const events: FlowTapEvent[] = [];
    tap.poll((bytes, offset, length) => events.push(decode(bytes, offset, length)));
    return events;
  };
  const isFromFar = ({ src }: { src: { address: readonly [number, number, number, number] } | null }) =>
    src !== null && addressText(src.address) === pair.farAddress;

  test("counts every packet and byte, and shows the first ones", () => {
    const tap = open();
    pair.far(udpSender(pair.nearAddress, { count: 500, bytes: 10 }));
    const flows = readFlows(tap).filter(({ src }) => addressText(src) === pair.farAddress);
    expect(flows.map(({ packets, bytes, dstPort, protocol }) => ({ packets, bytes, dstPort, protocol }))).toEqual([
      { packets: 500, bytes: 500 * (14 + 20 + 8 + 10), dstPort: 9, protocol: 17 },
    ]);
    const udp = shown(tap).filter((event) => event.kind === "udp" && isFromFar(event));
    expect(udp.map(({ why, direction }) => `${why} ${direction}`)).toEqual(Array(3).fill("first ingress"));
  });

  test("shows a connection's handshake, data and end in both directions", async () => {
    const tap = open();
    const server = createServer((socket) => socket.on("data", () => socket.end("pong")));
    await new Promise<void>((done) => server.listen(0, pair.nearAddress, done));
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const script = `
import socket
c = socket.create_connection(("${pair.nearAddress}", ${port}))
c.sendall(b"ping")
while c.recv(100): pass
c.close()
`;
    await once(pair.startFar(["python3", "-c", script]), "exit");
    server.close();
    await sleep(20);
    const segments = shown(tap).filter(({ kind }) => kind === "tcp");
    const letters = segments.map(({ direction, flags, payloadBytes }) => {
      const flagged = flagsText(flags & ~(PSH | ACK)) || (payloadBytes > 0 ? "data" : "ack");
      return `${direction === "ingress" ? ">" : "<"}${flagged}`;
    });
    expect(letters).toContain("<data");
    expect(letters.slice(0, 4)).toEqual([">SYN", "<SYN", ">ack", ">data"]);
    expect(letters.filter((each) => each.endsWith("FIN"))).toHaveLength(2);
    expect(readFlows(tap).reduce((sum, { packets }) => sum + packets, 0)).toBeGreaterThanOrEqual(segments.length);
  });

  test("tells of what is lost exactly, under overload", async () => {
    const tap = open({ ringBytes: 4096 });
    pair.far(udpSender(pair.nearAddress, { ports: 400 }));
    await sleep(50);
    tap.stop();
    const delivered = shown(tap).length;
    const counters = tap.counters();
    expect(counters.lost).toBeGreaterThan(300);
    expect(counters.delivered).toBe(delivered);
    expect(counters.sent).toBe(counters.delivered + counters.lost);
    // nothing of the counts is lost with them
    const flows = readFlows(tap).filter(({ dstPort }) => dstPort === 9);
    expect(flows.reduce((sum, { packets }) => sum + packets, 0)).toBe(400);
  });

  test("tells the two directions of a conversation apart", async () => {
    const tap = open();
    const echo = createSocket("udp4", (message, { port, address }) => echo.send(message, port, address));
    await new Promise<void>((done) => echo.bind(9, pair.nearAddress, done));
    const script = `
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for size in (10, 20):
    s.sendto(b"x" * size, ("${pair.nearAddress}", 9))
    s.recv(100)
s.sendto(b"last", ("${pair.nearAddress}", 9))
s.recv(100)
`;
    await once(pair.startFar(["python3", "-c", script]), "exit");
    echo.close();
    const flows = readFlows(tap).filter(
      ({ protocol, srcPort, dstPort }) => protocol === 17 && (srcPort === 9 || dstPort === 9),
    );
    expect(flows).toHaveLength(2);
    const [there, back] = flows.sort((a, b) => a.dstPort - b.dstPort);
    expect(there).toMatchObject({ dstPort: 9, packets: 3, bytes: 3 * 42 + 34 });
    expect(back).toMatchObject({ srcPort: 9, dstPort: there?.srcPort, packets: 3, bytes: 3 * 42 + 34 });
    expect([addressText(there?.src ?? NOWHERE), addressText(there?.dst ?? NOWHERE)]).toEqual([
      pair.farAddress,
      pair.nearAddress,
    ]);
    expect([addressText(back?.src ?? NOWHERE), addressText(back?.dst ?? NOWHERE)]).toEqual([
      pair.nearAddress,
      pair.farAddress,
    ]);
    expect((there?.firstNs ?? 0n) > 0n && (there?.firstNs ?? 0n) <= (there?.lastNs ?? 0n)).toBe(true);
  });

  test("has room for so many conversations, gives it to the newest, and counts those that went early", async () => {
    const tap = open({ maxFlows: 1024 });
    const toDiscard = () => readFlows(tap).filter(({ dstPort }) => dstPort === 9);
    const sendFrom = (ports: string) => {
      const script = `
import socket
for port in range(${ports}):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("", port))
    s.sendto(b"x", ("${pair.nearAddress}", 9))
    s.close()
`;
      pair.far(["python3", "-c", script]);
    };
    sendFrom("20000, 23000");
    const kept = toDiscard().length;
    const { untracked } = tap.counters();
    expect(kept).toBeGreaterThan(1000);
    expect(kept).toBeLessThanOrEqual(1024);
    // all are accounted for, and next to nothing else was
    expect(kept + untracked).toBeGreaterThanOrEqual(3000);
    expect(kept + untracked).toBeLessThan(3010);
    // what is idle for more than a second may go without a word
    await sleep(1100);
    const { lastNs: before = 0n } = toDiscard().sort((a, b) => Number(b.lastNs - a.lastNs))[0] ?? {};
    sendFrom("30000, 30100");
    expect(toDiscard().filter(({ lastNs }) => lastNs > before)).toHaveLength(100);
    expect(tap.counters().untracked - untracked).toBeLessThan(10);
  });

  test("keeps to its filter, but for messages", () => {
    const words = parseAddress(pair.nearAddress);
    if (words === null) throw new Error("no address");
    const tap = open({ filter: { addresses: [{ words, prefixBits: 128, port: 10 }] } });
    pair.far(["ip", "neigh", "flush", "dev", "far"]);
    pair.far(udpSender(pair.nearAddress, { count: 3 }));
    expect(readFlows(tap)).toEqual([]);
    expect(shown(tap).filter(({ kind }) => kind === "arp")).not.toEqual([]);
    tap.close();
    const wanted = open({ filter: { addresses: [{ words, prefixBits: 128, port: 9 }] } });
    pair.far(udpSender(pair.nearAddress, { count: 3 }));
    expect(readFlows(wanted).map(({ packets }) => packets)).toEqual([3]);
  });

  test("leaves nothing behind, and makes no clsact twice", () => {
    const { index } = findInterface(pair.near);
    const first = open();
    const second = open();
    expect(listFilters(index)).toHaveLength(4);
    first.close();
    expect(listFilters(index)).toHaveLength(2);
    second.close();
    expect(listFilters(index)).toEqual([]);
    expect(listHooks().filter(({ ifindex }) => ifindex === index)).toEqual([]);
  });

  test("lets other classifiers before and behind it see each packet, and decide", async () => {
    const { index } = findInterface(pair.near);
    let received = 0;
    const receiver = createSocket("udp4", () => received++);
    await new Promise<void>((done) => receiver.bind(9, pair.nearAddress, done));
    const packets = () => readFlows(tap).reduce((sum, { dstPort, packets: n }) => sum + (dstPort === 9 ? n : 0), 0);
    const before = new ForeignClassifier(index, { verdict: TC_ACT_UNSPEC, priority: 1 });
    const tap = open();
    const behind = new ForeignClassifier(index, { verdict: TC_ACT_SHOT, priority: 50 });
    pair.far(udpSender(pair.nearAddress, { count: 5 }));
    await sleep(50);
    // seen by the tap, dropped behind it
    expect([packets(), received]).toEqual([5, 0]);
    behind.detach();
    const passing = new ForeignClassifier(index, { verdict: TC_ACT_OK, priority: 50 });
    pair.far(udpSender(pair.nearAddress, { count: 3 }));
    await sleep(50);
    expect([packets(), received]).toEqual([8, 3]);
    receiver.close();
    tap.close();
    // theirs stay, and so does the clsact that they made
    expect(listFilters(index).map(({ priority, programName }) => [priority, programName?.split(":")[0]])).toEqual([
      [1, "someone_elses"],
      [50, "someone_elses"],
    ]);
    expect(listHooks().some(({ ifindex }) => ifindex === index)).toBe(true);
    before.detach();
    passing.detach();
  });

  test("does not take a clsact that it made from under others", () => {
    const { index } = findInterface(pair.near);
    const tap = open();
    const other = new ForeignClassifier(index, { verdict: TC_ACT_UNSPEC, priority: 7 });
    tap.close();
    expect(listFilters(index)).toHaveLength(1);
    other.detach();
  });
});
