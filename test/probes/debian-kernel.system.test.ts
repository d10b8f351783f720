import { beforeAll, describe, expect, test } from "vitest";
import { requires } from "../support/requirement.ts";
import { canBoot, runInMachine } from "./debian-machine.ts";

const need = requires({ kernel: canBoot });

interface GuestProbe {
  notes: string[];
  counters: { sent: number; delivered: number; lost: number };
  events: Record<string, unknown>[];
}

/** What a command printed, and what was left on the interfaces that it watched. */
interface GuestRun {
  code: number;
  stdout: string;
  stderr: string;
  /** By interface: packets that the kernel itself counted meanwhile, in and out. */
  passed: Record<string, number>;
  /** Classifiers and disciplines afterwards, as tc lists them. */
  left: string;
}

type Line = Record<string, unknown>;

describe.skipIf(need.missing)("on Debian 12's kernel, 6.1", () => {
  let result: { release: string; probes: Record<string, GuestProbe> };
  let runs: Record<"flowtap" | "skbdrop" | "fib" | "top", GuestRun>;

  beforeAll(async () => {
    const [sockets, packets] = await runInMachine([
      { script: "guest.mjs", data: "socket-traffic.py" },
      { script: "packet-guest.mjs", data: "packet-traffic.py" },
    ]);
    result = sockets as typeof result;
    runs = packets as typeof runs;
  }, 300_000);

  const eventsOf = (probe: string) => result.probes[probe]?.events ?? [];

  test("every probe loads, attaches and loses nothing", () => {
    expect(result.release).toMatch(/^6\.1\./);
    expect(Object.keys(result.probes)).toHaveLength(5);
    for (const { counters, events } of Object.values(result.probes)) {
      expect(counters).toMatchObject({ sent: events.length, delivered: events.length, lost: 0 });
      expect(events.length).toBeGreaterThan(0);
    }
  });

  test("tcplife tells how connections ended", () => {
    const ends = new Set(eventsOf("tcplife").map(({ ended }) => ended));
    expect([...ends]).toEqual(expect.arrayContaining(["refused", "fin", "reset-sent", "reset-received", "given-up"]));
  });

  test("tcpconnect hears of calls that fail before a SYN", () => {
    expect(result.probes.tcpconnect?.notes).toEqual([]);
    expect(eventsOf("tcpconnect")).toContainEqual(
      expect.objectContaining({ remote: "198.51.100.1:80", outcome: "unreachable", error: "ENETUNREACH" }),
    );
  });

  test.each(["tcprst", "tcprst by kprobe"])(
    "%s tells of resets without a socket, and that reasons are missing",
    (name) => {
      expect(result.probes[name]?.notes).toEqual([expect.stringContaining("gives no reason")]);
      const sent = eventsOf(name).filter(({ direction }) => direction === "sent");
      const causes = new Set(sent.map(({ cause }) => cause));
      expect([...causes].sort()).toEqual(["abort", "late-data", "no-state", "overflow", "refused"]);
      expect(sent.every(({ reason }) => reason === null)).toBe(true);
    },
  );

  test("tcpretrans tells a SYN sent again", () => {
    expect(eventsOf("tcpretrans")).toContainEqual(expect.objectContaining({ what: "syn", state: "SYN_SENT" }));
  });

  const linesOf = (name: keyof typeof runs): Line[] =>
    runs[name].stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));

  test.each(["flowtap", "skbdrop", "fib", "top"] as const)("%s ends well, warns of nothing, leaves nothing", (name) => {
    expect(runs[name]).toMatchObject({ code: 0, stderr: "", left: "" });
  });

  test("flowtap shows each connection's ends, on Ethernet and in IPIP, GRE and a VLAN, and counts each packet", () => {
    const lines = linesOf("flowtap");
    const shown = lines.filter(({ why }) => why !== undefined);
    const around = (name: string, flag: RegExp) =>
      shown
        .filter((line) => line.interface === name && flag.test(String(line.flags)))
        .map(({ encapsulation }) => String(encapsulation))
        .sort();
    const five = (...words: string[]) => words.flatMap((word) => Array(5).fill(word));
    for (const flag of [/^SYN$/, /^SYN\|ACK$/]) {
      expect(around("near", flag)).toEqual(five("", "gre", "ipip", "vlan"));
      expect(around("ipip1", flag)).toEqual(five(""));
    }
    expect(around("near", /FIN/)).toHaveLength(40);
    expect(around("ipip1", /FIN/)).toHaveLength(10);

    for (const [name, passed] of Object.entries(runs.flowtap.passed)) {
      const own = lines.filter((line) => line.interface === name);
      const counted = own.reduce((sum, { packets }) => sum + Number(packets ?? 0), 0);
      const messages = own.filter(({ why }) => why === "message").length;
      expect(passed).toBeGreaterThan(40);
      expect(counted + messages).toBe(passed);
    }
  });

  test("skbdrop tells why and where packets are dropped", () => {
    const drops = linesOf("skbdrop").filter(
      ({ total, dst }) => total === undefined && /^10\.0\.0\.1:/.test(String(dst)),
    );
    expect(drops.map(({ reason, protocol, dst }) => [reason, protocol, dst])).toEqual([
      ["NO_SOCKET", "udp", "10.0.0.1:9"],
      ["NETFILTER_DROP", "udp", "10.0.0.1:7"],
      ["NO_SOCKET", "tcp", "10.0.0.1:9"],
    ]);
    expect(drops.map(({ place }) => String(place).replace(/\+.*/, ""))).toEqual([
      expect.stringMatching(/udp/),
      expect.stringMatching(/^n(ft?|et)_/),
      "tcp_v4_rcv",
    ]);
  });

  test("fib tells the next hop of each conversation, and when it changes", () => {
    const lines = linesOf("fib");
    const chosen = lines.filter(({ change }) => change === "chosen");
    const changed = lines.filter(({ change }) => change === "changed");
    const macOf = ({ hop }: Line) => (hop as { mac: string }).mac;
    expect(new Set(chosen.map(({ src }) => src)).size).toBe(40);
    expect(chosen).toHaveLength(40);
    const first = chosen.filter((line) => macOf(line) === "02:00:00:00:00:01");
    expect(first.length).toBeGreaterThan(0);
    expect(first.length).toBeLessThan(40);
    expect(new Set(changed.map(({ src }) => src))).toEqual(new Set(first.map(({ src }) => src)));
    expect(changed.map((line) => [macOf(line), line.packetsBefore])).toEqual(
      Array(first.length).fill(["02:00:00:00:00:02", 5]),
    );
  });

  test("top counts the connections", () => {
    const model = JSON.parse(runs.top.stdout);
    expect(model.health).toMatchObject({ state: "ended", lost: 0 });
    const total = (counts: { value: number }[]) => counts.reduce((sum, { value }) => sum + value, 0);
    expect(total(model.metrics.connections_total)).toBe(20);
    expect(model.findings).toEqual([]);
  });
});
