import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { isInNetwork, parseHostOrderAddress } from "../../src/host/addresses-in-hex.ts";
import { parseCounters, parsePerCpuCounters, readCounters, readCounters6 } from "../../src/host/counters.ts";
import { readDeviceStatistics } from "../../src/host/device-statistics.ts";
import type { Host } from "../../src/host/host.ts";
import { parseInterrupts } from "../../src/host/interrupts.ts";
import { readIpvsConnections } from "../../src/host/ipvs-connections.ts";
import { readIpvsTable, readIpvsTcpTimeout, readIpvsTotals } from "../../src/host/ipvs-table.ts";
import { readLinks } from "../../src/host/links.ts";
import { readListeners } from "../../src/host/listeners.ts";
import { iptablesRules, nftRules, readPacketRules } from "../../src/host/packet-rules.ts";
import { recordedHost, recordingHost } from "../../src/host/recorded-host.ts";
import { parseRoutes, readNextHopGroups, readRoutes, routeTo } from "../../src/host/routes.ts";
import { parseSockets } from "../../src/host/socket-table.ts";
import { parseSoftnet } from "../../src/host/softnet.ts";
import { interfaceSysctl, sysctlNumber, sysctlText } from "../../src/host/sysctl.ts";
import { addressText, endpointText, parseAddress } from "../../src/topology/address.ts";
import { projectDir } from "../support/requirement.ts";

/** A host of fixtures/hosts, as a real kernel told it. */
function kept(name: string): Host {
  const host = recordedHost(`${projectDir}/fixtures/hosts/${name}`);
  if (host === null) throw new Error(`fixtures/hosts/${name} is missing`);
  return host;
}

describe("IPVS", () => {
  test("its table, as Linux 6.1 prints it", () => {
    const table = readIpvsTable(kept("ipvs-nat-wrong"));
    expect(table).toMatchObject({ version: "1.2.1", connectionTableSize: 4096 });
    const services = table?.services.map(({ name, protocol, scheduler, persistenceJiffies, destinations }) => ({
      service: `${protocol} ${name} ${scheduler}`,
      isPersistent: persistenceJiffies !== null,
      to: destinations.map(({ name, forwarding, weight }) => `${name} ${forwarding} ${weight}`),
    }));
    // the kernel lists them by its hash
    expect(new Set(services)).toEqual(
      new Set([
        {
          service: "tcp 10.2.0.100:80 rr",
          isPersistent: false,
          to: ["10.2.0.11:8080 Masq 3", "10.2.0.12:8080 Masq 1"],
        },
        { service: "tcp 10.2.0.100:443 wlc", isPersistent: true, to: ["10.2.0.12:8443 Masq 0"] },
        { service: "udp 10.2.0.100:53 mh", isPersistent: false, to: ["10.2.0.12:53 Masq 1"] },
        { service: "tcp [2001:db8::1]:443 sh", isPersistent: false, to: ["[2001:db8::2]:443 Masq 1"] },
        { service: "fwmark fwmark:7 rr", isPersistent: false, to: ["10.2.0.12:0 Tunnel 1"] },
      ]),
    );
  });
  test("its connections", () => {
    const connections = [...(readIpvsConnections(kept("ipvs-nat")) ?? [])];
    expect(connections).toHaveLength(5);
    const [first] = connections;
    expect(first).toMatchObject({ protocol: "tcp", expiresSeconds: expect.any(Number) });
    expect(first && endpointText(first.vip)).toBe("10.2.0.101:80");
    expect(first && endpointText(first.backend)).toBe("10.2.0.12:8080");
    expect(first && addressText(first.client.address)).toBe("10.2.0.5");
  });
  test("its totals", () => {
    expect(readIpvsTotals(kept("ipvs-nat"))).toEqual({
      connections: 5,
      packetsIn: expect.any(Number),
      packetsOut: expect.any(Number),
      bytesIn: expect.any(Number),
      bytesOut: expect.any(Number),
    });
  });
  test("its time-out", () => expect(readIpvsTcpTimeout(kept("ipvs-nat"))).toBe(900));
  test("absent", () => {
    const empty: Host = { isLive: false, readText: () => null, fact: () => null };
    expect([readIpvsTable(empty), readIpvsConnections(empty), readIpvsTotals(empty)]).toEqual([null, null, null]);
  });
});

