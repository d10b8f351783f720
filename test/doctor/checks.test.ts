import { describe, expect, test } from "vitest";
import { sampleCounters } from "../../src/doctor/counter-sample.ts";
import { examine } from "../../src/doctor/examine.ts";
import { complaints } from "./complaints.ts";
import { counterFiles, DEFAULT_ROUTE, fakeHost, link } from "./fake-host.ts";

const VIP_ON_LO = { "addresses.json": [link("lo", ["127.0.0.1/8", "10.2.0.100/32"]), link("eth0", ["10.2.0.11/24"])] };
const FAR_VIP_ON_LO = {
  "addresses.json": [link("lo", ["127.0.0.1/8", "192.0.2.10/32"]), link("eth0", ["10.2.0.11/24"])],
};
const QUIET = { "net.ipv4.conf.all.arp_ignore": 1, "net.ipv4.conf.all.arp_announce": 2 };
const TUNNEL = { linkinfo: { info_kind: "ipip", info_data: { local: "any", remote: "any" } }, flags: ["NOARP", "UP"] };
const TUNNELLED = {
  "addresses.json": [
    link("lo", ["127.0.0.1/8"]),
    link("eth0", ["10.2.0.11/24"]),
    link("tunl0", ["192.0.2.10/32"], { ...TUNNEL, mtu: 1480 }),
  ],
};
const WITH_MSS = { ...DEFAULT_ROUTE, metrics: [{ advmss: 1440 }] };
const IPVS = (lines: string) =>
  `IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n${lines}`;
const NAT_SERVICE = IPVS("TCP  0A020064:0050 rr  \n  -> 0A03000B:1F90      Masq    1      0          0         \n");

test("an idle server is told nothing", () => expect(complaints({})).toEqual({}));

describe("the role", () => {
  const roles = (said: Parameters<typeof fakeHost>[0]) => [...examine(fakeHost(said), {}).roles.because.keys()];
  test("none where nothing tells", () => expect(roles({})).toEqual([]));
  test("a VIP in a network of neighbours", () => expect(roles({ facts: VIP_ON_LO })).toEqual(["real-server"]));
  test("a VIP that could be announced is not enough", () => expect(roles({ facts: FAR_VIP_ON_LO })).toEqual([]));
  test("a VIP of IPVS's own is no real server's", () => {
    expect(roles({ facts: VIP_ON_LO, files: { "/proc/net/ip_vs": NAT_SERVICE } })).toEqual(["lb"]);
  });
  test("IPVS without a service balances nothing", () =>
    expect(roles({ files: { "/proc/net/ip_vs": IPVS("") } })).toEqual([]));
  test("a proxy is told by its process", () =>
    expect(roles({ facts: { "processes.json": ["haproxy", "sshd"] } })).toEqual(["proxy"]));
});

describe("rp_filter and tunnels", () => {
  const roomy = { ...TUNNELLED, "routes4.json": [WITH_MSS] };
  const filters = (all: number, tunnel: number) => ({
    ...QUIET,
    "net.ipv4.conf.all.rp_filter": all,
    "net.ipv4.conf.tunl0.rp_filter": tunnel,
  });
  test.each([
    [0, 0, {}],
    [1, 0, { "rp-filter.tunnel": "critical" }],
    [0, 1, { "rp-filter.tunnel": "critical" }],
    // the larger counts: loose on the interface wins over strict on all
    [1, 2, {}],
    [2, 1, {}],
  ])("all=%i tunl0=%i", (all, tunnel, expected) =>
    expect(complaints({ sysctls: filters(all, tunnel), facts: roomy })).toEqual(expected),
  );

  test("a tunnel that packets are routed into is no real server's", () => {
    const routes = [WITH_MSS, { type: "unicast", dst: "10.244.1.0/24", dev: "tunl0", gateway: "10.2.0.7" }];
    expect(complaints({ sysctls: filters(1, 1), facts: { ...roomy, "routes4.json": routes } })).not.toHaveProperty([
      "rp-filter.tunnel",
    ]);
  });
});

