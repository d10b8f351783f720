import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { requires } from "../../support/requirement.ts";
import { runProcess } from "../../support/run-process.ts";
import { readImport } from "./read-import.ts";

const FULL = `# edge
global
    maxconn 2000
defaults base
    mode tcp
    timeout connect 3s
    timeout client 30s
    timeout server 1m
    balance leastconn
frontend fe from base
    bind 192.0.2.10:443,192.0.2.11:443 name x accept-proxy
    bind 192.0.2.12:8000-8001
    bind :::853 v6only
    bind unix@/tmp/l4scope-test.sock
    use_backend sni if { req.ssl_sni -i a.example }
    default_backend be
backend be from base
    balance roundrobin
    default-server maxconn 100
    server rs1 10.3.0.11:8443 weight 10
    server rs2 10.3.0.12:8443 weight 20 send-proxy-v2
    server rs3 10.3.0.13:8443 backup
    server rs4 10.3.0.14
    server rs5 10.3.0.15:+100
    server rs6 10.3.0.16:1 disabled
backend sni from base
    server a [2001:db8::11]:443
listen sql from base
    bind 10.0.0.5:3306
    timeout tunnel 1h
    server db1 10.5.0.1:3306 # the only one
`;

describe("haproxy.cfg", () => {
  test("gives binds with the servers behind, by the defaults that hold for each section", () => {
    const { format, vips, problems } = readImport(FULL);
    expect({ format, problems }).toEqual({ format: "haproxy.cfg", problems: [] });
    const servers = (port: number) => [
      "10.3.0.11:8443 *10 max 100",
      "10.3.0.12:8443 *20 max 100",
      "10.3.0.13:8443 backup max 100",
      `10.3.0.14:${port} max 100`,
      `10.3.0.15:${port + 100} max 100`,
      "[2001:db8::11]:443",
    ];
    // two backends of different algorithms: no one word for both
    const expected = ["192.0.2.10:443", "192.0.2.11:443", "192.0.2.12:8000", "192.0.2.12:8001", "[::]:853"].map(
      (vip) => [`tcp ${vip} proxy v2 30s`, new Set(servers(Number(vip.split(":").at(-1))))] as const,
    );
    const found = Object.entries(vips).map(([vip, backends]) => [vip, new Set(backends)] as const);
    expect(new Map(found)).toEqual(
      new Map([...expected, ["tcp 10.0.0.5:3306 proxy lc 3600s", new Set(["10.5.0.1:3306"])]]),
    );
  });

  const haproxy = requires({ tool: "haproxy" });
  test.skipIf(haproxy.missing)("of the test above is one that HAProxy takes", async () => {
    const folder = mkdtempSync(join(tmpdir(), "l4scope-haproxy-"));
    try {
      writeFileSync(join(folder, "haproxy.cfg"), FULL);
      const { exitCode, stderr } = await runProcess(["/usr/sbin/haproxy", "-c", "-f", join(folder, "haproxy.cfg")]);
      expect({ exitCode, alerts: stderr.match(/\[ALERT\].*/g) }).toEqual({ exitCode: 0, alerts: null });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("tells names, sockets, wrong times and missing backends by line", () => {
    const { vips, problems } = readImport(`listen a
    bind 192.0.2.10:443
    bind \${VIP}:443
    timeout client soon
    server one www.example.org:80
    server two /run/app.sock
    server three 10.3.0.11:80
    server-template web 5 _http._tcp.example.org
    use_backend %[req.ssl_sni]
    default_backend nowhere
stray
`);
    // without sections of its own the last line belongs to the section above
    expect(vips).toEqual({ "tcp 192.0.2.10:443 proxy rr": ["10.3.0.11:80"] });
    expect(problems).toEqual([
      'f:5: server "www.example.org:80" is a name: write its address into a topology file',
      'f:6: server "/run/app.sock" is a socket of the host: no packets to see, left out',
      "f:8: server-template gets its addresses from DNS while HAProxy runs: write them into a topology file",
      'f:4: expected a time (30s, 5000), got "soon"',
      `f:3: expected bind ADDRESS:PORT in numbers, got "\${VIP}:443"`,
      'f:9: use_backend "%[req.ssl_sni]" is known only while HAProxy runs',
      'f:10: there is no backend "nowhere"',
      'f:4: expected a time (30s, 5000), got "soon"',
    ]);
  });

  test("gives a weighted round robin its word", () => {
    const { vips } = readImport(
      "listen a\n bind :80\n server x 10.0.0.1:80 weight 2\n server y 10.0.0.2:80 weight 1\n",
    );
    expect(vips).toEqual({ "tcp 0.0.0.0:80 proxy wrr": ["10.0.0.1:80 *2", "10.0.0.2:80"] });
  });
});
