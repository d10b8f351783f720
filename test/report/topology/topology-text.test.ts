import { join } from "node:path";
import { expect, test } from "vitest";
import { TimeBase } from "../../../src/capture/time-base.ts";
import { analyzeCaptures } from "../../../src/offline/analyze-captures.ts";
import { createPage } from "../../../src/report/text/page.ts";
import { topologyFile } from "../../../src/report/topology/topology-file.ts";
import { topologyListDocument } from "../../../src/report/topology/topology-list-document.ts";
import { type TopologyReport, topologyReport } from "../../../src/report/topology/topology-report.ts";
import { topologyText } from "../../../src/report/topology/topology-text.ts";
import { readTopologyFile } from "../../../src/topology/read-file.ts";
import type { Topology } from "../../../src/topology/topology.ts";
import { projectDir } from "../../support/requirement.ts";
import { trueJoinsOf } from "../../support/score-joins.ts";

async function reportOf(
  scenario: string,
  given: Topology | null = null,
  isChosen: (file: string) => boolean = () => true,
): Promise<TopologyReport> {
  const folder = join(projectDir, "fixtures/scenarios", scenario);
  const files = trueJoinsOf(folder)?.files.filter(isChosen) ?? [];
  const { topology, connected, diagnosis } = await analyzeCaptures(
    files.map((file) => join(folder, file)),
    { timeBase: new TimeBase(), topology: given },
  );
  const { schedulers } = diagnosis;
  return topologyReport({ inferred: topology, endpoints: connected.endpoints, schedulers }, given);
}

const text = (report: TopologyReport) => `\n${topologyText(report, createPage(80, false, false))}\n`;

test("three balancers behind a router are drawn with their shares", async () => {
  expect(text(await reportOf("ecmp-3lb"))).toMatchInlineSnapshot(`
    "
    192.0.2.10:443 tcp · fullnat · rr · 112 connections · 245 kB
      clients            routers    balancers    backends
      10.1.0.0/24 112 ── r ──────┬─ lb1 38 ───┬─ 10.3.0.11:8443 38 33.9%
                                 ├─ lb2 41 ───┼─ 10.3.0.12:8443 38 33.9%
                                 └─ lb3 33 ───┴─ 10.3.0.13:8443 36 32.1%

      node       role     addresses          seen at
      lb1        lb       10.2.0.1 10.3.0.1  lb1:eth0 lb1:eth1
      lb2        lb       10.2.0.2 10.3.0.2  lb2:eth0 lb2:eth1
      lb3        lb       10.2.0.3 10.3.0.3  lb3:eth0 lb3:eth1
      r          router   10.2.0.254         r:eth1
      10.3.0.11  backend  10.3.0.11
      10.3.0.12  backend  10.3.0.12
      10.3.0.13  backend  10.3.0.13
    "
  `);
});

test("what only the replies show is said so", async () => {
  expect(text(await reportOf("ecmp-3lb", null, (file) => file.startsWith("r-")))).toMatchInlineSnapshot(`
    "
    192.0.2.10:443 tcp · fullnat (by its replies) · 112 connections · 245 kB
      clients            routers    balancers      backends
      10.1.0.0/24 112 ── r ──────┬─ 10.2.0.1 38 ┬─ not seen 112
                                 ├─ 10.2.0.2 41 ┤
                                 └─ 10.2.0.3 33 ┘

      node      role    addresses   MACs               seen at
      10.2.0.1  lb      10.2.0.1    02:de:da:7c:ac:db
      10.2.0.2  lb      10.2.0.2    02:dc:87:ba:48:f1
      10.2.0.3  lb      10.2.0.3    02:2e:ae:85:00:90
      r         router  10.2.0.254  02:ef:8e:8e:8f:d6  r:eth1
    "
  `);
});

const GIVEN = readTopologyFile(
  `
vips:
  - vip: "[2001:db8:ffff::10]:443"
    protocol: tcp
    mode: proxy
    idleTimeoutSeconds: 300
    backends:
      - { backend: "[2001:db8:3::11]:8443", weight: 2 }
      - { backend: "[2001:db8:3::12]:8443" }
      - { backend: "[2001:db8:3::99]:8443", backup: true }
  - { vip: 192.0.2.99:53, protocol: udp, mode: dsr-l2, backends: [{ backend: 10.0.0.53:53 }] }
nodes:
  - { name: edge, role: router, addresses: ["2001:db8:2::254"] }
virtualRouters:
  - { virtualRouterId: 51, interface: eth0, priority: 150, addresses: [192.0.2.99] }
thresholds: { lb.idle-timeout: { seconds: 300 } }
`,
  "given.yaml",
);