describe("ARP", () => {
  test("answering for a VIP that neighbours look for", () => {
    expect(complaints({ facts: VIP_ON_LO })).toEqual({ "arp.ignore": "critical", "arp.announce": "warning" });
  });
  test("is settled by arp_ignore 1 and arp_announce 2", () =>
    expect(complaints({ facts: VIP_ON_LO, sysctls: QUIET })).toEqual({}));
  test("3 does not keep a global address on lo from being told", () => {
    const sysctls = { ...QUIET, "net.ipv4.conf.all.arp_ignore": 3 };
    expect(complaints({ facts: VIP_ON_LO, sysctls })).toEqual({ "arp.ignore": "critical" });
  });
  test("a filter for ARP makes it unknown", () => {
    const facts = { ...VIP_ON_LO, "arptables.txt": "*filter\n-A INPUT -d 10.2.0.100 -j DROP\n" };
    expect(complaints({ facts, sysctls: { "net.ipv4.conf.all.arp_announce": 2 } })).toEqual({
      "arp.ignore": "unknown",
    });
  });
  test("of an address that nobody looks for, it is asked what it is", () => {
    expect(complaints({ facts: FAR_VIP_ON_LO })).toEqual({ "arp.ignore": "unknown" });
  });
  test("unless the role is given", () => {
    expect(complaints({ facts: FAR_VIP_ON_LO }, ["proxy"])).toEqual({});
    expect(complaints({ facts: FAR_VIP_ON_LO }, ["real-server"])).toEqual({
      "arp.ignore": "warning",
      "arp.announce": "warning",
    });
  });
});

describe("an address on a tunnel or lo that is no VIP", () => {
  const on = (name: string, address: string, routes: unknown[], more: Record<string, unknown> = {}) =>
    complaints({
      sysctls: { "net.ipv4.conf.all.rp_filter": 1, "net.ipv4.conf.tunl0.rp_filter": 0 },
      facts: {
        "addresses.json": [link("eth0", ["10.2.0.11/24"]), link(name, [address], more)],
        "routes4.json": routes,
      },
    });
  test("of an overlay's block", () => {
    const block = { type: "blackhole", dst: "10.244.7.0/26" };
    expect(on("tunl0", "10.244.7.1/32", [DEFAULT_ROUTE, block], { ...TUNNEL, mtu: 1480 })).toEqual({});
  });
  test("of a name server's cache", () => {
    const dummy = { linkinfo: { info_kind: "dummy" } };
    expect(on("nodelocaldns", "169.254.20.10/32", [DEFAULT_ROUTE], dummy)).toEqual({});
    expect(on("dummy0", "192.0.2.10/32", [DEFAULT_ROUTE], { ...dummy, flags: ["NOARP"] })).toEqual({});
    expect(on("dummy0", "192.0.2.10/32", [DEFAULT_ROUTE], dummy)).toEqual({ "arp.ignore": "unknown" });
  });
});

describe("what could not be looked at", () => {
  const unseen = (facts: Record<string, unknown>) => examine(fakeHost({ facts }), {}).unseen;
  test("is told with what it takes", () => {
    expect(unseen({})).toEqual([]);
    expect(unseen({ "nft.json": null, "iptables.txt": null, "routes4.json": null, "routes6.json": null })).toEqual([
      "packet rules: needs nft or iptables-save, as root",
      "routes and next hops: needs ip of iproute2",
    ]);
  });
});