describe("counters", () => {
  test("of a real host", () => {
    const counters = readCounters(kept("real-server-wrong"));
    expect(counters.get("TcpExt.ListenOverflows")).toBeGreaterThan(100);
    expect(counters.get("TcpExt.IPReversePathFilter")).toBeGreaterThan(50);
    expect(counters.get("Ip.InReceives")).toBeGreaterThan(counters.get("TcpExt.IPReversePathFilter") ?? 0);
  });
  test("of IPv6", () => {
    const text = "Ip6InReceives                   \t129\nIp6InHdrErrors                  \t0\n";
    const host: Host = {
      isLive: false,
      readText: (path) => (path === "/proc/net/snmp6" ? text : null),
      fact: () => null,
    };
    expect(Object.fromEntries(readCounters6(host))).toEqual({ Ip6InReceives: 129, Ip6InHdrErrors: 0 });
  });
  test("names and numbers that do not match are left out", () => {
    expect([...parseCounters("A: x y\nA: 1\nB: z\nC: 2\n")]).toEqual([["A.x", 1]]);
  });
  test("per processor, in hexadecimal", () => {
    expect(Object.fromEntries(parsePerCpuCounters("found  drop\n0000000a 00000001\n00000006 00000000\n"))).toEqual({
      found: 16,
      drop: 1,
    });
  });
  test("of devices", () => {
    const eth0 = readDeviceStatistics(kept("ipvs-nat")).find(({ name }) => name === "eth0");
    expect(eth0?.receivedPackets).toBeGreaterThan(10);
    expect(eth0?.sentBytes).toBeGreaterThan(500);
  });
  test("of processors", () => {
    // Linux 6.18: the number of the processor is the thirteenth column
    const line =
      "000e2bd8 00000002 00000003 00000000 00000000 00000000 00000000 00000000 00000000 00000007 00000000 00000000 00000005 00000000 00000000";
    expect(parseSoftnet(`${line}\n`)).toEqual([
      { cpu: 5, processed: 0xe2bd8, dropped: 2, timeSqueezed: 3, receivedRps: 7 },
    ]);
    // Linux 4: eleven columns
    expect(parseSoftnet("00000001 0 0 0 0 0 0 0 0 0 0\n00000002 0 0 0 0 0 0 0 0 0 0\n").map(({ cpu }) => cpu)).toEqual([
      0, 1,
    ]);
  });
  test("of interrupts", () => {
    const text =
      "           CPU0       CPU1       \n 38:          0      45510 PCI-MSIX-0000:00:03.0   1-edge      virtio2-input.0\nNMI:          0          0   Non-maskable interrupts\nERR:          0\n";
    expect(parseInterrupts(text)).toEqual([{ irq: "38", name: "virtio2-input.0", perCpu: [0, 45_510] }]);
  });
});

