import { describe, expect, test } from "vitest";
import { readImport } from "./read-import.ts";

// as conntrack 1.4.7 on Linux 6.18 printed them, shortened
const EVENTS = `[1795174961.432807]	    [NEW] ipv4     2 tcp      6 120 SYN_SENT src=10.1.0.20 dst=192.0.2.10 sport=60936 dport=443 [UNREPLIED] src=10.3.0.11 dst=10.1.0.20 sport=8443 dport=60936 id=524784591
[1795174961.432886]	 [UPDATE] ipv4     2 tcp      6 60 SYN_RECV src=10.1.0.20 dst=192.0.2.10 sport=60936 dport=443 src=10.3.0.11 dst=10.1.0.20 sport=8443 dport=60936 id=524784591
[1795174961.433298]	    [NEW] ipv6     10 tcp      6 120 SYN_SENT src=2001:db8:1::20 dst=2001:db8::10 sport=42320 dport=443 [UNREPLIED] src=2001:db8:3::11 dst=2001:db8:1::20 sport=8443 dport=42320 id=234342441
[1795174961.433699]	    [NEW] ipv4     2 udp      17 30 src=10.1.0.20 dst=192.0.2.10 sport=40131 dport=53 [UNREPLIED] src=10.3.0.11 dst=10.3.0.1 sport=53 dport=40131 id=2553263354
[1795174962.527201]	[DESTROY] ipv4     2 udp      17 28 src=10.1.0.20 dst=192.0.2.10 sport=40131 dport=53 packets=1 bytes=29 [UNREPLIED] src=10.3.0.11 dst=10.3.0.1 sport=53 dport=40131 packets=0 bytes=0 id=2553263354 [USERSPACE] portid=10766
[1795174962.527258]	[DESTROY] ipv4     2 tcp      6 118 TIME_WAIT src=10.1.0.20 dst=192.0.2.10 sport=60936 dport=443 packets=5 bytes=269 src=10.3.0.11 dst=10.1.0.20 sport=8443 dport=60936 packets=5 bytes=269 [ASSURED] id=524784591 [USERSPACE] portid=10766
`;
const web = {
  protocol: 6,
  client: "10.1.0.20:60936",
  vip: "192.0.2.10:443",
  backend: "10.3.0.11:8443",
  source: "10.1.0.20:60936",
  mode: "dnat",
};
const dns = {
  protocol: 17,
  client: "10.1.0.20:40131",
  vip: "192.0.2.10:53",
  backend: "10.3.0.11:53",
  source: "10.3.0.1:40131",
  mode: "fullnat",
};

describe("events of conntrack -E", () => {
  test("give connections with their times: NAT by both tuples", () => {
    const { format, connections, problems } = readImport(EVENTS);
    expect({ format, problems }).toEqual({ format: "conntrack -L or -E", problems: [] });
    expect(connections).toEqual([
      { ...web, start: 1795174961.432807, end: 1795174962.527258 },
      {
        protocol: 6,
        client: "[2001:db8:1::20]:42320",
        vip: "[2001:db8::10]:443",
        backend: "[2001:db8:3::11]:8443",
        source: "[2001:db8:1::20]:42320",
        mode: "dnat",
        start: 1795174961.433298,
        end: null,
      },
      { ...dns, start: 1795174961.433699, end: 1795174962.527201 },
    ]);
  });

  test("find their end without ids too, and one that began before the log has an end only", () => {
    const withoutIds = EVENTS.replace(/ id=\d+/g, "");
    expect(readImport(withoutIds).connections).toEqual(readImport(EVENTS).connections);
    const late = EVENTS.split("\n").slice(4).join("\n");
    expect(readImport(late).connections).toEqual([
      { ...dns, start: null, end: 1795174962.527201 },
      { ...web, start: null, end: 1795174962.527258 },
    ]);
  });

  test("of a tuple used twice are two connections", () => {
    const first = EVENTS.split("\n")[0] ?? "";
    const second = first.replace("1795174961", "1795174999").replace("524784591", "77");
    expect(readImport(`${first}\n${second}\n`).connections.map(({ start }) => start)).toEqual([
      1795174961.432807, 1795174999.432807,
    ]);
  });
});

