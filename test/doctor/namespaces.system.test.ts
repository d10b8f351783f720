import { type ChildProcess, spawn } from "node:child_process";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { requires } from "../support/requirement.ts";
import { type HostPair, hostPair } from "./host-namespaces.ts";

const need = requires({ tool: ["ip", "sysctl", "nft", "ethtool", "python3"], root: true });

describe.skipIf(need.missing)("doctor in a namespace", () => {
  let pair: HostPair;
  const children: ChildProcess[] = [];
  beforeEach(() => {
    pair = hostPair();
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
    pair.close();
  });

  /** A program on a host, which says a line when it is ready and ends with the test. */
  async function start(host: string, program: string): Promise<void> {
    const child = spawn("ip", ["netns", "exec", host, "python3", "-c", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    children.push(child);
    await new Promise<void>((ready, failed) => {
      child.once("error", failed);
      child.once("exit", (code) => failed(new Error(`python3 ended with ${code}`)));
      child.stdout?.once("data", () => ready());
    });
  }

  test("nothing is wrong where nothing is wrong", async () => expect(await pair.complaints()).toEqual({}));

  test("a real server that tells neighbours of its VIP, until it does not", async () => {
    pair.ip("address add 10.2.0.100/32 dev lo");
    expect(await pair.complaints()).toEqual({ "arp.ignore": "critical", "arp.announce": "warning" });
    // and so it does
    const answered = pair.on(pair.there, "python3", "-c", ARP_REQUEST);
    expect(answered.trim()).toBe("answered");
    pair.sysctl("net.ipv4.conf.all.arp_ignore=1", "net.ipv4.conf.all.arp_announce=2");
    expect(await pair.complaints()).toEqual({});
    expect(pair.on(pair.there, "python3", "-c", ARP_REQUEST).trim()).toBe("silence");
  });

  test.each([
    ["net.ipv4.tcp_abort_on_overflow=1", "net.ipv4.tcp_abort_on_overflow=0", "tcp.abort-on-overflow"],
    ["net.ipv4.tcp_syncookies=0", "net.ipv4.tcp_syncookies=1", "backlog.syn"],
    ["net.core.somaxconn=128", "net.core.somaxconn=4096", "backlog.somaxconn"],
    ["net.ipv4.ip_local_port_range=40000 41000", "net.ipv4.ip_local_port_range=32768 60999", "ports.ephemeral"],
  ])("a proxy with %s", async (wrong, right, id) => {
    pair.sysctl(wrong);
    expect(await pair.complaints("--role", "proxy")).toEqual({ [id]: "warning" });
    pair.sysctl(right);
    expect(await pair.complaints("--role", "proxy")).toEqual({});
  });

  test("ECMP by addresses alone", async () => {
    pair.ip("route add 192.0.2.10/32 nexthop via 10.2.0.1 nexthop via 10.2.0.2");
    expect(await pair.complaints()).toEqual({ "ecmp.hash-policy": "warning", "ecmp.resilience": "info" });
    pair.sysctl("net.ipv4.fib_multipath_hash_policy=1");
    expect(await pair.complaints()).toEqual({ "ecmp.resilience": "info" });
  });

  test("a tunnel whose packets do not fit", async () => {
    pair.ip("link add vx0 mtu 1500 type vxlan id 7 remote 10.2.0.254 dstport 4789");
    pair.ip("link set vx0 up");
    expect(await pair.complaints()).toEqual({ "mtu.tunnel": "warning" });
    pair.ip("link set vx0 mtu 1450");
    expect(await pair.complaints()).toEqual({});
  });

  test("a stuck service whose queue is full", async () => {
    await start(
      pair.here,
      `import socket,time; s=socket.socket(); s.bind(("10.2.0.11",80)); s.listen(4); print("ready",flush=True); time.sleep(600)`,
    );
    expect(await pair.complaints()).toEqual({});
    await start(pair.there, connects("10.2.0.11", 80, 60));
    // how bad it is goes by how many were turned away, which a busy machine has a say in
    expect(await pair.complaints()).toEqual({
      "backlog.overflows": expect.stringMatching(/^(critical|warning)$/),
      "backlog.full-now": "warning",
    });
    // what was dropped before is no complaint of now; the queue is still full
    const { "backlog.full-now": full, "backlog.overflows": overflows } = await pair.complaints("--duration", "1");
    expect(full).toBe("warning");
    expect([undefined, "critical", "warning"]).toContain(overflows);
  });

  test("packets that come in where their source is not", async () => {
    pair.on(pair.there, "ip", "address", "add", "172.16.9.9/32", "dev", "lo");
    // a strict filter leaves ARP from such a source unanswered as well
    pair.on(pair.there, "sysctl", "-qw", "net.ipv4.conf.all.arp_announce=2");
    pair.sysctl("net.ipv4.conf.eth0.rp_filter=1");
    pair.ip("route add 172.16.9.0/24 dev lo");
    pair.on(
      pair.there,
      "python3",
      "-c",
      `import socket; s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.bind(("172.16.9.9",0)); [s.sendto(b"x",("10.2.0.11",9)) for _ in range(300)]`,
    );
    expect(await pair.complaints("--role", "router", "--ignore", "forwarding.*")).toEqual({
      "rp-filter.drops": "warning",
    });
  });

  test("packet rules that forget and translate too narrowly", async () => {
    const ruleset = `table ip lb {
      chain pre { type nat hook prerouting priority -100; policy accept
        tcp dport 443 dnat to 10.2.0.254:80
      }
      chain post { type nat hook postrouting priority 100; policy accept
        ip daddr 10.2.0.254 tcp dport 80 snat to 10.2.0.11:40000-40063
      }
    }`;
    pair.sysctl("net.ipv4.ip_forward=1", "net.ipv4.conf.all.send_redirects=0", "net.ipv4.conf.eth0.send_redirects=0");
    pair.on(pair.here, "nft", ruleset);
    pair.sysctl("net.netfilter.nf_conntrack_tcp_timeout_established=300");
    expect(await pair.complaints()).toEqual({ "conntrack.timeout-established": "warning", "ports.snat": "warning" });
    pair.sysctl("net.netfilter.nf_conntrack_tcp_timeout_established=7440");
    expect(await pair.complaints()).toEqual({ "ports.snat": "warning" });
  });

  test("--fail-on exits with 3", async () => {
    pair.sysctl("net.ipv4.tcp_abort_on_overflow=1");
    await expect(pair.complaints("--role", "server", "--fail-on", "warning")).rejects.toThrow("exit code 3");
    expect(await pair.complaints("--role", "server", "--fail-on", "critical")).toEqual({
      "tcp.abort-on-overflow": "warning",
    });
  });
});

/** Asks by ARP who has 10.2.0.100 and says whether anyone answers within a second. */
const ARP_REQUEST = `
import socket, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806))
s.bind(("eth0", 0x0806))
me = s.getsockname()[4]
s.send(b"\\xff" * 6 + me + bytes.fromhex("080600010800060400 01".replace(" ", "")) + me + bytes([10,2,0,254]) + b"\\0" * 6 + bytes([10,2,0,100]))
s.settimeout(0.2)
until = time.time() + 1
said = "silence"
while time.time() < until:
    try:
        frame = s.recv(100)
    except OSError:
        continue
    if frame[20:22] == b"\\0\\x02" and frame[28:32] == bytes([10,2,0,100]):
        said = "answered"
        break
print(said)
`;

function connects(address: string, port: number, count: number): string {
  return `
import socket, time
keep = []
for _ in range(${count}):
    s = socket.socket()
    s.settimeout(0.03)
    try:
        s.connect(("${address}", ${port}))
    except OSError:
        pass
    keep.append(s)
print("ready", flush=True)
time.sleep(600)`;
}
