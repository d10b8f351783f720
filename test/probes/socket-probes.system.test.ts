import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TcpconnectEvent } from "../../probes/tcpconnect/decode.ts";
import type { TcplifeEvent } from "../../probes/tcplife/decode.ts";
import type { TcpretransEvent } from "../../probes/tcpretrans/decode.ts";
import type { TcprstEvent } from "../../probes/tcprst/decode.ts";
import { kernelBtf } from "../../src/probe/kernel-btf.ts";
import { openProbe } from "../../src/probe/open-probe.ts";
import type { ProbeCounters } from "../../src/probe/probe.ts";
import { requires } from "../support/requirement.ts";
import { PROBE_NEEDS, ProbeLab } from "./probe-lab.ts";

const need = requires(PROBE_NEEDS);

describe.skipIf(need.missing)("the socket probes, on one run of every way to end a connection", () => {
  let steps: Map<string, number[]>;
  const lives: TcplifeEvent[] = [];
  const connects: TcpconnectEvent[] = [];
  const resets: TcprstEvent[] = [];
  const retransmits: TcpretransEvent[] = [];
  const counters: ProbeCounters[] = [];
  let givesReasons = false;
  let hearsCalls = false;

  beforeAll(async () => {
    const lab = await ProbeLab.create();
    givesReasons = (kernelBtf().tracepointArguments("tcp_send_reset") ?? 0) >= 3;
    const filter = { netns: lab.netns };
    const life = await openProbe("tcplife", { filter });
    const connect = await openProbe("tcpconnect", { filter });
    hearsCalls = connect.notes.length === 0;
    const rst = await openProbe("tcprst", { filter });
    const retrans = await openProbe("tcpretrans", { filter });
    try {
      steps = await lab.traffic();
      life.stop();
      life.poll((event) => lives.push(event));
      connect.poll((event) => connects.push(event));
      rst.poll((event) => resets.push(event));
      retrans.poll((event) => retransmits.push(event));
    } finally {
      for (const probe of [life, connect, rst, retrans]) {
        probe.close();
        counters.push(probe.counters());
      }
      await lab.close();
    }
  });

  /** The event of a step's end: the client's or the server's socket. */
  const of = <Event extends { local: { port: number }; remote: { port: number } }>(
    events: readonly Event[],
    step: string,
    side: "client" | "server",
    filter: (event: Event) => boolean = () => true,
  ): Event[] => {
    const [server = -1, ...clients] = steps.get(step) ?? [];
    return events.filter(
      ({ local, remote, ...rest }) =>
        filter({ local, remote, ...rest } as Event) &&
        (side === "client"
          ? clients.includes(local.port) && remote.port === server
          : local.port === server && clients.includes(remote.port)),
    );
  };
  const sent = (event: TcprstEvent) => event.direction === "sent";

  test("every step took place", () => {
    expect([...steps.keys()]).toEqual([
      "refused",
      "healthy",
      "abort",
      "unread",
      "late-data",
      "overflow",
      "no-state",
      "unanswered",
      "no-route",
    ]);
  });

  test("lose nothing", () => {
    for (const each of counters) expect(each).toMatchObject({ lost: 0, missed: 0, sent: each.delivered });
    expect(lives.length).toBeGreaterThanOrEqual(10);
  });

  test("tcplife tells bytes, time, process and role", () => {
    const [client] = of(lives, "healthy", "client");
    const [server] = of(lives, "healthy", "server");
    expect(client).toMatchObject({ role: "connect", ended: "fin", comm: "python3", errno: 0, retransmits: 0 });
    expect(server).toMatchObject({ role: "accept", ended: "fin", comm: "python3", handshakeSeconds: null });
    // with a SYN and FINs; the client, closing first, has left for TIME_WAIT when the server's comes
    expect([client?.sentBytes, client?.receivedBytes]).toEqual([5002, 300]);
    expect([server?.sentBytes, server?.receivedBytes]).toEqual([301, 5001]);
    // two waits of 50 ms, of which the second may have begun before the connection was there
    expect(client?.durationSeconds).toBeGreaterThan(0.05);
    expect(client?.durationSeconds).toBeLessThan(1);
    expect(client?.handshakeSeconds).toBeGreaterThan(0);
    expect(Math.abs(Number(client?.timeNs) / 1e6 - Date.now())).toBeLessThan(60_000);
  });

  test.each([
    ["refused", "client", "refused"],
    ["abort", "client", "reset-sent"],
    ["abort", "server", "reset-received"],
    ["unread", "server", "reset-sent"],
    ["unread", "client", "reset-received"],
    ["unanswered", "client", "given-up"],
  ] as const)("tcplife tells how it ended: %s at the %s", (step, side, ended) => {
    expect(of(lives, step, side).map((event) => event.ended)).toEqual([ended]);
  });

  test("tcpconnect tells latency and failure", () => {
    expect(of(connects, "healthy", "client")).toMatchObject([{ outcome: "connected", error: null, comm: "python3" }]);
    expect(of(connects, "refused", "client")).toMatchObject([{ outcome: "refused", error: "ECONNREFUSED" }]);
    const [unanswered] = of(connects, "unanswered", "client");
    expect(unanswered).toMatchObject({ outcome: "given-up", synRetransmits: 1 });
    expect(unanswered?.latencySeconds).toBeGreaterThan(1.2);
  });

  test("tcpconnect tells a call that fails before a SYN, where the kernel lets it hear of calls", () => {
    const calls = connects.filter(({ outcome }) => outcome === "unreachable");
    expect(calls).toMatchObject(
      hearsCalls ? [{ error: "ENETUNREACH", remote: { address: [0, 0, 0xffff, 0xc6336401 | 0], port: 80 } }] : [],
    );
  });

  test.each([
    ["refused", "server", "refused", "NO_SOCKET"],
    ["no-state", "server", "no-state", "NO_SOCKET"],
    ["abort", "client", "abort", null],
    ["unread", "server", "abort", "TCP_ABORT_ON_CLOSE"],
    ["late-data", "server", "late-data", null],
  ] as const)("tcprst tells why: %s", (step, side, cause, reason) => {
    const [event, ...more] = of(resets, step, side, sent);
    expect(more).toEqual([]);
    expect(event?.cause).toBe(cause);
    if (givesReasons && reason !== null) expect(event?.reason).toBe(reason);
    expect(event?.reason === null).toBe(!givesReasons);
  });

  test("tcprst tells an accept queue that is full, by its length", () => {
    const overflows = of(resets, "overflow", "server", (event) => sent(event) && event.cause === "overflow");
    // one fits behind the first
    expect(overflows).toHaveLength(2);
    for (const each of overflows) expect(each).toMatchObject({ state: "LISTEN", backlog: { length: 2, limit: 1 } });
  });

  test("tcprst names the process that aborts, and none for what the kernel answers", () => {
    expect(of(resets, "unread", "server", sent)).toMatchObject([{ comm: "python3", answered: null }]);
    expect(of(resets, "refused", "server", sent)).toMatchObject([{ pid: null, comm: null, state: null }]);
  });

  test("tcprst tells resets received, with the state that they hit", () => {
    const received = of(resets, "unread", "client", (event) => event.direction === "received");
    expect(received).toMatchObject([{ state: "ESTABLISHED", cause: null }]);
  });

  test("tcpretrans tells a SYN sent again", () => {
    expect(of(retransmits, "unanswered", "client")).toMatchObject([
      { what: "syn", state: "SYN_SENT", congestion: "Loss", timeouts: 1, length: 1 },
    ]);
  });
});