describe("links and routes", () => {
  test("of a tunnelled real server", () => {
    const host = kept("real-server");
    const tunnel = readLinks(host).find(({ name }) => name === "tunl0");
    expect(tunnel).toMatchObject({ kind: "ipip", isUp: true, hasArp: false, mtu: 1480, remote: null, local: null });
    expect(tunnel?.addresses.map(({ address }) => addressText(address))).toEqual(["10.2.0.102"]);
    const routes = readRoutes(host) ?? [];
    const [client, elsewhere] = ["10.2.0.5", "198.51.100.1"].map((text) => routeTo(routes, parseAddress(text)!));
    expect(client).toMatchObject({ destination: "10.2.0.5", device: "eth0" });
    expect(elsewhere).toMatchObject({ destination: "default", advertisedMss: 1440 });
  });
  test("with several next hops", () => {
    const vip = (host: Host) => (readRoutes(host) ?? []).find(({ destination }) => destination === "192.0.2.10");
    expect(vip(kept("ecmp-wrong"))).toMatchObject({ nextHops: 2, nextHopId: null });
    expect(vip(kept("ecmp"))).toMatchObject({ nextHopId: 9 });
    expect(readNextHopGroups(kept("ecmp"))).toEqual([{ id: 9, members: 2, type: "resilient" }]);
  });
  test("without ip(8), by getifaddrs", () => {
    const interfaces = {
      eth0: [{ address: "10.2.0.11", cidr: "10.2.0.11/24", internal: false }],
      tunl0: [{ address: "192.0.2.10", cidr: "192.0.2.10/32", internal: false }],
    };
    const files: Record<string, string> = {
      "/sys/class/net/eth0/type": "1\n",
      "/sys/class/net/eth0/mtu": "9000\n",
      "/sys/class/net/tunl0/type": "768\n",
      "/sys/class/net/tunl0/mtu": "1480\n",
    };
    const host: Host = {
      isLive: false,
      readText: (path) => files[path] ?? null,
      fact: (name) => (name === "interfaces.json" ? JSON.stringify(interfaces) : null),
    };
    expect(readLinks(host)).toMatchObject([
      { name: "eth0", mtu: 9000, hasArp: true, kind: null },
      { name: "tunl0", mtu: 1480, hasArp: false, kind: "ipip" },
    ]);
    expect(readRoutes(host)).toBeNull();
  });
  test("what is no JSON is nothing", () => {
    expect(parseRoutes('[{"dst":"10.0.0.0/8"', 4)).toEqual([]);
    expect(parseRoutes('[{"dst":"nonsense/8"},{"dst":5}]', 4)).toEqual([]);
  });
  test("networks", () => {
    const inside = (text: string, network: string, length: number) =>
      isInNetwork(parseAddress(text)!, parseAddress(network)!, length);
    expect(inside("10.2.0.255", "10.2.0.0", 24)).toBe(true);
    expect(inside("10.2.1.0", "10.2.0.0", 24)).toBe(false);
    expect(inside("10.2.1.0", "0.0.0.0", 0)).toBe(true);
    expect(inside("2001:db8:0:1::5", "2001:db8:0:1::", 64)).toBe(true);
    expect(inside("2001:db8:0:2::5", "2001:db8:0:1::", 64)).toBe(false);
  });
});

