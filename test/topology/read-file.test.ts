import { describe, expect, test } from "vitest";
import { readTopologyFile } from "../../src/topology/read-file.ts";
import type { ThresholdRegistry } from "../../src/topology/thresholds.ts";
import { TopologyError } from "../../src/topology/topology-error.ts";

/** Lines that tell what is wrong with a file called t.yaml. */
function errorsOf(text: string, registry?: ThresholdRegistry): readonly string[] {
  try {
    readTopologyFile(text, "t.yaml", registry);
  } catch (error) {
    if (error instanceof TopologyError) return error.lines;
    throw error;
  }
  return [];
}

describe("a topology file", () => {
  test("gives VIPs, nodes, VRRP routers and thresholds in their one form", () => {
    const topology = readTopologyFile(
      `
schema: l4scope.topology/1
vips:
  - vip: "[2001:db8:0:0::10]:443"
    protocol: tcp
    mode: dnat
    scheduler: wrr
    proxyHeader: v2
    idleTimeoutSeconds: 300
    backends:
      - backend: 10.3.0.11:8443
        weight: 2.5
      - { backend: "02-8D-6B-43-5E-01", backup: true, maxConnections: 10 }
  - vip: fwmark:3
nodes:
  - { name: lb1, role: lb, addresses: [10.2.0.1, "2001:DB8::1"], macs: [02:00:00:00:00:01], observationPoints: ["lb1:eth0"] }
virtualRouters:
  - { virtualRouterId: 51, priority: 150 }
thresholds:
  lb.idle-timeout: { seconds: 300 }
`,
      "t.yaml",
    );
    expect(topology).toMatchObject({
      vips: [
        {
          vip: "[2001:db8::10]:443",
          protocol: "tcp",
          mode: "dnat",
          scheduler: "wrr",
          proxyHeader: "v2",
          idleTimeoutSeconds: 300,
          backends: [
            { backend: "10.3.0.11:8443", weight: 2.5, isBackup: false, maxConnections: null },
            { backend: "02:8d:6b:43:5e:01", weight: 1, isBackup: true, maxConnections: 10 },
          ],
        },
        { vip: "fwmark:3", protocol: null, mode: null, scheduler: null, backends: [] },
      ],
      nodes: [
        {
          name: "lb1",
          role: "lb",
          addresses: ["10.2.0.1", "2001:db8::1"],
          macs: ["02:00:00:00:00:01"],
          observationPoints: ["lb1:eth0"],
        },
      ],
      virtualRouters: [{ virtualRouterId: 51, interface: null, priority: 150, intervalSeconds: null, addresses: [] }],
      thresholds: { "lb.idle-timeout": { seconds: 300 } },
      problems: [],
    });
  });

  test("may be empty", () => {
    expect(readTopologyFile("# nothing yet\n", "t.yaml").vips).toEqual([]);
  });

  test("is refused with every mistake at once: line, column, what is there, what is expected", () => {
    expect(
      errorsOf(`vips:
  - vip: 192.0.2.10:443
    mode: nat
    backnds: []
    backends:
      - backend: 10.3.0.11
        weight: heavy
      - weight: -1
nodes: 3
thresholds:
  lb.idle-timeout: 3
  BAD: { a: 1 }
  x.y: { a: b }
virtualRouters:
  - virtualRouterId: 256
extra: 1
`),
    ).toEqual([
      't.yaml:3:11: vips[0].mode: expected one of dnat, fullnat, dsr-l2, dsr-tunnel, proxy, got "nat"',
      't.yaml:4:5: vips[0]: no key "backnds" is known here; expected vip, protocol, mode, scheduler, proxyHeader, idleTimeoutSeconds, backends',
      't.yaml:6:18: vips[0].backends[0].backend: expected an endpoint (10.3.0.11:8443, "[2001:db8::11]:8443") or a MAC (02:8d:6b:43:5e:01), got "10.3.0.11"',
      't.yaml:7:17: vips[0].backends[0].weight: expected a number from 0 to 4294967295, got "heavy"',
      't.yaml:8:9: vips[0].backends[1]: missing "backend"; expected an endpoint (10.3.0.11:8443, "[2001:db8::11]:8443") or a MAC (02:8d:6b:43:5e:01)',
      "t.yaml:8:17: vips[0].backends[1].weight: expected a number from 0 to 4294967295, got -1",
      "t.yaml:9:8: nodes: expected a list of nodes, got 3",
      "t.yaml:11:20: thresholds.lb.idle-timeout: expected numbers by name ({ seconds: 300 }), got 3",
      't.yaml:12:3: thresholds: expected the id of a finding (lb.idle-timeout), got "BAD"',
      't.yaml:13:13: thresholds.x.y.a: expected a number, got "b"',
      "t.yaml:15:22: virtualRouters[0].virtualRouterId: expected a VRRP router id from 1 to 255, got 256",
      't.yaml:16:1: no key "extra" is known here; expected schema, vips, nodes, virtualRouters, thresholds',
    ]);
  });

  test("has each VIP, backend and node once", () => {
    expect(
      errorsOf(`vips:
  - vip: 192.0.2.10:443
    backends: [{ backend: 10.0.0.1:1 }, { backend: 10.0.0.1:1 }]
  - vip: 192.0.2.10:443
nodes: [{ name: a }, { name: a }]
`),
    ).toEqual([
      "t.yaml:3:52: vips[0].backends[1].backend: 10.0.0.1:1 is a backend of 192.0.2.10:443 already",
      "t.yaml:4:10: vips[1].vip: 192.0.2.10:443 (any) is vips[0] already",
      't.yaml:5:30: nodes[1].name: a node "a" is there already',
    ]);
  });

  test.each([
    [
      "a list",
      "- a\n",
      ["t.yaml:1:1: the file: expected keys schema, vips, nodes, virtualRouters, thresholds, got a list"],
    ],
    [
      "of another version",
      "schema: l4scope.topology/2",
      ['t.yaml:1:9: schema: expected l4scope.topology/1, got "l4scope.topology/2"'],
    ],
    [
      "an IPv6 endpoint without quotes",
      "vips:\n  - vip: [2001:db8::1]:443\n",
      ['t.yaml:2:23: not YAML: Unexpected scalar at node end (an IPv6 endpoint needs quotes: "[2001:db8::1]:443")'],
    ],
    ["with a key twice", "vips: []\nvips: []\n", ["t.yaml:2:1: not YAML: Map keys must be unique"]],
    ["nested too deeply", "{".repeat(20_000), [expect.stringMatching(/^t\.yaml:1:\d+: not YAML: nested too deeply$/)]],
    [
      "of aliases that multiply",
      `a: &a [x,x,x,x,x,x,x,x,x]\n${["ab", "bc", "cd", "de", "ef", "fg"].map(([from, to]) => `${to}: &${to} [${Array(9).fill(`*${from}`).join(",")}]`).join("\n")}\n`,
      ["t.yaml: cannot be read as YAML: Excessive alias count indicates a resource exhaustion attack"],
    ],
    [
      "with control characters in a name",
      'nodes: [{ name: "a\\u001b[2J" }]\n',
      ['t.yaml:1:17: nodes[0].name: expected a name, got "a\u{fffd}[2J"'],
    ],
  ])("that is %s is refused in one line", (_, text, lines) => {
    expect(errorsOf(text)).toEqual(lines);
  });

  test("with hundreds of mistakes tells the first fifty", () => {
    const lines = errorsOf(`vips:\n${"  - nothing\n".repeat(300)}`);
    expect(lines).toHaveLength(51);
    expect(lines.at(-1)).toBe("t.yaml: 250 more mistakes are not shown");
  });

  test("sets only thresholds that there are, within their bounds", () => {
    const registry = { "lb.idle-timeout": { seconds: { least: 1, most: 86_400 } }, "path.loss": {} };
    const text = (lines: string) => `thresholds:\n${lines}`;
    expect(errorsOf(text("  lb.idle-timeout: { seconds: 300 }\n"), registry)).toEqual([]);
    expect(
      errorsOf(text("  lb.idle-timeout: { seconds: 0, minutes: 5 }\n  lb.idle: { seconds: 1 }\n"), registry),
    ).toEqual([
      "t.yaml:2:31: thresholds: lb.idle-timeout.seconds: expected a number from 1 to 86400, got 0",
      't.yaml:2:34: thresholds: lb.idle-timeout has no threshold "minutes"; expected one of seconds',
      't.yaml:3:3: thresholds: no finding "lb.idle" has thresholds; expected one of lb.idle-timeout, path.loss',
    ]);
  });
});