describe("IPVS", () => {
  const right = {
    "net.ipv4.ip_forward": 1,
    "net.ipv4.conf.eth0.forwarding": 1,
    "net.ipv4.vs.conn_reuse_mode": 1,
    "net.ipv4.vs.conntrack": 0,
    "net.ipv4.vs.expire_nodest_conn": 1,
    "net.ipv4.vs.expire_quiescent_template": 0,
    "net.ipv4.vs.sloppy_tcp": 0,
  };
  const facts = {
    "addresses.json": [link("lo", ["127.0.0.1/8"]), link("eth0", ["10.2.0.1/24", "10.2.0.100/32"])],
    "ethtool-eth0.txt": "large-receive-offload: off\n",
  };
  const withTable = (
    table: string,
    sysctls: Record<string, number | string> = {},
    more: Record<string, unknown> = {},
  ) =>
    complaints({
      sysctls: { ...right, ...sysctls },
      facts: { ...facts, ...more },
      files: { "/proc/net/ip_vs": table },
    });

  test("set up right", () => expect(withTable(NAT_SERVICE)).toEqual({}));
  test.each<[string, Record<string, number | string>, Record<string, string>]>([
    ["no forwarding with NAT", { "net.ipv4.ip_forward": 0 }, { "forwarding.ip-forward": "critical" }],
    ["redirects from one arm", { "net.ipv4.conf.eth0.send_redirects": 1 }, { "forwarding.redirects": "warning" }],
    ["port reuse", { "net.ipv4.vs.conn_reuse_mode": 0 }, { "ipvs.conn-reuse-mode": "warning" }],
    ["swallowed connections", { "net.ipv4.vs.expire_nodest_conn": 0 }, { "ipvs.expire-nodest-conn": "warning" }],
    [
      "an old kernel's lost SYN",
      { "kernel.osrelease": "5.4.0-100-generic", "net.ipv4.vs.conntrack": 1 },
      { "ipvs.conn-reuse-mode": "warning" },
    ],
    ["which needs connection tracking", { "kernel.osrelease": "5.4.0-100-generic" }, {}],
    [
      "and where 0 is right",
      { "kernel.osrelease": "5.4.0", "net.ipv4.vs.conntrack": 1, "net.ipv4.vs.conn_reuse_mode": 0 },
      {},
    ],
  ])("%s", (_, sysctls, expected) => {
    const { "run.kernel": kernel, ...rest } = withTable(NAT_SERVICE, sysctls);
    expect(rest).toEqual(expected);
    expect(kernel).toBe(String(sysctls["kernel.osrelease"] ?? "6").startsWith("5.4") ? "critical" : undefined);
  });
  test("direct return needs no forwarding", () => {
    const table = IPVS("TCP  0A020064:0050 rr  \n  -> 0A02000B:0050      Route   1      0          0         \n");
    expect(withTable(table, { "net.ipv4.ip_forward": 0 })).toEqual({});
  });
  test("a service whose servers all have weight 0", () => {
    const table = IPVS("TCP  0A020064:0050 rr  \n  -> 0A02000B:0050      Route   0      3          0         \n");
    expect(withTable(table)).toEqual({ "ipvs.backends": "critical" });
  });
  test("a VIP that is elsewhere is a standby's", () => {
    expect(withTable(NAT_SERVICE, {}, { "addresses.json": [link("eth0", ["10.2.0.1/24"])] })).toEqual({
      "ipvs.vip-local": "info",
    });
  });
  test("persistence keeps clients on drained servers", () => {
    const table = NAT_SERVICE.replace("rr  ", "rr persistent 300");
    expect(withTable(table)).toEqual({ "ipvs.expire-quiescent-template": "warning" });
    expect(withTable(table, { "net.ipv4.vs.expire_quiescent_template": 1 })).toEqual({});
  });
  test("NAT of IPv6 needs forwarding of IPv6", () => {
    const table = NAT_SERVICE.replace("0A03000B:1F90 ", "[2001:0db8:0000:0000:0000:0000:0000:0002]:1F90 ");
    expect(withTable(table, { "net.ipv6.conf.all.forwarding": 0 })).toEqual({ "forwarding.ipv6": "critical" });
    expect(withTable(table, { "net.ipv6.conf.all.forwarding": 1 })).toEqual({});
  });
  test.each([
    [900, { "ipvs.timeout": "info" }],
    [60, { "ipvs.timeout": "warning" }],
    [7440, {}],
  ])("forgets after %i s", (seconds, expected) =>
    expect(
      withTable(NAT_SERVICE, {}, { "ipvs-timeouts.txt": `Timeout (tcp tcpfin udp): ${seconds} 120 300\n` }),
    ).toEqual(expected),
  );
  test("LRO on a forwarding interface", () => {
    expect(withTable(NAT_SERVICE, {}, { "ethtool-eth0.txt": "large-receive-offload: on\n" })).toEqual({
      "offload.lro": "critical",
    });
  });
});