test("what was given stands beside it, and contradictions below", async () => {
  expect(text(await reportOf("dnat-ipv6", GIVEN))).toMatchInlineSnapshot(`
    "
    [2001:db8:ffff::10]:443 tcp · dnat · idle 5 min 00 s · 58 connections · 176 kB
      clients               routers    balancers    backends
      2001:db8:1::/64 58 ── edge ───── lb1 58 ───┬─ …1:db8:3::11]:8443 20 34% of 50%
                                                 ├─ …1:db8:3::12]:8443 19 33% of 25%
                                                 ├─ …1:db8:3::13]:8443 19 33% of 25%
                                                 └─ …001:db8:3::99]:8443 0 0% backup

    192.0.2.99:53 udp · dsr-l2 (as given) · no connection seen
      balancers       backends
      not captured ── 10.0.0.53:53 weight 1
      replies go from the backends past the load balancer (direct return)

      node  role     addresses                         seen at
      lb1   lb       2001:db8:2::1 2001:db8:3::1       lb1:eth0 lb1:eth1
      edge  router   2001:db8:1::1 2001:db8:2::254
      rs1   backend  2001:db8:3::11                    rs1:eth0
      rs2   backend  2001:db8:3::12                    rs2:eth0
      rs3   backend  2001:db8:3::13                    rs3:eth0
      c1    client   2001:db8:1::20 2001:db8:1::21 +2  c1:eth0

      VRRP id  interface  priority  interval  addresses
           51  eth0            150  -         192.0.2.99

    ! [2001:db8:ffff::10]:443 is given as proxy, but its packets show dnat
    "
  `);
});

test("what was given is drawn without captures too", () => {
  expect(text(topologyReport(null, GIVEN))).toMatchInlineSnapshot(`
    "
    [2001:db8:ffff::10]:443 tcp · proxy (as given) · idle 5 min 00 s · no connection seen
      balancers       backends
      not captured ┬─ [2001:db8:3::11]:8443 weight 2
                   ├─ [2001:db8:3::12]:8443 weight 1
                   └─ [2001:db8:3::99]:8443 weight 1 backup

    192.0.2.99:53 udp · dsr-l2 (as given) · no connection seen
      balancers       backends
      not captured ── 10.0.0.53:53 weight 1
      replies go from the backends past the load balancer (direct return)

      node  role    addresses
      edge  router  2001:db8:2::254

      VRRP id  interface  priority  interval  addresses
           51  eth0            150  -         192.0.2.99
    "
  `);
});

test("nothing found says what would help", () => {
  expect(text(topologyReport(null, null))).toMatchInlineSnapshot(`
    "
    No VIP: no packet shows a balancer between clients and backends, and none is
    given. Capture on both sides of it, or hand in its set-up: --import FILE of
    haproxy.cfg, ipvsadm -Sn, …
    "
  `);
});

test("the file for the next run keeps what was given, adds what was seen, and is the same the second time", async () => {
  const report = await reportOf("dnat-ipv6", GIVEN);
  const written = topologyFile(report);
  expect(written).toMatchInlineSnapshot(`
    "# What l4scope knows of the load balancers here. Written by "l4scope topology --write"; edit it as you like and hand
    # it to any command with --topology. Packets are believed before this file; the file is believed before imports.

    schema: l4scope.topology/1

    vips:
      - vip: 192.0.2.99:53
        protocol: udp
        mode: dsr-l2
        backends:
          - backend: 10.0.0.53:53
            weight: 1
      # 58 connections, 176 kB
      - vip: "[2001:db8:ffff::10]:443"
        protocol: tcp
        mode: proxy
        idleTimeoutSeconds: 300
        backends:
          # 20 connections, 34%
          - backend: "[2001:db8:3::11]:8443"
            weight: 2
          # 19 connections, 33%
          - backend: "[2001:db8:3::12]:8443"
            weight: 1
          # 19 connections, 33%
          - backend: "[2001:db8:3::13]:8443"
            weight: 1
          # 0 connections, 0%
          - backend: "[2001:db8:3::99]:8443"
            weight: 1
            backup: true

    nodes:
      - name: rs1
        role: backend
        addresses: [ 2001:db8:3::11 ]
        macs: [ 02:94:5a:bf:5e:a2 ]
        observationPoints: [ rs1:eth0 ]
      - name: rs2
        role: backend
        addresses: [ 2001:db8:3::12 ]
        macs: [ 02:c0:ec:63:6d:e6 ]
        observationPoints: [ rs2:eth0 ]
      - name: rs3
        role: backend
        addresses: [ 2001:db8:3::13 ]
        macs: [ 02:d7:8b:72:af:57 ]
        observationPoints: [ rs3:eth0 ]
      - name: c1
        role: client
        addresses: [ 2001:db8:1::20, 2001:db8:1::21, 2001:db8:1::22, 2001:db8:1::23 ]
        macs: [ 02:9d:48:f3:81:83 ]
        observationPoints: [ c1:eth0 ]
      - name: lb1
        role: lb
        addresses: [ 2001:db8:2::1, 2001:db8:3::1 ]
        macs: [ 02:67:b3:6f:2b:f2, 02:de:da:7c:ac:db ]
        observationPoints: [ lb1:eth0, lb1:eth1 ]
      - name: edge
        role: router
        addresses: [ 2001:db8:1::1, 2001:db8:2::254 ]
        macs: [ 02:63:57:95:7b:6e, 02:ef:8e:8e:8f:d6 ]

    virtualRouters:
      - virtualRouterId: 51
        interface: eth0
        priority: 150
        addresses: [ 192.0.2.99 ]

    thresholds:
      lb.idle-timeout:
        seconds: 300
    "
  `);
  const again = await reportOf("dnat-ipv6", readTopologyFile(written, "written.yaml"));
  expect(topologyFile(again)).toBe(written);
});

