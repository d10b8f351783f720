import { describe, expect, it } from "vitest";
import { balancerSchema } from "../../fixtures/lab/balancer-spec.ts";
import { tunnelConfig } from "../../fixtures/lab/balancers/bpf-tunnel.ts";
import { maglevTable } from "../../fixtures/lab/balancers/maglev-table.ts";
import { openingInGue } from "../../fixtures/lab/verify.ts";

const names = ["10.2.0.11", "10.2.0.12", "10.2.0.13", "10.2.0.14"];

describe("the lab's Maglev table", () => {
  it("gives every name its share to within one entry", () => {
    const counts = names.map((_, index) => maglevTable(names, 251).filter((entry) => entry === index).length);
    expect(counts.reduce((sum, count) => sum + count)).toBe(251);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
  });

  it("moves little beyond the entries of a name that leaves", () => {
    const before = maglevTable(names, 65537);
    const after = maglevTable(names.slice(0, 3), 65537);
    const kept = before.filter((entry) => entry !== 3).length;
    const moved = before.filter((entry, at) => entry !== 3 && after[at] !== entry).length;
    expect(after.every((entry) => entry < 3)).toBe(true);
    expect(moved / kept).toBeLessThan(0.1);
  });
});

describe("the tunnel's programs", () => {
  it("are compiled with addresses as the packet has them", () => {
    const spec = balancerSchema.parse({
      kind: "bpf-tunnel",
      node: "lb1",
      vip: "192.0.2.10:443",
      encapsulation: "gue",
      local: "10.2.0.1",
      backends: [{ node: "rs1", address: "10.2.0.11" }],
      tableSize: 3,
    });
    if (spec.kind !== "bpf-tunnel") throw new Error("not the kind that was parsed");
    const config = tunnelConfig(spec);
    expect(config).toContain("#define VIP 0xc000020aU\n#define VIP_PORT 443\n#define LOCAL 0x0a020001U\n");
    expect(config).toMatch(/\.address = \{ 10, 2, 0, 11 \}, \.mac = \{ 0x02(, 0x[0-9a-f]{2}){5} \}/);
    expect(config).toContain("TABLE[TABLE_SIZE] = { 0, 0, 0 };");
  });
});

describe("the opening inside GUE", () => {
  // the first packet that lb1 sent in a run of gue-dsr
  const syn =
    "000400004500003cad1140003f06c28b0a010014c000020a86d501bbaece57ba00000000a002faf0883b0000020405b40402080aa887c110000000000103030a";

  it("is the inner SYN's tuple", () => {
    expect(openingInGue(Buffer.from(syn, "hex"))).toBe("tcp 10.1.0.20:34517>192.0.2.10:443");
  });

  it("is none where the inner packet is no SYN, or cut short", () => {
    expect(openingInGue(Buffer.from(syn.replace("a002faf0", "a012faf0"), "hex"))).toBeNull();
    for (let cut = 0; cut < 38; cut++) expect(openingInGue(Buffer.from(syn, "hex").subarray(0, cut))).toBeNull();
  });
});
