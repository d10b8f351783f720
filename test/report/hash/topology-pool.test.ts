import { describe, expect, test } from "vitest";
import { topologyPool, type VipWish } from "../../../src/report/hash/topology-pool.ts";
import { readTopologyFile } from "../../../src/topology/read-file.ts";

const pool = (yaml: string, wish: Partial<VipWish> = {}) =>
  topologyPool(readTopologyFile(yaml, "t.yaml"), { vip: undefined, protocol: undefined, ...wish });

const ONE = `
vips:
  - vip: 192.0.2.10:53
    protocol: udp
    backends:
      - { backend: "10.0.0.1:53", weight: 2 }
      - { backend: "[2001:db8::2]:53" }
      - { backend: "02:00:00:00:00:01" }
      - { backend: "10.0.0.9:53", backup: true }
`;
const TWO = `
vips:
  - { vip: "192.0.2.10:80", backends: [{ backend: "10.0.0.1:80" }] }
  - { vip: "192.0.2.10:443", protocol: tcp, backends: [{ backend: "10.0.0.2:443" }] }
  - { vip: "192.0.2.99:80", backends: [] }
`;
const MANY = `
vips:
  - { vip: "0.0.0.0:80", backends: [{ backend: "10.0.0.1:80" }] }
  - { vip: "192.0.2.10:0", backends: [{ backend: "10.0.0.2:0" }] }
`;

test("the backends of the one VIP, by weight; backups and bare MACs are left out, and that is said", () => {
  const { vip, protocol, backends, notes, source } = pool(ONE);
  expect({ vip, protocol, source }).toEqual({ vip: "192.0.2.10:53", protocol: "udp", source: "topology" });
  expect(backends.map(({ name, weight, address }) => `${name} ${weight} ${address.length}`)).toEqual([
    "10.0.0.1:53 2 4",
    "[2001:db8::2]:53 1 16",
  ]);
  expect(notes).toEqual([
    "02:00:00:00:00:01 is left out: only its MAC is known, and no method hashes that",
    "1 backup left out",
  ]);
});

test("an entry for many is the VIP's that is asked for", () => {
  expect(pool(MANY, { vip: "192.0.2.77:80" })).toMatchObject({
    vip: "192.0.2.77:80",
    backends: [{ name: "10.0.0.1:80" }],
  });
  expect(pool(MANY, { vip: "192.0.2.10:8443" }).backends).toMatchObject([{ name: "10.0.0.2:0" }]);
  expect(pool(TWO, { vip: "192.0.2.10:443" }).backends).toMatchObject([{ name: "10.0.0.2:443" }]);
});

describe("what cannot be told is asked for", () => {
  test.each<[string, Partial<VipWish>, string]>([
    [TWO, {}, "--vip must say which VIP: 192.0.2.10:80, 192.0.2.10:443, 192.0.2.99:80"],
    [TWO, { vip: "192.0.2.11:80" }, "no VIP 192.0.2.11:80 in this topology; did you mean 192.0.2.10:80"],
    [TWO, { vip: "192.0.2.99:80" }, "192.0.2.99:80 has no backends in this topology: give --backend"],
    [TWO, { vip: "192.0.2.10:443", protocol: "udp" }, "no VIP 192.0.2.10:443 in this topology"],
    [MANY, { vip: "0.0.0.0:80" }, "0.0.0.0:80 stands for many: --vip must say which of them is called"],
    ["vips: []", {}, "no VIP in this topology: give --backend"],
    [ONE, { protocol: "tcp" }, "no VIP in this topology: give --backend"],
  ])("%j", (yaml, wish, message) => expect(() => pool(yaml, wish)).toThrow(message));
});