describe("counters since boot", () => {
  const drops = (listenDrops: number, passiveOpens: number) =>
    complaints(
      {
        files: counterFiles({
          "TcpExt.ListenDrops": listenDrops,
          "TcpExt.ListenOverflows": listenDrops,
          "Tcp.PassiveOpens": passiveOpens,
        }),
      },
      ["server"],
    );
  test("a tiny part is no complaint", () => expect(drops(500, 10_000_000)).toEqual({}));
  test("nor are a few", () => expect(drops(9, 100)).toEqual({}));
  test("one in a hundred is", () => expect(drops(1000, 100_000)).toEqual({ "backlog.overflows": "warning" }));
  test("one in ten breaks connections", () =>
    expect(drops(10_000, 90_000)).toEqual({ "backlog.overflows": "critical" }));

  test("watched, only what happens now counts", () => {
    const said = { files: counterFiles({ "TcpExt.ListenDrops": 10_000, "Tcp.PassiveOpens": 90_000 }) };
    const same = sampleCounters(fakeHost(said));
    expect(complaints(said, ["server"], same)).toEqual({});
    const before = sampleCounters(
      fakeHost({ files: counterFiles({ "TcpExt.ListenDrops": 9995, "Tcp.PassiveOpens": 89_900 }) }),
    );
    expect(complaints(said, ["server"], before)).toEqual({ "backlog.overflows": "warning" });
  });
});

describe("connection tracking", () => {
  const table = (count: number, more: Record<string, number> = {}) => ({
    "net.netfilter.nf_conntrack_count": count,
    "net.netfilter.nf_conntrack_max": 1000,
    "net.netfilter.nf_conntrack_buckets": 1000,
    "net.netfilter.nf_conntrack_tcp_timeout_established": 432_000,
    ...more,
  });
  test.each([
    [0, {}],
    [799, {}],
    [800, { "conntrack.fill": "warning" }],
    [950, { "conntrack.fill": "critical" }],
  ])("%i of 1000", (count, expected) => expect(complaints({ sysctls: table(count) }, ["lb"])).toMatchObject(expected));
  test("forgets too soon", () => {
    const sysctls = table(10, { "net.netfilter.nf_conntrack_tcp_timeout_established": 600 });
    expect(complaints({ sysctls }, ["router"])).toMatchObject({ "conntrack.timeout-established": "warning" });
    expect(complaints({ sysctls }, ["server"])).toEqual({});
  });
  test("long chains", () =>
    expect(complaints({ sysctls: table(700, { "net.netfilter.nf_conntrack_buckets": 256 }) }, ["server"])).toEqual({
      "conntrack.buckets": "warning",
    }));
});

describe("ECMP", () => {
  const routes = [{ type: "unicast", dst: "192.0.2.10", nexthops: [{ dev: "eth0" }, { dev: "eth0" }] }];
  const policy = (value: number, fields?: number) =>
    complaints({
      sysctls: { "net.ipv4.fib_multipath_hash_policy": value, "net.ipv4.fib_multipath_hash_fields": fields },
      facts: { "routes4.json": routes },
    });
  test("by addresses alone", () =>
    expect(policy(0)).toEqual({ "ecmp.hash-policy": "warning", "ecmp.resilience": "info" }));
  test("by ports, too", () => expect(policy(1)).toEqual({ "ecmp.resilience": "info" }));
  test("by chosen fields", () => {
    expect(policy(3, 0x37)).toEqual({ "ecmp.resilience": "info" });
    expect(policy(3, 0x7)).toMatchObject({ "ecmp.hash-policy": "warning" });
  });
  test("of a way out it is good to know", () =>
    expect(complaints({ facts: { "routes4.json": [{ ...routes[0], dst: "default" }] } })).toMatchObject({
      "ecmp.hash-policy": "info",
    }));
  test("one route alone is none", () => expect(complaints({ facts: { "routes4.json": [DEFAULT_ROUTE] } })).toEqual({}));
});

