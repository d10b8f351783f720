import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type TcpConversation, tcpConversation } from "../../fixtures/packets/conversation.ts";
import type { Leg } from "../../fixtures/packets/leg.ts";
import { packet } from "../../fixtures/packets/packet.ts";
import { join, type Points } from "./join.ts";

const VIPS = ["192.0.2.10:443", "192.0.2.20:8080"] as const;
const MODES = ["dnat", "fullnat", "tunnel"] as const;

const connectionPlan = fc.record({
  vip: fc.nat({ max: 1 }),
  backend: fc.nat({ max: 3 }),
  start: fc.nat({ max: 400 }),
  mode: fc.constantFrom(...MODES),
  ending: fc.constantFrom("fin", "reset", "refused", "silent", "open"),
  timestamps: fc.boolean(),
  // few client ports, so that some are used again
  port: fc.nat({ max: 5 }),
  request: fc.nat({ max: 3000 }),
});

/** What a capture point misses: frames before and after it ran, one direction, all but some bytes, and the right time. */
const pointPlan = fc.record({
  isThere: fc.boolean(),
  skip: fc.nat({ max: 12 }),
  drop: fc.nat({ max: 6 }),
  direction: fc.constantFrom("both", "both", "up", "down"),
  snapLength: fc.constantFrom(66, 96, 65_535),
  clockOffset: fc.constantFrom(0, 0, 0.7, -30),
});

type ConnectionPlan = typeof connectionPlan extends fc.Arbitrary<infer Plan> ? Plan : never;
type PointPlan = typeof pointPlan extends fc.Arbitrary<infer Plan> ? Plan : never;

function scriptOf(plan: ConnectionPlan, index: number): TcpConversation {
  const script = tcpConversation({
    client: `10.1.0.1:${40_000 + plan.port}`,
    server: VIPS[plan.vip] ?? VIPS[0],
    // lives of one port follow one another
    start: index * 3 + plan.start / 1000,
    timestamps: plan.timestamps,
    rtt: 0.004,
    position: 0,
  });
  if (plan.ending === "silent") return script.syn({ retries: [1] });
  if (plan.ending === "refused") return script.syn().rst("down", "refused");
  script
    .handshake()
    .send("up", plan.request + 20)
    .send("down", 4000);
  if (plan.ending === "fin") script.fin("up");
  if (plan.ending === "reset") script.rst("down");
  return script;
}

function legsOf(plan: ConnectionPlan, script: TcpConversation, index: number): { back: Leg; backend: string } {
  const address = `10.2.0.${11 + plan.backend}`;
  const port = plan.vip === 0 ? 8443 : 9000;
  if (plan.mode === "tunnel") {
    const outer = packet().ipv4({ src: "10.2.0.2", dst: address });
    return { back: script.viaTunnel({ outer }), backend: `${address}:${plan.vip === 0 ? 443 : 8080}` };
  }
  const client = plan.mode === "fullnat" ? { client: `10.2.0.2:${1025 + index}` } : {};
  return { back: script.viaNat({ ...client, server: `${address}:${port}` }), backend: `${address}:${port}` };
}

function seenAt(plan: PointPlan, leg: Leg): ReturnType<Leg["packets"]> {
  const visible = plan.direction === "both" ? leg : leg.filter(({ direction }) => direction === plan.direction);
  const packets = visible.packets({ clockOffset: plan.clockOffset });
  return packets.slice(plan.skip, Math.max(plan.skip, packets.length - plan.drop));
}

describe("joining", () => {
  it("never gives a connection a backend that is not its own, whatever the points missed", () => {
    fc.assert(
      fc.property(
        fc.array(connectionPlan, { minLength: 1, maxLength: 8 }),
        fc.tuple(pointPlan, pointPlan, pointPlan, pointPlan),
        (plans, [client, front, back, server]) => {
          const truth = new Map<string, Set<string>>();
          const packets: Record<string, ReturnType<Leg["packets"]>> = {};
          const add = (name: string, plan: PointPlan, leg: Leg) => {
            if (plan.isThere) packets[name] = [...(packets[name] ?? []), ...seenAt(plan, leg)];
          };
          plans.forEach((plan, index) => {
            const script = scriptOf(plan, index);
            const { back: behind, backend } = legsOf(plan, script, index);
            const caller = `10.1.0.1:${40_000 + plan.port} > ${VIPS[plan.vip]}`;
            truth.set(caller, (truth.get(caller) ?? new Set()).add(backend));
            add("c1:eth0", client, script.leg());
            add("lb1:eth0", front, script.viaMacs({ delay: 0.001 }));
            add("lb1:eth1", { ...back, clockOffset: front.clockOffset }, behind.viaMacs({ delay: 0.001, ttl: 0 }));
            add("rs1:eth0", server, behind.viaMacs({ delay: 0.0015, ttl: 0 }));
          });
          const snapLengths: Record<string, number> = {
            "c1:eth0": client.snapLength,
            "lb1:eth0": front.snapLength,
            "lb1:eth1": back.snapLength,
            "rs1:eth0": server.snapLength,
          };
          const points: Points = Object.fromEntries(
            Object.entries(packets).map(([name, seen]) => [
              name,
              { packets: seen, snapLength: snapLengths[name] ?? 96 },
            ]),
          );
          for (const { client: caller, vip, backend, legs } of join(points).map((one) => ({
            ...one,
            legs: one.points,
          }))) {
            if (backend === null) continue;
            const known = truth.get(`${caller} > ${vip}`);
            // a session seen only behind the balancer may lead to the backend that others show
            const accepted = known ? [...known] : [vip];
            expect({ caller, vip, backend: accepted.includes(backend) ? true : backend, legs }).toEqual({
              caller,
              vip,
              backend: true,
              legs,
            });
          }
        },
      ),
      { numRuns: 400 },
    );
  });
});
