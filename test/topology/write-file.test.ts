import fc from "fast-check";
import { expect, test } from "vitest";
import { readTopologyFile } from "../../src/topology/read-file.ts";
import type { Topology } from "../../src/topology/topology.ts";
import { topologyFileText } from "../../src/topology/write-file.ts";
import { arbitraryTopology } from "./arbitrary-topology.ts";

test("a written topology is sorted, commented, and reads as it would be written by hand", () => {
  const topology = readTopologyFile(
    `
vips:
  - { vip: "[2001:db8::10]:443", protocol: tcp, mode: dnat, scheduler: rr, backends: [{ backend: 10.3.0.12:8443 }, { backend: 10.3.0.11:8443, weight: 2 }] }
  - { vip: 192.0.2.10:53, protocol: udp }
nodes:
  - { name: "1e3", role: lb, addresses: [10.2.0.2, 10.2.0.1], observationPoints: ["lb1:eth0"] }
thresholds: { lb.idle-timeout: { seconds: 300 } }
`,
    "t.yaml",
  );
  const text = topologyFileText(topology, {
    vip: ({ protocol }) => (protocol === "tcp" ? "58 connections" : null),
    backend: (_, { weight }) => `weight\n${weight}`,
  });
  expect(
    text,
  ).toBe(`# What l4scope knows of the load balancers here. Written by "l4scope topology --write"; edit it as you like and hand
# it to any command with --topology. Packets are believed before this file; the file is believed before imports.

schema: l4scope.topology/1

vips:
  - vip: 192.0.2.10:53
    protocol: udp
    backends: []
  # 58 connections
  - vip: "[2001:db8::10]:443"
    protocol: tcp
    mode: dnat
    scheduler: rr
    backends:
      # weight 2
      - backend: 10.3.0.11:8443
        weight: 2
      # weight 1
      - backend: 10.3.0.12:8443
        weight: 1

nodes:
  - name: "1e3"
    role: lb
    addresses: [ 10.2.0.1, 10.2.0.2 ]
    observationPoints: [ lb1:eth0 ]

thresholds:
  lb.idle-timeout:
    seconds: 300
`);
});

/** What a file keeps, in an order of its own. */
function sorted({ vips, nodes, virtualRouters, thresholds }: Topology): unknown {
  const by = <Value>(list: readonly Value[]) =>
    list.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  return {
    vips: by(vips.map((vip) => ({ ...vip, backends: by(vip.backends) }))),
    nodes: by(
      nodes.map((node) => ({
        ...node,
        addresses: by(node.addresses),
        macs: by(node.macs),
        observationPoints: by(node.observationPoints),
      })),
    ),
    virtualRouters: by(virtualRouters),
    thresholds,
  };
}

test("any topology reads back as it was written, and its text does not depend on the order", () => {
  fc.assert(
    fc.property(arbitraryTopology, (topology) => {
      const text = topologyFileText(topology);
      const read = readTopologyFile(text, "t.yaml");
      expect(sorted(read)).toEqual(sorted(topology));
      expect(topologyFileText(read)).toBe(text);
      const reversed = { ...topology, vips: topology.vips.toReversed(), nodes: topology.nodes.toReversed() };
      expect(topologyFileText(reversed)).toBe(text);
    }),
    { numRuns: 200 },
  );
});