describe("the MSS of a tunnelled real server", () => {
  const on = (routes: unknown[], eth0 = link("eth0", ["10.2.0.11/24"])) =>
    complaints({
      sysctls: { ...QUIET, "net.ipv4.conf.tunl0.rp_filter": 0 },
      facts: {
        "routes4.json": routes,
        "addresses.json": [eth0, link("tunl0", ["192.0.2.10/32"], { ...TUNNEL, mtu: 1480 })],
      },
    });
  test("full segments do not fit", () => expect(on([DEFAULT_ROUTE])).toEqual({ "mtu.real-server-mss": "warning" }));
  test("a smaller one is offered", () => expect(on([WITH_MSS])).toEqual({}));
  test("the wire is wide", () =>
    expect(on([DEFAULT_ROUTE], link("eth0", ["10.2.0.11/24"], { mtu: 9000 }))).toEqual({}));
});

describe("ports of a proxy", () => {
  const sockets = (count: number) =>
    Array.from(
      { length: count },
      (_, i) =>
        `   ${i}: 0B00020A:${(32_768 + i).toString(16).toUpperCase()} 0B00030A:1F90 06 00000000:00000000 03:0 0 0 0`,
    ).join("\n");
  test("few", () => {
    expect(complaints({ sysctls: { "net.ipv4.ip_local_port_range": "40000\t40999" } }, ["proxy"])).toEqual({
      "ports.ephemeral": "warning",
    });
  });
  test("nearly all to one backend", () => {
    const at = (count: number) => complaints({ files: { "/proc/net/tcp": sockets(count) } }, ["proxy"]);
    expect(at(15_000)).toEqual({});
    expect(at(20_000)).toEqual({ "ports.ephemeral": "warning" });
    expect(at(28_000)).toEqual({ "ports.ephemeral": "critical" });
  });
  test("a rule that translates to a few", () => {
    const iptables = (ports: string) => ({
      "iptables.txt": `-A POSTROUTING -o eth1 -j SNAT --to-source 10.3.0.1${ports}\n`,
    });
    expect(complaints({ facts: iptables(":40000-40063") })).toEqual({ "ports.snat": "warning" });
    expect(complaints({ facts: iptables("") })).toEqual({});
  });
  test("a listener on a port that may be taken", () => {
    const facts = { "listeners.json": [{ local: "0.0.0.0:40000", waiting: 0, backlog: 4096 }] };
    expect(complaints({ facts }, ["proxy"])).toEqual({ "ports.reserved": "info" });
    expect(complaints({ facts, sysctls: { "net.ipv4.ip_local_reserved_ports": "39999-40001" } }, ["proxy"])).toEqual(
      {},
    );
  });
});

describe("receiving", () => {
  const line = (processed: number, dropped = 0, squeezed = 0) =>
    [processed, dropped, squeezed, 0, 0, 0, 0, 0, 0, 0, 0, 0].map((n) => n.toString(16).padStart(8, "0")).join(" ");
  const softnet = (...lines: string[]) => complaints({ files: { "/proc/net/softnet_stat": `${lines.join("\n")}\n` } });
  test("one processor of four has it all", () => {
    expect(softnet(line(9e7), line(10), line(1e6), line(5))).toEqual({ "receive.imbalance": "warning" });
    expect(softnet(line(3e7), line(2e7), line(3e7), line(2e7))).toEqual({});
    // of two, nothing is said, nor where little was received
    expect(softnet(line(9e7), line(10))).toEqual({});
    expect(softnet(line(90_000), line(1), line(1), line(1))).toEqual({});
  });
  test("drops", () => {
    expect(softnet(line(1e6, 500))).toEqual({ "receive.softnet-drops": "warning" });
    expect(softnet(line(1e9, 500))).toEqual({});
  });
});

