import type { LiveFinding, LiveModel, LiveRates, PerWindow } from "../../src/live/live-model.ts";
import { modelOf } from "../support/live-model.ts";

export const NOW = 1_795_173_099;

function rates(connectionsPerSecond: number, resetsPerSecond: number): LiveRates {
  return {
    connectionsPerSecond,
    bitsPerSecond: { up: 1.2e6, down: 44e6 },
    packetsPerSecond: { up: 900, down: 1200 },
    resetsPerSecond,
    resetsBy: { client: 0, backend: 1, lb: 11, middlebox: 0, unknown: 0 },
    refused: 0,
    timeouts: 0,
    retransmitsPerSecond: 0.5,
    connectP50: 0.0004,
    connectP99: 1.01,
    connectSamples: 500,
    connections: 5000,
  };
}

export function perWindow<T>(value: T): PerWindow<T> {
  return { "10s": value, "1m": value, "15m": value };
}

export function findingOf(key: string, parts: Partial<LiveFinding["finding"]> = {}): LiveFinding {
  return {
    key,
    state: "open",
    opened: NOW - 41,
    lastSeen: NOW,
    closed: Number.NaN,
    worst: parts.severity ?? "critical",
    windows: ["1m"],
    finding: {
      id: "ecmp.rehash",
      severity: "critical",
      confidence: 0.97,
      title: "49 of 96 open connections broke when the ECMP set changed",
      explanation:
        "Flows moved from lb1 and lb2 to lb3, which had never seen their SYN and answered with resets. ".repeat(4),
      where: { vip: "192.0.2.10:443", member: "lb3" },
      window: { from: `${NOW - 41}`, to: `${NOW}` },
      measured: {},
      affected: { connections: 49, examples: ["c17"] },
      evidence: [{ file: "lb3.pcap", frame: 17, note: "RST, 41 µs later" }],
      displayFilter: "tcp.flags.reset==1",
      remedy: ["hash consistently: ip nexthop … type resilient"],
      ...parts,
    } as LiveFinding["finding"],
  };
}

/** A model with something in every view; `vips` and `backends` say how many there are. */
export function busyModel(
  parts: { vips?: number; backends?: number } & Partial<Omit<LiveModel, "vips" | "backends" | "health">> & {
      health?: Partial<LiveModel["health"]>;
    } = {},
): LiveModel {
  const { vips = 2, backends = 6, health = {}, ...rest } = parts;
  const names = Array.from({ length: vips }, (_, i) => `192.0.2.${i + 10}:443`);
  const seconds = Array.from({ length: 900 }, (_, i) => i);
  return modelOf({
    now: NOW,
    health: {
      connectionsPerSecond: 1204,
      activeConnections: 38_000,
      packetsPerSecond: 61_000,
      flows: 76_000,
      ...health,
    },
    sources: [
      {
        name: "eth0",
        kind: "interface",
        state: "running",
        failure: null,
        points: ["lb1:eth0"],
        packets: 123_456,
        packetsPerSecond: 61_000,
        bytesPerSecond: 4e7,
        lost: 3,
        sampledOut: 0,
        clockOffset: 0,
        clockUncertainty: 0,
        lag: 0.01,
      },
    ],
    vips: names.map((vip, i) => ({
      vip,
      protocol: "tcp" as const,
      mode: "dnat" as const,
      scheduler: "rr",
      active: 31_000 - i,
      backends: ["10.2.0.11:8080", "10.2.0.12:8080"],
      windows: perWindow(rates(980 - i, i === 0 ? 14.2 : 0)),
      balance: perWindow({ shares: [0.66, 0.34], expected: [0.5, 0.5], skew: 0.31, pValue: 1e-6, samples: 500 }),
      findings: i === 0 ? ["ecmp.rehash a"] : [],
    })),
    backends: Array.from({ length: backends }, (_, i) => ({
      vip: names[i % vips] ?? "192.0.2.10:443",
      backend: `10.2.0.${i + 11}:8080`,
      active: 100 + i,
      windows: perWindow(rates(100 + i, 0)),
      share: perWindow(1 / backends),
      expectedShare: 1 / backends,
      weight: null,
      firstByteP50: 0.002,
      findings: [],
    })),
    resets: [
      {
        vip: "192.0.2.10:443",
        backend: "10.2.0.11:8080",
        by: "lb",
        cause: "no-state",
        counts: perWindow(49),
        over: seconds.slice(0, 90),
        last: NOW - 3,
      },
    ],
    members: [
      {
        vip: "192.0.2.10:443",
        tier: "lb",
        member: "lb3",
        connections: 49,
        share: 0.5,
        expectedShare: 0.33,
        arrived: 49,
        left: 0,
      },
    ],
    paths: [
      {
        vip: "192.0.2.10:443",
        up: ["r", "lb1", "rs1"],
        down: ["rs1", "r"],
        connections: 90,
        share: 0.9,
        expected: false,
        marks: ["ecmp.rehash"],
      },
    ],
    findings: [
      findingOf("ecmp.rehash a"),
      {
        ...findingOf("balance b", { id: "balance.backend-skew", severity: "warning" }),
        state: "over",
        closed: NOW - 5,
      },
    ],
    probes: [{ name: "flowtap", attached: "tc", events: 500, lost: 0, nanosecondsPerEvent: 212, coreShare: 0.006 }],
    series: {
      from: NOW - 899,
      opened: seconds.map((i) => 900 + (i % 60)),
      resets: seconds.map((i) => (i > 850 ? 14 : 0)),
      retransmits: seconds.map(() => 1),
      connectP50: seconds.map((i) => (i % 7 === 0 ? Number.NaN : 0.0004)),
      connectP99: seconds.map(() => 1.01),
    },
    ...rest,
  });
}