describe("sockets", () => {
  test("of /proc/net/tcp, in the host's byte order", () => {
    const text = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when
   0: 0B00020A:1F90 00000000:0000 0A 00000000:00000005 00:00000000 00000000     0        0 151 1
   1: 0B00020A:9C40 0C00030A:01BB 06 00000000:00000000 03:00000000 00000000     0        0 0 3`;
    expect(
      [...parseSockets(text)].map(({ local, remote, state, receiveQueue }) => [
        endpointText(local),
        endpointText(remote),
        state,
        receiveQueue,
      ]),
    ).toEqual([
      ["10.2.0.11:8080", "0.0.0.0:0", "LISTEN", 5],
      ["10.2.0.11:40000", "10.3.0.12:443", "TIME_WAIT", 0],
    ]);
  });
  test("of /proc/net/tcp6", () => {
    expect(addressText(parseHostOrderAddress("B80D0120000000000000000001000000")!)).toBe("2001:db8::1");
    expect(addressText(parseHostOrderAddress("0120000000000000", true) ?? parseAddress("::")!)).toBe("::");
  });
  test("listeners with their backlog", () => {
    const [stuck] = readListeners(kept("real-server-wrong")).filter(({ local }) => local.port === 80);
    expect(stuck?.backlog).toBe(5);
    // the queue takes one more than it is asked for (sk_acceptq_is_full)
    expect(stuck?.waiting).toBeGreaterThanOrEqual(6);
  });
});

describe("packet rules", () => {
  test("of a real host", () => {
    expect(readPacketRules(kept("conntrack-full"))).toEqual({
      mssClamps: 0,
      sourceNats: [{ rule: "nft snat", ports: { from: 40_000, to: 40_063 } }],
      destinationNats: 1,
      arpRules: 0,
    });
  });
  test("of iptables-save", () => {
    const text = `*nat
-A PREROUTING -d 192.0.2.10/32 -p tcp -j DNAT --to-destination 10.3.0.11:8080
-A POSTROUTING -o eth1 -p tcp -j MASQUERADE --to-ports 1024-2047
-A POSTROUTING -o eth2 -j SNAT --to-source 10.3.0.1-10.3.0.9:40000-40063
-A POSTROUTING -o eth3 -j MASQUERADE
*mangle
-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu`;
    const { sourceNats, ...rest } = iptablesRules(text);
    expect(rest).toEqual({ mssClamps: 1, destinationNats: 1, arpRules: 0 });
    expect(sourceNats.map(({ ports }) => ports)).toEqual([
      { from: 1024, to: 2047 },
      { from: 40_000, to: 40_063 },
      null,
    ]);
  });
  test("of nft: an MSS that is lowered", () => {
    const clamp = {
      mangle: { key: { "tcp option": { name: "maxseg", field: "size" } }, value: { rt: { key: "mtu" } } },
    };
    const rule = (expr: unknown[]) => ({ rule: { family: "inet", table: "f", chain: "c", handle: 1, expr } });
    const json = JSON.stringify({
      nftables: [{ metainfo: {} }, rule([clamp]), rule([{ xt: { type: "target", name: "TCPMSS" } }])],
    });
    expect(nftRules(json).mssClamps).toBe(2);
  });
});

describe("sysctls", () => {
  const files: Record<string, string> = {
    "/proc/sys/net/ipv4/conf/eth0.100/rp_filter": "2\n",
    "/proc/sys/net/ipv4/range": "1 2\n",
  };
  const host: Host = { isLive: false, readText: (path) => files[path] ?? null, fact: () => null };
  test("of an interface with a dot in its name", () =>
    expect(sysctlNumber(host, interfaceSysctl("eth0.100", "rp_filter"))).toBe(2));
  test("that are no number, or absent", () => {
    expect(sysctlNumber(host, "net.ipv4.range")).toBeNull();
    expect(sysctlText(host, "net.ipv4.range")).toBe("1 2");
    expect(sysctlText(host, "net.ipv4.nothing")).toBeNull();
  });
});

test("a host that is kept answers as it did, and nothing outside its folder", () => {
  const folder = mkdtempSync(join(tmpdir(), "l4scope-host-"));
  try {
    const live: Host = {
      isLive: true,
      readText: (path) => (path === "/proc/net/dev" ? "text" : null),
      fact: (_, produce) => produce(),
    };
    const recording = recordingHost(live, folder);
    expect([
      recording.readText("/proc/net/dev"),
      recording.readText("/proc/absent"),
      recording.fact("a.json", () => "{}"),
    ]).toEqual(["text", null, "{}"]);
    const again = recordedHost(folder);
    expect(again?.readText("/proc/net/dev")).toBe("text");
    expect(again?.readText("/proc/absent")).toBeNull();
    expect(again?.readText("/proc")).toBeNull();
    expect(again?.fact("a.json", () => "not asked")).toBe("{}");
    expect(again?.readText("/../../../../../../etc/hostname")).toBeNull();
    expect(readFileSync(join(folder, "facts/a.json"), "utf8")).toBe("{}");
  } finally {
    rmSync(folder, { recursive: true });
  }
  expect(recordedHost(folder)).toBeNull();
});
