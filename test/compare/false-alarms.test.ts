import { describe, expect, test } from "vitest";
import { compareSides } from "../../src/compare/compare.ts";
import type { ConnectionSample, Side } from "../../src/compare/side.ts";
import { sideOfAnalysis } from "../../src/report/compare/side-of-analysis.ts";
import { analyseScenario, randomFrom, sideOf, times } from "./sides.ts";

const SPLITS = 200;
/** Of 200 comparisons of what is the same, two may call a change by the promise of ALPHA. */
const ALLOWED = 2;

/** The connections of a side dealt to two. */
function deal(side: Side, random: () => number): [Side, Side] {
  const hands: [ConnectionSample[], ConnectionSample[]] = [[], []];
  for (const one of side.connections) hands[random() < 0.5 ? 0 : 1].push(one);
  return [
    { ...side, connections: hands[0] },
    { ...side, connections: hands[1] },
  ];
}

describe("the connections of healthy captures, dealt to two sides at random", () => {
  test.each(["dnat-rr", "ecmp-3lb", "haproxy-leastconn", "haproxy-source", "ipip-dsr"])("%s", async (name) => {
    const side = sideOfAnalysis(await analyseScenario(name), name);
    expect(side.connections.length).toBeGreaterThan(50);
    const random = randomFrom(20_261_120);
    let tests = 0;
    let alarms = 0;
    for (let split = 0; split < SPLITS; split++) {
      const { method, changes, findings } = compareSides(...deal(side, random));
      tests += method.tests;
      if (changes.length + findings.appeared.length + findings.gone.length > 0) alarms++;
    }
    expect(tests).toBeGreaterThan(SPLITS);
    expect(alarms).toBeLessThanOrEqual(ALLOWED);
  });
});

/** Two runs of the same service, drawn anew. */
const RUNS: [string, (random: () => number) => Side][] = [
  [
    "failures, losses and durations, each connection for itself",
    (random) =>
      sideOf(
        times(400, () => {
          const draw = random();
          const failure = draw < 0.02 ? "timeout" : draw < 0.05 ? "reset" : "ok";
          const point = "r:eth1";
          return {
            backend: `10.3.0.${11 + Math.floor(random() * 4)}:8443`,
            outcome: failure,
            reset: failure === "reset" ? { by: "backend", cause: "backend-abort", node: null } : null,
            traffic: { packets: 20, retransmits: random() < 0.03 ? 1 + Math.floor(random() * 4) : 0 },
            handshake: { seconds: 0.02 * (1 + random()) ** 3, point },
            firstByte: { seconds: 0.05 * (1 + random()) ** 5, point },
          };
        }),
      ),
  ],
  [
    "hashing by source, clients of another distance and some that abort, other clients in each run",
    (random) => {
      const clients = Array.from({ length: 30 }, () => ({
        client: `10.1.0.${Math.floor(random() * 1e9)}`,
        backend: `10.3.0.${11 + Math.floor(random() * 3)}:8443`,
        rtt: 0.005 + random() * 0.1,
        aborts: random() < 0.15 ? 0.5 : 0,
        weight: random() ** 2,
      }));
      const total = clients.reduce((sum, { weight }) => sum + weight, 0);
      const pick = () => {
        let left = random() * total;
        for (const client of clients) {
          left -= client.weight;
          if (left <= 0) return client;
        }
        return clients[0]!;
      };
      return sideOf(
        times(400, () => {
          const { client, backend, rtt, aborts } = pick();
          const isAborted = random() < aborts;
          return {
            client,
            backend,
            outcome: isAborted ? "reset" : "ok",
            reset: isAborted ? { by: "client", cause: "client-abort", node: null } : null,
            handshake: { seconds: rtt * (1 + random() / 10), point: "r:eth1" },
          };
        }),
      );
    },
  ],
];

describe("two runs of the same service", () => {
  test.each(RUNS)("%s", (_, run) => {
    const random = randomFrom(7);
    let alarms = 0;
    for (let i = 0; i < SPLITS; i++) if (compareSides(run(random), run(random)).changes.length > 0) alarms++;
    expect(alarms).toBeLessThanOrEqual(ALLOWED);
  });
});
