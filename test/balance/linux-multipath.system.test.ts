import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { linuxEcmp } from "../../src/balance/selection/linux-ecmp.ts";
import { resilient } from "../../src/balance/selection/resilient.ts";
import { changeMembers, newResilientTable } from "../../src/balance/selection/resilient-table.ts";
import { requires } from "../support/requirement.ts";
import { canMakeNamespaces, HashNamespace } from "./hash-namespace.ts";
import { backendsOf, flow } from "./selection-backends.ts";

const SEED = "/proc/sys/net/ipv4/fib_multipath_hash_seed";
const need = requires({
  root: true,
  tool: ["ip", "sysctl"],
  kernel: () => (existsSync(SEED) ? canMakeNamespaces() : "fib_multipath_hash_seed (Linux 6.11)"),
});

const WEIGHTS = [1, 2, 4];
const FLOWS = Array.from({ length: 250 }, (_, i) => ({
  host: (i * 37) % 65_000,
  sport: 1024 + i * 131,
  dport: 443 + (i % 3),
}));

const routesSchema = z.array(z.object({ dev: z.string() }));
const bucketsSchema = z.array(z.object({ bucket: z.object({ index: z.number(), nhid: z.number() }) }));

describe.skipIf(need.missing)("Linux' own choice of next hops", () => {
  let namespace: HashNamespace;
  beforeAll(() => {
    namespace = new HashNamespace("multipath");
    namespace.exec(["sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0"]);
    namespace.ip([
      ...[1, 2, 3].flatMap((n) => [
        `link add d${n} type veth peer name p${n}`,
        `link set d${n} up`,
        `link set p${n} up`,
        `addr add 10.9.${n}.1/24 dev d${n}`,
        `addr add fd00:${n}::1/64 dev d${n} nodad`,
        `nexthop add id ${n} via 10.9.${n}.2 dev d${n}`,
        `nexthop add id 6${n} via fd00:${n}::2 dev d${n}`,
      ]),
      "nexthop add id 100 group 1,1/2,2/3,4",
      "nexthop add id 101 group 1,1/2,2/3,4 type resilient buckets 32 idle_timer 1000",
      "nexthop add id 600 group 61,1/62,2/63,4",
      "route add 192.0.2.0/24 nhid 100",
      "route add 198.51.100.0/24 nhid 101",
      "route add 2001:db8::/32 nhid 600",
      "route add local 10.50.0.0/16 dev lo",
      "route add local fd50::/64 dev lo",
    ]);
  });
  afterAll(() => namespace.close());

  /** The number of the device that each flow is sent out of, less one. */
  function ask(source: (host: number) => string, destination: string): number[] {
    const lines = FLOWS.map(
      ({ host, sport, dport }) =>
        `route get ${destination} from ${source(host)} ipproto tcp sport ${sport} dport ${dport}`,
    );
    return lines.length === 0
      ? []
      : namespace
          .ip(lines, ["-j"])
          .trim()
          .split("\n")
          .flatMap((line) => routesSchema.parse(JSON.parse(line)))
          .map(({ dev }) => Number(dev.slice(1)) - 1);
  }
  const v4 = (host: number): string => `10.50.${host >> 8}.${host & 255}`;
  const v6 = (host: number): string => `fd50::${host.toString(16)}`;
  const members = backendsOf(["10.9.1.2:0", "10.9.2.2:0", "10.9.3.2:0"], WEIGHTS);

  it.each([
    { policy: 0, seed: 7 },
    { policy: 1, seed: 7 },
    { policy: 1, seed: 0xfeedf00d },
  ])("multipath with policy $policy and seed $seed", ({ policy, seed }) => {
    const sysctls = [`net.ipv4.fib_multipath_hash_policy=${policy}`, `net.ipv6.fib_multipath_hash_policy=${policy}`];
    namespace.exec(["sysctl", "-qw", `net.ipv4.fib_multipath_hash_seed=${seed}`, ...sysctls]);
    for (const [source, destination] of [
      [v4, "192.0.2.10"],
      [v6, "2001:db8::10"],
    ] as const) {
      const selection = linuxEcmp.build(members, { policy, seed });
      const ours = FLOWS.map(({ host, sport, dport }) =>
        selection.select(flow(source(host), sport, destination, dport)),
      );
      expect(new Set(ours).size).toBe(3);
      expect(ours).toEqual(ask(source, destination));
    }
    const selection = resilient.build(members, { policy, seed, buckets: 32 });
    const ours = FLOWS.map(({ host, sport, dport }) => selection.select(flow(v4(host), sport, "198.51.100.10", dport)));
    expect(ours).toEqual(ask(v4, "198.51.100.10"));
  });

  it("a resilient group's buckets after a member leaves, and after one comes", () => {
    const buckets = (): number[] =>
      bucketsSchema
        .parse(JSON.parse(namespace.exec(["ip", "-j", "nexthop", "bucket", "show", "id", "102"])))
        .map(({ bucket }) => bucket.nhid);
    const member = (id: string, weight: number) => ({ id, weight });
    const unused = () => Number.NEGATIVE_INFINITY;
    const timers = { idleSeconds: 1000, unbalancedSeconds: 0 };
    const idsOf = (table: { members: readonly { id: string }[]; buckets: Int32Array }): number[] =>
      [...table.buckets].map((owner) => Number(table.members[owner]?.id));

    namespace.ip(["nexthop add id 102 group 1,3/2,2/3,2 type resilient buckets 16 idle_timer 1000"]);
    const first = newResilientTable([member("1", 3), member("2", 2), member("3", 2)], 16);
    expect(idsOf(first)).toEqual(buckets());

    namespace.ip(["nexthop replace id 102 group 1,3/3,2 type resilient"]);
    const left = changeMembers(first, [member("1", 3), member("3", 2)], timers, 1, unused);
    expect(idsOf(left)).toEqual(buckets());

    // no bucket has seen a packet: all that are too many move to the one that comes
    namespace.ip(["nexthop replace id 102 group 1,3/2,2/3,2 type resilient"]);
    const back = changeMembers(left, [member("1", 3), member("2", 2), member("3", 2)], timers, 2, unused);
    expect(idsOf(back)).toEqual(buckets());
    expect(back.unbalancedSince).toBeNull();
  });
});
