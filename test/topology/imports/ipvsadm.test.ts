import { describe, expect, test } from "vitest";
import { readImport } from "./read-import.ts";

describe("ipvsadm -Sn", () => {
  test("gives services, servers, weights, schedulers and how packets are forwarded", () => {
    const { format, vips, problems } = readImport(`-A -t 192.0.2.10:443 -s wrr -p 300
-a -t 192.0.2.10:443 -r 10.3.0.11:8443 -m -w 3
-a -t 192.0.2.10:443 -r 10.3.0.12:8443 -m -w 1
-A -u 192.0.2.10:53 -s mh -b mh-fallback,mh-port
-a -u 192.0.2.10:53 -r 10.3.0.53:53 -i -w 1 --tun-type gue --tun-port 6080 --tun-nocsum
-A -t [2001:db8::10]:443 -s sh
-a -t [2001:db8::10]:443 -r [2001:db8:1::1]:443 -g -w 100
-A -f 3 -s lblc
-a -f 3 -r 10.9.0.1:0 -g -w 1
`);
    expect({ format, problems }).toEqual({ format: "ipvsadm -Sn", problems: [] });
    expect(vips).toEqual({
      "tcp 192.0.2.10:443 dnat wrr": ["10.3.0.11:8443 *3", "10.3.0.12:8443"],
      "udp 192.0.2.10:53 dsr-tunnel 5-tuple": ["10.3.0.53:53"],
      "tcp [2001:db8::10]:443 dsr-l2 source": ["[2001:db8:1::1]:443 *100"],
      "any fwmark:3 dsr-l2": ["10.9.0.1:0"],
    });
  });

  test("may be a script of commands with long options", () => {
    const { vips, problems } = readImport(`#!/bin/sh
# the web
/sbin/ipvsadm --add-service --tcp-service 192.0.2.10:80 --scheduler=wlc --persistent --ops
ipvsadm -a -t 192.0.2.10:80 --real-server 10.3.0.11 --masquerading
`);
    expect(problems).toEqual([]);
    expect(vips).toEqual({ "tcp 192.0.2.10:80 dnat lc": ["10.3.0.11:0"] });
  });

  test("tells what it cannot read by line and keeps the rest", () => {
    const { vips, problems } = readImport(`-A -t 192.0.2.10:443 -s rr
-A -t www.example.org:https -s rr
-a -t 192.0.2.10:443 -r 10.3.0.11:8443 -m -w x
-a -t 192.0.2.10:443 -r 10.3.0.12:8443 -g -w 1
-a -t 192.0.2.10:443 -m -w 1
-a -t 192.0.2.10:443 -r
-A --sctp-service 192.0.2.10:9 -s rr
bogus
`);
    expect(vips).toEqual({ "tcp 192.0.2.10:443 dnat rr": ["10.3.0.11:8443", "10.3.0.12:8443"] });
    expect(problems).toEqual([
      'f:2: expected ADDRESS:PORT in numbers, got "www.example.org:https" (ipvsadm -Sn prints numbers)',
      'f:3: expected a weight in digits, got "x": 1 is taken',
      "f:4: 192.0.2.10:443 has servers of mode dnat and dsr-l2: the first is taken for all",
      "f:5: expected -r ADDRESS:PORT in numbers, got none",
      "f:6: -r without a value",
      "f:7: SCTP is not followed: left out",
      'f:8: expected -A or -a as ipvsadm -Sn prints them, got "bogus"',
    ]);
  });
});

test("ipvsadm -Ln gives the same", () => {
  const { format, vips, problems } = readImport(`IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
TCP  192.0.2.10:443 wlc persistent 360
  -> 10.3.0.11:8443               Masq    1      12         3
  -> 10.3.0.12:8443               Masq    0      0          0
UDP  192.0.2.10:53 mh (mh-fallback,mh-port)
  -> 10.3.0.53:53                 Tunnel  1      0          0
FWM  3 rr
  -> 10.9.0.1:0                   Route   1      0          0
  -> garbage
`);
  expect(format).toBe("ipvsadm -Ln");
  expect(vips).toEqual({
    "tcp 192.0.2.10:443 dnat lc": ["10.3.0.11:8443", "10.3.0.12:8443 *0"],
    "udp 192.0.2.10:53 dsr-tunnel 5-tuple": ["10.3.0.53:53"],
    "any fwmark:3 dsr-l2 rr": ["10.9.0.1:0"],
  });
  expect(problems).toEqual(['f:11: expected a server as ipvsadm -Ln prints it, got "garbage"']);
});

describe("ipvsadm -Lcn", () => {
  test("gives connections, and no persistence templates", () => {
    const { format, connections, problems } = readImport(`IPVS connection entries
pro expire state       source             virtual            destination
TCP 14:58  ESTABLISHED 10.1.0.21:40821    192.0.2.10:443     10.3.0.11:8443
UDP 04:59  UDP         10.1.0.22:5353     192.0.2.10:53      10.3.0.53:53
TCP 00:50  NONE        10.1.0.21:0        192.0.2.10:443     10.3.0.11:8443
TCP 01:00  FIN_WAIT    [2001:db8::5]:999  [2001:db8::10]:443 [2001:db8:1::1]:443
TCP 01:00  FIN_WAIT    garbage
`);
    expect(format).toBe("ipvsadm -Lcn");
    const times = { mode: null, start: null, end: null };
    const web = { protocol: 6, vip: "192.0.2.10:443", backend: "10.3.0.11:8443", ...times };
    expect(connections).toEqual([
      { ...web, client: "10.1.0.21:40821", source: "10.1.0.21:40821" },
      {
        protocol: 17,
        client: "10.1.0.22:5353",
        vip: "192.0.2.10:53",
        backend: "10.3.0.53:53",
        source: "10.1.0.22:5353",
        ...times,
      },
      {
        protocol: 6,
        client: "[2001:db8::5]:999",
        vip: "[2001:db8::10]:443",
        backend: "[2001:db8:1::1]:443",
        source: "[2001:db8::5]:999",
        ...times,
      },
    ]);
    expect(problems).toEqual([
      'f:7: expected a connection as ipvsadm -Lcn prints it, got "TCP 01:00  FIN_WAIT    garbage"',
    ]);
  });

  test("tells only the first of a thousand lines of another kind, and how many there were", () => {
    const good = "TCP 14:58  ESTABLISHED 10.1.0.21:40821    192.0.2.10:443     10.3.0.11:8443\n";
    const { connections, problems } = readImport(good + "TCP 1:00 X nonsense\n".repeat(1000));
    expect(connections).toHaveLength(1);
    expect(problems).toHaveLength(21);
    expect(problems.at(-1)).toBe("f: 980 more lines could not be read");
  });
});
