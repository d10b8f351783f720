import { describe, expect, it } from "vitest";
import { routerChoices, type TwoChoices } from "../../src/balance/two-tiers.ts";
import { seeded } from "../support/seeded.ts";

/** A member of so many by a number from 0 to 1, as Linux cuts the range of its hash. */
const cut = (hash: number, members: number) => `lb${1 + Math.floor(hash * members)}`;

interface Tiers {
  flows: number;
  clients: number;
  routers: number;
  /** Which member a flow gets, from what the first tier's hash made of it, the router, the client and a random number. */
  choose: (of: { hash: number; router: number; client: number; random: number }) => string;
}

function flowsOf({ flows, clients, routers, choose }: Tiers, seed: number): TwoChoices[] {
  const random = seeded(seed);
  return Array.from({ length: flows }, (_, start) => {
    const client = Math.floor(random() * clients);
    const hash = random();
    const router = Math.floor(hash * routers);
    return { router: `t${1 + router}`, member: choose({ hash, router, client, random: random() }), client, start };
  });
}

const isCalled = (flows: readonly TwoChoices[]) =>
  routerChoices(flows).filter(({ pValue, idleShare }) => pValue < 1e-4 && idleShare >= 0.2).length >= 2;

describe("choices of two tiers", () => {
  it("depend on each other where both use one hash: each router leaves some members idle", () => {
    const flows = flowsOf({ flows: 200, clients: 20, routers: 2, choose: ({ hash }) => cut(hash, 3) }, 1);
    const [t1, t2] = routerChoices(flows);
    expect(t1).toMatchObject({ router: "t1", idle: ["lb3"] });
    expect(t2).toMatchObject({ router: "t2", idle: ["lb1"] });
    for (const one of [t1, t2]) {
      expect(one?.pValue).toBeLessThan(1e-12);
      expect(one?.cramersV).toBeGreaterThan(0.7);
      expect(one?.idleShare).toBeGreaterThan(0.25);
    }
  });

  it("are independent where the members' weights are merely unequal", () => {
    const skewed = ({ random }: { random: number }) => (random < 0.8 ? "lb1" : random < 0.9 ? "lb2" : "lb3");
    for (let seed = 1; seed <= 300; seed++) {
      const flows = flowsOf({ flows: 200, clients: 20, routers: 2, choose: skewed }, seed);
      expect(
        routerChoices(flows).every(({ pValue }) => pValue > 1e-4),
        `seed ${seed}`,
      ).toBe(true);
    }
  });

  it.each([4, 8, 20])("are not called dependent where each of %i clients has its member at each router", (clients) => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = seeded(1000 + seed);
      const own = Array.from({ length: clients * 3 }, () => cut(random(), 4));
      const choose: Tiers["choose"] = ({ client, router }) => own[client * 3 + router] ?? "lb1";
      const flows = flowsOf({ flows: 400, clients, routers: 3, choose }, seed);
      expect(isCalled(flows), `seed ${seed}`).toBe(false);
    }
  });

  it("are not called dependent where routers and members changed at one time", () => {
    const flows = Array.from({ length: 200 }, (_, start) => ({
      router: start < 100 ? "t1" : "t2",
      member: `${start < 100 ? "a" : "b"}${start % 2}`,
      client: start % 20,
      start,
    }));
    expect(isCalled(flows)).toBe(false);
  });

  it("are not judged by a handful of flows", () => {
    const flows = flowsOf({ flows: 30, clients: 20, routers: 2, choose: ({ hash }) => cut(hash, 4) }, 1);
    expect(routerChoices(flows)).toEqual([]);
  });
});