test("the weights of a weighted round robin are written as seen", async () => {
  const { vips, ...rest } = await reportOf("dnat-rr");
  const seen = (connections: number, i: number) => ({ ...vips[0]!.backends[i]!, connections });
  const backends = [30, 11, 0].map(seen);
  const report = { ...rest, vips: [{ ...vips[0]!, scheduler: "wrr" as const, backends }] };
  const written = readTopologyFile(topologyFile(report), "written.yaml");
  expect(written.vips[0]?.backends.map(({ weight }) => weight)).toEqual([3, 1, 0]);
  const even = readTopologyFile(topologyFile({ ...report, vips: [{ ...report.vips[0]!, scheduler: null }] }), "w.yaml");
  expect(even.vips[0]?.backends.map(({ weight }) => weight)).toEqual([1, 1, 1]);
});

test("the document has vips and nodes as analyze has them, and more", async () => {
  const document = topologyListDocument(await reportOf("dnat-rr", null, (file) => file.startsWith("lb1")));
  expect(JSON.parse(JSON.stringify(document))).toMatchInlineSnapshot(`
    {
      "contradictions": [],
      "nodes": [
        {
          "addresses": [
            "10.2.0.1",
            "10.3.0.1",
          ],
          "macs": [
            "02:67:b3:6f:2b:f2",
            "02:de:da:7c:ac:db",
          ],
          "name": "lb1",
          "observationPoints": [
            "lb1:eth0",
            "lb1:eth1",
          ],
          "role": "lb",
        },
        {
          "addresses": [
            "10.2.0.254",
          ],
          "macs": [
            "02:ef:8e:8e:8f:d6",
          ],
          "name": "10.2.0.254",
          "observationPoints": [],
          "role": "router",
        },
        {
          "addresses": [
            "10.3.0.11",
          ],
          "macs": [
            "02:94:5a:bf:5e:a2",
          ],
          "name": "10.3.0.11",
          "observationPoints": [],
          "role": "backend",
        },
        {
          "addresses": [
            "10.3.0.12",
          ],
          "macs": [
            "02:c0:ec:63:6d:e6",
          ],
          "name": "10.3.0.12",
          "observationPoints": [],
          "role": "backend",
        },
        {
          "addresses": [
            "10.3.0.13",
          ],
          "macs": [
            "02:d7:8b:72:af:57",
          ],
          "name": "10.3.0.13",
          "observationPoints": [],
          "role": "backend",
        },
        {
          "addresses": [
            "10.1.0.0/24",
          ],
          "macs": [],
          "name": "10.1.0.0/24",
          "observationPoints": [],
          "role": "client",
        },
      ],
      "schema": "l4scope.topology-report/1",
      "thresholds": {},
      "vips": [
        {
          "backends": [
            {
              "backend": "10.3.0.11:8443",
              "backup": false,
              "bytes": 71372,
              "connections": 20,
              "expectedShare": 0.3333333333333333,
              "share": 0.3448275862068966,
              "weight": null,
            },
            {
              "backend": "10.3.0.12:8443",
              "backup": false,
              "bytes": 27800,
              "connections": 19,
              "expectedShare": 0.3333333333333333,
              "share": 0.3275862068965517,
              "weight": null,
            },
            {
              "backend": "10.3.0.13:8443",
              "backup": false,
              "bytes": 77143,
              "connections": 19,
              "expectedShare": 0.3333333333333333,
              "share": 0.3275862068965517,
              "weight": null,
            },
          ],
          "balancers": [
            {
              "connections": 58,
              "node": "lb1",
            },
          ],
          "bytes": 176315,
          "clients": [
            {
              "clients": 8,
              "connections": 58,
              "network": "10.1.0.0/24",
            },
          ],
          "connections": 58,
          "idleTimeoutSeconds": null,
          "mode": "dnat",
          "modeSource": "packets",
          "protocol": "tcp",
          "proxyHeader": null,
          "routers": [
            [
              "10.2.0.254",
            ],
          ],
          "scheduler": "rr",
          "unknownBackend": 0,
          "vip": "192.0.2.10:443",
        },
      ],
      "virtualRouters": [],
    }
  `);
});
