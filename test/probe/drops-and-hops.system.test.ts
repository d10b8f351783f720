import { execFileSync, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { SkbdropEvent } from "../../probes/skbdrop/decode.ts";
import { skbdrop } from "../../probes/skbdrop/manifest.ts";
import { openProbe } from "../../src/probe/open-probe.ts";
import type { Probe } from "../../src/probe/probe.ts";
import { addressText, endpointText } from "../../src/topology/address.ts";
import { requires } from "../support/requirement.ts";
import { canTap } from "./can-tap.ts";
import { udpSender, VethPair } from "./veth-pair.ts";

const { missing } = requires({ root: true, tool: ["ip", "python3"], kernel: canTap });
const STATS_SWITCH = "/proc/sys/kernel/bpf_stats_enabled";

function drained<Event>(probe: Probe<Event>): Event[] {
  const events: Event[] = [];
  probe.poll((event) => events.push(event));
  return events;
}

describe.skipIf(missing !== null)("skbdrop", () => {
  let pair: VethPair;
  let probe: Probe<SkbdropEvent> | null = null;
  const open = async (shownPerSecond: number) => {
    // this namespace alone, in which the machine's other work is, too: its address tells ours apart
    const netns = statSync("/proc/self/ns/net").ino;
    probe = await openProbe("skbdrop", { filter: { netns }, constants: { shown_per_second: shownPerSecond } });
    return probe;
  };
  beforeAll(() => {
    pair = new VethPair();
  });
  afterEach(() => probe?.close());
  afterAll(() => pair.close());

  const isOurs = ({ remote }: SkbdropEvent) => addressText(remote.address) === pair.farAddress;

  test("tells why and where a packet to a closed port is dropped, and whose it was", async () => {
    const opened = await open(100);
    pair.far(udpSender(pair.nearAddress, { count: 1 }));
    pair.far([
      "python3",
      "-c",
      `
import socket
try: socket.create_connection(("${pair.nearAddress}", 9))
except OSError: pass
`,
    ]);
    const events = drained(opened).filter(isOurs);
    expect(events.map(({ reason, protocol, local }) => [reason, protocol, endpointText(local)])).toEqual([
      ["NO_SOCKET", 17, `${pair.nearAddress}:9`],
      ["NO_SOCKET", 6, `${pair.nearAddress}:9`],
    ]);
    expect(events.map(({ place }) => place.replace(/\+.*/, ""))).toEqual([
      expect.stringMatching(/udp/),
      expect.stringMatching(/^tcp_v4_rcv/),
    ]);
  });

  test("counts all of a storm, shows some, and each says how many it stands for", async () => {
    const opened = await open(5);
    pair.far(udpSender(pair.nearAddress, { count: 20_000 }));
    opened.stop();
    const events = drained(opened).filter(isOurs);
    const totals = skbdrop.totals?.(opened) ?? [];
    const total = totals.find(({ document }) => /udp/.test(String(document.place)) && document.reason === "NO_SOCKET");
    expect(Number(total?.document.total)).toBeGreaterThanOrEqual(20_000);
    expect(events.length).toBeLessThan(200);
    const told = events.reduce((sum, { packets }) => sum + packets, 0);
    expect(told).toBeLessThanOrEqual(Number(total?.document.total));
    const { sent, delivered, lost } = opened.counters();
    expect(sent).toBe(delivered + lost);
  });

  test("has no word for packets that reached someone", async () => {
    let received = 0;
    const receiver = createSocket("udp4", () => received++);
    await new Promise<void>((done) => receiver.bind(9, pair.nearAddress, done));
    const opened = await open(1000);
    pair.far(udpSender(pair.nearAddress, { count: 50 }));
    await sleep(100);
    receiver.close();
    expect(received).toBe(50);
    expect(drained(opened).filter(isOurs)).toEqual([]);
  });

  test("takes under a tenth of a core in a storm", async () => {
    const before = readFileSync(STATS_SWITCH, "utf8");
    writeFileSync(STATS_SWITCH, "1");
    try {
      const opened = await open(20);
      const from = process.hrtime.bigint();
      pair.far(udpSender(pair.nearAddress, { count: 100_000 }));
      const elapsed = Number(process.hrtime.bigint() - from);
      const { runs, nanoseconds } = opened.cost();
      expect(runs).toBeGreaterThanOrEqual(100_000);
      expect(nanoseconds / elapsed).toBeLessThan(0.1);
      opened.stop();
    } finally {
      writeFileSync(STATS_SWITCH, before);
    }
  });
});

describe.skipIf(missing !== null)("fib", () => {
  let pair: VethPair;
  const far = (command: string) => pair.far(command.split(" "));
  beforeAll(() => {
    pair = new VethPair();
    // the far side is a router with two equal next hops behind it, and this side a client
    far("sysctl -qw net.ipv4.ip_forward=1");
    far("sysctl -qw net.ipv4.fib_multipath_hash_policy=1");
    far("ip link add out1 type veth peer name end1");
    far("ip link add out2 type veth peer name end2");
    for (const n of [1, 2]) {
      far(`ip addr add 198.51.100.${n * 16 + 1}/28 dev out${n}`);
      far(`ip link set out${n} up`);
      far(`ip link set end${n} up`);
      far(`ip neigh add 198.51.100.${n * 16 + 2} lladdr 02:00:00:00:00:0${n} dev out${n}`);
    }
    far("ip route add 203.0.113.0/24 nexthop via 198.51.100.18 nexthop via 198.51.100.34");
    execFileSync("ip", ["route", "add", "203.0.113.0/24", "via", pair.farAddress]);
  });
  afterAll(() => pair.close());

  test("tells the next hop that each conversation is given, once, and when it changes", async () => {
    const netns = Number(pair.far(["stat", "-L", "-c", "%i", "/proc/self/ns/net"]));
    const probe = await openProbe("fib", { filter: { netns } });
    try {
      const script = `
import socket
s = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(40)]
for _ in range(5):
    for i, each in enumerate(s): each.sendto(b"x", ("203.0.113.10", 53))
input()
for i, each in enumerate(s): each.sendto(b"x", ("203.0.113.10", 53))
`;
      const sender = spawn("python3", ["-c", script], { stdio: ["pipe", "ignore", "inherit"] });
      await sleep(700);
      const chosen = drained(probe).filter(({ local }) => addressText(local.address) === "203.0.113.10");
      expect(chosen.map(({ change }) => change)).toEqual(Array(40).fill("chosen"));
      expect(new Set(chosen.map(({ remote }) => remote.port)).size).toBe(40);
      const counts = [1, 2].map((n) => chosen.filter(({ hop }) => hop.mac === `02:00:00:00:00:0${n}`).length);
      expect((counts[0] ?? 0) + (counts[1] ?? 0)).toBe(40);
      expect(Math.min(...counts)).toBeGreaterThan(0);

      far("ip route replace 203.0.113.0/24 via 198.51.100.34");
      sender.stdin.end("\n");
      await once(sender, "exit");
      const changed = drained(probe).filter(({ local }) => addressText(local.address) === "203.0.113.10");
      expect(changed.map(({ change, packetsBefore }) => [change, packetsBefore])).toEqual(
        Array(counts[0]).fill(["changed", 5]),
      );
      for (const { hop, before } of changed) {
        expect([before?.mac, hop.mac]).toEqual(["02:00:00:00:00:01", "02:00:00:00:00:02"]);
      }
    } finally {
      probe.close();
    }
  });
});
