import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { requires } from "../../support/requirement.ts";
import { runProcess } from "../../support/run-process.ts";
import { readImport } from "./read-import.ts";

const FULL = `load_module /usr/lib/nginx/modules/ngx_stream_module.so;
pid PIDFILE;
events { worker_connections 100; }
stream {
  proxy_timeout 5m;
  map $remote_addr $name { 10.1.0.1 a; "10.1.0.2" b; default a; }
  upstream a { least_conn; server 10.3.0.11:443 weight=5 max_conns=10; server 10.3.0.12:443; server 10.3.0.13:443 backup; server 10.3.0.14:443 down; }
  upstream b {
    hash $remote_addr$remote_port consistent;
    server [2001:db8::1]:443;
  }
  upstream dns { random two least_conn; server 10.0.0.53:53; server 10.0.0.54:53; }
  server { listen 8443; listen [::]:8443 ipv6only=on; proxy_pass $name; }
  server { listen 127.0.0.1:8053 udp reuseport; proxy_pass dns; proxy_timeout 10s; }
  server { listen 8100-8101; proxy_pass 10.9.0.1:25; proxy_protocol on; # a comment {
  }
}
`;

describe("nginx stream {}", () => {
  test("gives servers with the upstreams that they pass to", () => {
    const { format, vips, problems } = readImport(FULL);
    expect({ format, problems }).toEqual({ format: "nginx stream {}", problems: [] });
    const mapped = ["10.3.0.11:443 *5 max 10", "10.3.0.12:443", "10.3.0.13:443 backup", "[2001:db8::1]:443"];
    expect(vips).toEqual({
      "tcp 0.0.0.0:8443 proxy 300s": mapped,
      "tcp [::]:8443 proxy 300s": mapped,
      "udp 127.0.0.1:8053 proxy random 10s": ["10.0.0.53:53", "10.0.0.54:53"],
      "tcp 0.0.0.0:8100 proxy v1 300s": ["10.9.0.1:25"],
      "tcp 0.0.0.0:8101 proxy v1 300s": ["10.9.0.1:25"],
    });
  });

  const nginx = requires({ tool: ["nginx", "nginx-stream"] });
  test.skipIf(nginx.missing)("of the test above is one that nginx takes", async () => {
    const folder = mkdtempSync(join(tmpdir(), "l4scope-nginx-"));
    try {
      writeFileSync(join(folder, "nginx.conf"), FULL.replace("PIDFILE", join(folder, "pid")));
      const { stderr } = await runProcess(["/usr/sbin/nginx", "-t", "-p", folder, "-c", join(folder, "nginx.conf")]);
      expect(stderr).toContain("syntax is ok");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("may be its inside alone, and knows how upstreams choose", () => {
    const upstream = (how: string) => `upstream u { ${how} server 10.0.0.1:1 weight=2; server 10.0.0.2:1; }
server { listen 192.0.2.10:1; proxy_pass u; }`;
    const schedulerOf = (how: string) => readImport(upstream(how)).sink.vips[0]?.scheduler;
    expect(schedulerOf("")).toBe("wrr");
    expect(schedulerOf("hash $binary_remote_addr;")).toBe("source");
    expect(schedulerOf(`hash "\${remote_addr}:\${remote_port}" consistent;`)).toBe("5-tuple");
    expect(schedulerOf("hash $ssl_preread_server_name;")).toBeNull();
    expect(schedulerOf("least_conn;")).toBe("lc");
  });

  test("tells what it cannot read by line", () => {
    const { vips, problems } = readImport(`stream {
  include /etc/nginx/stream.d/*.conf;
  upstream a { server www.example.org:443; server unix:/run/a.sock; }
  server { listen 443; proxy_pass $upstream; }
  server { listen https; proxy_pass a; proxy_timeout soon; }
`);
    expect(vips).toEqual({ "tcp 0.0.0.0:443 proxy 600s": [] });
    expect(problems).toEqual([
      "f:1: this brace is never closed",
      'f:2: include "/etc/nginx/stream.d/*.conf" is not followed: import it by itself',
      'f:3: expected server ADDRESS:PORT in numbers, got "www.example.org:443"',
      'f:3: expected server ADDRESS:PORT in numbers, got "unix:/run/a.sock"',
      'f:4: proxy_pass "$upstream" is neither an upstream of this file nor an address: write its servers into a topology file',
      'f:5: expected proxy_timeout TIME, got "soon"',
      'f:5: expected listen ADDRESS:PORT in numbers, got "https"',
    ]);
  });
});