describe("old and odd settings", () => {
  test.each([
    ["net.ipv4.tcp_tw_recycle", 1, { "tcp.tw-recycle": "critical" }],
    ["net.ipv4.tcp_abort_on_overflow", 1, { "tcp.abort-on-overflow": "warning" }],
    ["net.ipv4.tcp_syncookies", 0, { "backlog.syn": "warning" }],
    ["net.ipv4.tcp_syncookies", 2, { "backlog.syn": "warning" }],
    ["net.core.somaxconn", 128, { "backlog.somaxconn": "warning" }],
  ])("%s=%i", (name, value, expected) =>
    expect(complaints({ sysctls: { [name]: value } }, ["proxy"])).toEqual(expected),
  );
});

describe("running here", () => {
  const support = { btf: true, koffi: true, libbpf: "v1.1", ringBufferErrno: 0, tracefs: true, betterSqlite3: true };
  const run = (more: Partial<Record<keyof typeof support, unknown>>, capabilities: bigint) =>
    complaints({
      facts: { "bpf-support.json": { ...support, ...more } },
      files: { "/proc/self/status": `Name:\tnode\nCapEff:\t${capabilities.toString(16).padStart(16, "0")}\n` },
    });
  const bits = (...numbers: number[]) => numbers.reduce((sum, bit) => sum | (1n << BigInt(bit)), 0n);
  test("everything is there", () => expect(run({}, bits(12, 38, 39))).toEqual({}));
  test("CAP_SYS_ADMIN has the two newer ones in it", () => expect(run({}, bits(12, 21))).toEqual({}));
  test("but not CAP_NET_ADMIN", () => expect(run({}, bits(21))).toEqual({ "run.capabilities": "critical" }));
  test("no rights", () =>
    expect(run({ ringBufferErrno: 1 }, 0n)).toEqual({ "run.capabilities": "critical", "run.ring-buffer": "critical" }));
  test("no libbpf", () =>
    expect(run({ libbpf: null, ringBufferErrno: null }, bits(12, 38, 39))).toEqual({ "run.libbpf": "critical" }));
  test("no libraries", () =>
    expect(run({ koffi: false, libbpf: null, ringBufferErrno: null, betterSqlite3: false }, bits(12, 38, 39))).toEqual({
      "run.koffi": "critical",
      "run.store": "warning",
    }));
});

describe("the clock", () => {
  const clock = (facts: Record<string, unknown>) => {
    const { verdicts } = examine(fakeHost({ facts }), { only: ["time.sync"] });
    return verdicts.map(({ result }) => result);
  };
  const alone = { net: "net:[1]", init: "net:[1]", pid: "pid:[4026531836]" };
  test("kept", () => expect(clock({ "clock.json": { isSynchronised: true, maxErrorSeconds: 0.01 } })).toEqual(["ok"]));
  test("not kept, by anyone", () =>
    expect(clock({ "clock.json": { isSynchronised: false, maxErrorSeconds: 16 }, "namespaces.json": alone })).toEqual([
      "warning",
    ]));
  test("a daemon that does not tell the kernel, or a container", () => {
    const off = { "clock.json": { isSynchronised: false, maxErrorSeconds: 16 } };
    expect(clock({ ...off, "namespaces.json": alone, "processes.json": ["chronyd"] })).toEqual(["unknown"]);
    expect(clock({ ...off, "namespaces.json": { ...alone, pid: "pid:[4026532001]" } })).toEqual(["unknown"]);
    expect(clock({})).toEqual(["unknown"]);
  });
});
