import { describe, expect, test } from "vitest";
import { readImport } from "./read-import.ts";

describe("Envoy's static YAML", () => {
  test("gives listeners with the clusters that they lead to", () => {
    const { format, vips, problems } = readImport(`static_resources:
  listeners:
  - name: web
    address: { socket_address: { protocol: TCP, address: 0.0.0.0, port_value: 10000 } }
    filter_chains:
    - filters:
      - name: envoy.filters.network.tcp_proxy
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
          stat_prefix: web
          cluster: web
          idle_timeout: 300s
          hash_policy: [{ source_ip: {} }]
  - name: dns
    address: { socket_address: { protocol: UDP, address: 192.0.2.10, port_value: 53 } }
    listener_filters:
    - name: envoy.filters.udp_listener.udp_proxy
      typed_config:
        stat_prefix: dns
        matcher: { on_no_match: { action: { name: route, typed_config: { cluster: dns } } } }
  - name: split
    address: { socket_address: { address: "2001:db8::10", port_value: 443 } }
    filter_chains:
    - filters:
      - name: envoy.filters.network.tcp_proxy
        typed_config: { weighted_clusters: { clusters: [ { name: dns, weight: 1 }, { name: small, weight: 2 } ] } }
  clusters:
  - name: web
    lb_policy: MAGLEV
    load_assignment:
      cluster_name: web
      endpoints:
      - lb_endpoints:
        - endpoint: { address: { socket_address: { address: 10.3.0.11, port_value: 8443 } } }
          load_balancing_weight: 3
        - endpoint: { address: { socket_address: { address: 10.3.0.12, port_value: 8443 } } }
      - priority: 1
        lb_endpoints:
        - endpoint: { address: { socket_address: { address: 10.3.0.13, port_value: 8443 } } }
    transport_socket:
      name: envoy.transport_sockets.upstream_proxy_protocol
      typed_config:
        config: { version: V2 }
        transport_socket: { name: envoy.transport_sockets.raw_buffer }
  - name: dns
    load_assignment: { endpoints: [ { lb_endpoints: [ { endpoint: { address: { socket_address: { address: 10.0.0.53, port_value: 53 } } } } ] } ] }
  - name: small
    lb_policy: LEAST_REQUEST
    load_assignment: { endpoints: [ { lb_endpoints: [ { endpoint: { address: { socket_address: { address: 10.0.0.54, port_value: 53 } } } } ] } ] }
`);
    expect({ format, problems }).toEqual({ format: "Envoy's static YAML", problems: [] });
    expect(vips).toEqual({
      "tcp 0.0.0.0:10000 proxy source v2 300s": ["10.3.0.11:8443 *3", "10.3.0.12:8443", "10.3.0.13:8443 backup"],
      "udp 192.0.2.10:53 proxy rr 60s": ["10.0.0.53:53"],
      "tcp [2001:db8::10]:443 proxy 3600s": ["10.0.0.53:53", "10.0.0.54:53"],
    });
  });

  test("may be JSON", () => {
    const address = (ip: string, port: number) => ({ socket_address: { address: ip, port_value: port } });
    const { format, vips } = readImport(
      JSON.stringify({
        static_resources: {
          listeners: [
            { address: address("192.0.2.10", 80), filter_chains: [{ filters: [{ typed_config: { cluster: "c" } }] }] },
          ],
          clusters: [
            {
              name: "c",
              load_assignment: { endpoints: [{ lb_endpoints: [{ endpoint: { address: address("10.0.0.1", 80) } }] }] },
            },
          ],
        },
      }),
    );
    expect(format).toBe("Envoy's static YAML");
    expect(vips).toEqual({ "tcp 192.0.2.10:80 proxy rr 3600s": ["10.0.0.1:80"] });
  });

  test("tells names, missing clusters and what comes by xDS, by line", () => {
    const { vips, problems } = readImport(`dynamic_resources: {}
static_resources:
  listeners:
  - address: { socket_address: { address: 192.0.2.10, port_value: 80 } }
    filter_chains: [ { filters: [ { typed_config: { cluster: gone } } ] } ]
  - address: { socket_address: { address: localhost, port_value: 80 } }
  clusters:
  - name: c
    load_assignment:
      endpoints:
      - lb_endpoints:
        - endpoint: { address: { socket_address: { address: backend.example, port_value: 80 } } }
  - name: eds
    type: EDS
`);
    expect(vips).toEqual({ "tcp 192.0.2.10:80 proxy 3600s": [] });
    expect(problems).toEqual([
      "f:1: what Envoy gets while it runs (xDS) is not in this file",
      'f:12: cluster "c": expected an endpoint with an IP address and port, got "backend.example"',
      'f:8: cluster "c" has no endpoints in this file',
      'f:13: cluster "eds" has no endpoints in this file',
      'f:4: there is no cluster "gone" in this file',
      'f:6: expected a listener with an IP address and port_value, got "localhost"',
    ]);
  });

  test("is no trap by depth or aliases", () => {
    const deep = `static_resources: ${"[".repeat(20_000)}`;
    expect(readImport(deep).problems.join()).toMatch(/^f:1: not YAML: nested too deeply$/);
    const bomb = ["a: &a [x, x, x, x, x, x, x, x, x, x]"];
    for (let i = 1; i < 10; i++)
      bomb.push(
        `${"abcdefghij"[i]}: &${"abcdefghij"[i]} [${"*abcdefghij"[0]}${Array(10)
          .fill("abcdefghij"[i - 1])
          .join(", *")}]`,
      );
    expect(readImport(`static_resources: {}\n${bomb.join("\n")}`).problems.join()).toMatch(/cannot be read as YAML/);
  });
});