describe("entries", () => {
  test.each([
    [
      "conntrack -L -o extended",
      "ipv4     2 tcp      6 118 TIME_WAIT src=10.1.0.20 dst=192.0.2.10 sport=60936 dport=443 packets=5 bytes=269 src=10.3.0.11 dst=10.1.0.20 sport=8443 dport=60936 packets=5 bytes=269 [ASSURED] mark=0 use=1",
    ],
    [
      "conntrack -L",
      "tcp      6 431999 ESTABLISHED src=10.1.0.20 dst=192.0.2.10 sport=60936 dport=443 src=10.3.0.11 dst=10.1.0.20 sport=8443 dport=60936 [ASSURED] mark=0 use=1\nconntrack v1.4.7 (conntrack-tools): 1 flow entries have been shown.",
    ],
    [
      "/proc/net/nf_conntrack",
      "ipv4     2 tcp      6 118 TIME_WAIT src=10.1.0.20 dst=192.0.2.10 sport=60936 dport=443 src=10.3.0.11 dst=10.1.0.20 sport=8443 dport=60936 [ASSURED] mark=0 secctx=system_u:object_r zone=0 use=2",
    ],
    [
      "a security context and a zone between the tuples",
      "tcp      6 118 TIME_WAIT src=10.1.0.20 dst=192.0.2.10 sport=60936 dport=443 secctx=x zone-orig=1 src=10.3.0.11 dst=10.1.0.20 sport=8443 dport=60936 mark=0",
    ],
  ])("of %s are read", (_, text) => {
    const { connections, problems } = readImport(text);
    expect(problems).toEqual([]);
    expect(connections).toEqual([{ ...web, start: null, end: null }]);
  });

  test("that pass no balancer, and other protocols, are left out without a word", () => {
    const { connections, problems } =
      readImport(`tcp      6 10 TIME_WAIT src=10.1.0.20 dst=192.0.2.10 sport=1 dport=443 src=192.0.2.10 dst=10.1.0.20 sport=443 dport=1 [ASSURED] mark=0 use=1
tcp      6 10 TIME_WAIT src=10.3.0.11 dst=198.51.100.1 sport=1 dport=443 src=198.51.100.1 dst=203.0.113.1 sport=443 dport=1 [ASSURED] mark=0 use=1
icmp     1 29 src=10.1.0.20 dst=192.0.2.10 type=8 code=0 id=1 src=192.0.2.10 dst=10.1.0.20 type=0 code=0 id=1 mark=0 use=1
unknown  2 597 src=10.1.0.1 dst=224.0.0.22 [UNREPLIED] src=224.0.0.22 dst=10.1.0.1 mark=0 use=1
sctp     132 9 CLOSED src=10.1.0.20 dst=192.0.2.10 sport=1 dport=2 src=10.3.0.11 dst=10.1.0.20 sport=2 dport=1 mark=0 use=1
`);
    expect({ connections, problems }).toEqual({ connections: [], problems: [] });
  });

  test("that are cut or wrong are told by line, and the others kept", () => {
    const [line = ""] = EVENTS.split("\n");
    const { connections, problems } = readImport(
      `${line}\n${line.slice(0, 150)}\n${line.replace("192.0.2.10", "192.0.2.300")}\n${line.replace("60936", "70936")}\n`,
    );
    expect(connections).toHaveLength(1);
    expect(problems.map((problem) => problem.slice(0, 50))).toEqual(
      [2, 3, 4].map((number) => `f:${number}: expected an entry as conntrack prints it, got `.slice(0, 50)),
    );
  });
});

test("a log of 30,000 connections is read at once", () => {
  const lines: string[] = [];
  for (let i = 0; i < 30_000; i++) {
    const port = 1024 + (i % 60_000);
    const client = `10.1.${(i >> 8) & 255}.${i & 255}`;
    lines.push(
      `[${1795174961 + i / 1000}]\t    [NEW] tcp      6 120 SYN_SENT src=${client} dst=192.0.2.10 sport=${port} dport=443 [UNREPLIED] src=10.3.0.11 dst=${client} sport=8443 dport=${port} id=${i}`,
    );
  }
  const started = performance.now();
  expect(readImport(lines.join("\n")).sink.connections.count).toBe(30_000);
  expect(performance.now() - started).toBeLessThan(5000);
});
