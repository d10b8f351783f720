import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ImportedConnections } from "../../src/topology/imported-connections.ts";
import { importConntrack } from "../../src/topology/imports/conntrack.ts";
import { detectFormat } from "../../src/topology/imports/detect.ts";
import { importEnvoy } from "../../src/topology/imports/envoy.ts";
import { importHaproxy } from "../../src/topology/imports/haproxy.ts";
import { ImportSink } from "../../src/topology/imports/import-sink.ts";
import { importIpvsadmConnections } from "../../src/topology/imports/ipvsadm-connections.ts";
import { importIpvsadmRules } from "../../src/topology/imports/ipvsadm-rules.ts";
import { importIpvsadmTable } from "../../src/topology/imports/ipvsadm-table.ts";
import { importKeepalived } from "../../src/topology/imports/keepalived.ts";
import { importNft } from "../../src/topology/imports/nft.ts";
import { importNginxStream } from "../../src/topology/imports/nginx-stream.ts";
import { completeTopology, emptyTopology } from "../../src/topology/merge.ts";
import { readTopologyFile } from "../../src/topology/read-file.ts";
import { TopologyError } from "../../src/topology/topology-error.ts";
import { topologyFileText } from "../../src/topology/write-file.ts";
import { NFT_RULESET } from "./imports/nft-ruleset.ts";

/** A text of each format, to be damaged. */
const SAMPLES = {
  "ipvsadm -Sn": [
    importIpvsadmRules,
    "-A -t 192.0.2.10:443 -s mh -b mh-port\n-a -t 192.0.2.10:443 -r 10.3.0.11:8443 -m -w 3\n",
  ],
  "ipvsadm -Ln": [
    importIpvsadmTable,
    "TCP  192.0.2.10:443 wlc persistent 360\n  -> 10.3.0.11:8443   Masq    1      12         3\n",
  ],
  "ipvsadm -Lcn": [importIpvsadmConnections, "TCP 14:58  ESTABLISHED 10.1.0.21:40821 192.0.2.10:443 10.3.0.11:8443\n"],
  "keepalived.conf": [
    importKeepalived,
    "$A=10.3.0\nvirtual_server_group G {\n 192.0.2.1-9 80\n}\nvirtual_server group G {\n lb_kind NAT\n real_server $A.11 80 {\n weight 2\n }\n}\nvrrp_instance V {\n virtual_router_id 51\n virtual_ipaddress {\n 192.0.2.1/24\n }\n}\n",
  ],
  "haproxy.cfg": [
    importHaproxy,
    'defaults d\n timeout client 30s\nfrontend f from d\n bind 192.0.2.10:80-90,:443\n default_backend b\nbackend b\n balance hash\n server "x" 10.0.0.1:+5 weight 2 send-proxy backup # c\n',
  ],
  "nginx stream {}": [
    importNginxStream,
    "stream { map $a $b { default u; } upstream u { hash $remote_addr; server 10.0.0.1:80 weight=2 backup; } server { listen [::]:80-90 udp; proxy_pass $b; proxy_timeout 1h30m; } }",
  ],
  Envoy: [
    importEnvoy,
    "static_resources:\n  listeners:\n  - address: { socket_address: { address: 192.0.2.10, port_value: 80 } }\n    filter_chains: [{ filters: [{ typed_config: { cluster: c, idle_timeout: 3s } }] }]\n  clusters:\n  - name: c\n    load_assignment: { endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: 10.0.0.1, port_value: 80 } } } }] }] }\n",
  ],
  "nft -j": [importNft, NFT_RULESET],
  conntrack: [
    importConntrack,
    "[1795174961.432807]\t    [NEW] ipv4     2 tcp      6 120 SYN_SENT src=10.1.0.20 dst=192.0.2.10 sport=60936 dport=443 [UNREPLIED] src=10.3.0.11 dst=10.1.0.20 sport=8443 dport=60936 id=5\n",
  ],
} as const;

const FILE = `schema: l4scope.topology/1
vips: [{ vip: 192.0.2.10:443, protocol: tcp, mode: dnat, backends: [{ backend: 10.3.0.11:8443, weight: 2 }] }]
nodes: &n [{ name: lb1, role: lb, addresses: [10.2.0.1], macs: [02:00:00:00:00:01] }]
thresholds: { lb.idle-timeout: { seconds: 300 } }
`;

/** Any text, or pieces of what these formats are made of. */
const garbage = fc.oneof(
  fc.string({ unit: "binary", maxLength: 300 }),
  fc
    .array(
      fc.oneof(
        fc.constantFrom(
          "{",
          "}",
          ";",
          "\n",
          "\\",
          '"',
          "'",
          "$",
          "${",
          "#",
          "-",
          ":",
          "[",
          "]",
          "@",
          "*",
          "&a ",
          "? ",
          "- ",
          ": ",
          "__proto__",
          "constructor",
        ),
        fc.constantFrom(
          "virtual_server ",
          "bind ",
          "server ",
          "upstream ",
          "-A -t ",
          "-a -f ",
          "src=",
          "dst=",
          "defaults",
          "group ",
          "vips:",
          "from ",
        ),
        fc.string({ maxLength: 6 }),
        fc.integer().map(String),
      ),
      { maxLength: 60 },
    )
    .map((parts) => parts.join("")),
);

/** A text with some of its characters taken out, put in, doubled or exchanged. */
const damaged = (text: string) =>
  fc
    .array(fc.tuple(fc.nat(text.length), fc.nat(20), fc.oneof(fc.string({ unit: "binary", maxLength: 3 }), garbage)), {
      minLength: 1,
      maxLength: 4,
    })
    .map((edits) => edits.reduce((so, [at, length, put]) => so.slice(0, at) + put + so.slice(at + length), text));

describe.each(Object.entries(SAMPLES))("%s", (_, [read, sample]) => {
  test("never throws, and gives what a topology file can hold", () => {
    fc.assert(
      fc.property(fc.oneof(garbage, damaged(sample)), (text) => {
        const topology = emptyTopology();
        const sink = new ImportSink("f", topology.connections);
        read(text, sink);
        sink.finish();
        completeTopology(topology, sink);
        for (const { message } of topology.problems) expect(message).not.toMatch(/[\n\r]/);
        expect(() => readTopologyFile(topologyFileText(topology), "written.yaml")).not.toThrow();
      }),
      { numRuns: 300 },
    );
  });

  test("is told apart from the others", () => {
    expect(detectFormat(sample)?.read).toBe(read);
  });
});

test("any text is of one format or of none", () => {
  fc.assert(
    fc.property(fc.oneof(garbage, ...Object.values(SAMPLES).map(([, sample]) => damaged(sample))), (text) => {
      detectFormat(text)?.read(text, new ImportSink("f", new ImportedConnections()));
    }),
    { numRuns: 300 },
  );
});

test("any text is a topology file, or a TopologyError of single lines that name the file", () => {
  fc.assert(
    fc.property(fc.oneof(garbage, damaged(FILE)), (text) => {
      try {
        readTopologyFile(text, "t.yaml");
      } catch (error) {
        if (!(error instanceof TopologyError)) throw error;
        expect(error.lines.length).toBeGreaterThan(0);
        for (const line of error.lines) expect(line).toMatch(/^t\.yaml[^\n\r]*: [^\n\r]+$/);
      }
    }),
    { numRuns: 1000 },
  );
});