describe.skipIf(need.missing)("filters in the kernel", () => {
  let lab: ProbeLab;
  beforeAll(async () => {
    lab = await ProbeLab.create();
  });
  afterAll(() => lab.close());
  const loopback = [0, 0, 0xffff, 0x7f000001] as const;

  test("let through what is asked for and nothing else", async () => {
    const { netns } = lab;
    const all = await openProbe("tcplife", { filter: { netns } });
    const refused = await openProbe("tcplife", { filter: { netns, ports: [1, 2] } });
    const elsewhere = await openProbe("tcplife", {
      filter: { netns, addresses: [{ words: loopback, prefixBits: 128, port: 2 }] },
    });
    const network = await openProbe("tcplife", {
      filter: { netns, addresses: [{ words: loopback, prefixBits: 104, port: null }] },
    });
    const called = await openProbe("tcplife", {
      filter: { netns, vips: [{ words: loopback, prefixBits: 128, port: 1 }] },
    });
    const python = await openProbe("tcplife", { filter: { netns, comm: "python3" } });
    const nginx = await openProbe("tcplife", { filter: { netns, comm: "nginx" } });
    const me = await openProbe("tcplife", { filter: { netns, pid: process.pid } });
    const none = await openProbe("tcplife", { filter: { netns: 1 } });
    const probes = { all, refused, elsewhere, network, called, python, nginx, me, none };
    await lab.traffic();
    const counts: Record<string, number> = {};
    const ports = new Set<number>();
    for (const [name, probe] of Object.entries(probes)) {
      counts[name] = probe.poll((event) => name === "refused" && ports.add(event.remote.port));
      // what a filter holds back was never sent
      probe.close();
      expect(probe.counters().sent).toBe(counts[name]);
    }
    expect(counts).toMatchObject({ refused: 1, elsewhere: 0, called: 1, nginx: 0, me: 0, none: 0 });
    expect([...ports]).toEqual([1]);
    expect(counts.network).toBe(counts.all);
    expect(counts.python).toBeGreaterThan(5);
    expect(counts.python).toBeLessThan(counts.all ?? 0);
  });
});

describe.skipIf(need.missing)("a ring buffer that is too small", () => {
  test("loses events and counts every one", async () => {
    const lab = await ProbeLab.create();
    const probe = await openProbe("tcplife", { filter: { netns: lab.netns }, ringBytes: 4096 });
    try {
      const script =
        "import socket\nfor i in range(200):\n  try: socket.create_connection(('127.0.0.1', 1))\n  except OSError: pass\n";
      await lab.run("python3", "-c", script);
      const atOnce = probe.poll(() => {});
      // there is room again
      await lab.run("python3", "-c", script.replace("200", "3"));
      const later = probe.poll(() => {});
      probe.close();
      const { sent, delivered, lost } = probe.counters();
      expect([sent, later]).toEqual([203, 3]);
      expect(delivered).toBe(atOnce + later);
      expect(lost).toBeGreaterThan(100);
      expect(delivered + lost).toBe(sent);
    } finally {
      probe.close();
      await lab.close();
    }
  });
});
