import fc from "fast-check";
import { expect, test } from "vitest";
import { parseConntrack } from "../../src/host/conntrack.ts";
import { parseCounters, parsePerCpuCounters } from "../../src/host/counters.ts";
import { parseDeviceStatistics } from "../../src/host/device-statistics.ts";
import { parseInterrupts } from "../../src/host/interrupts.ts";
import { parseIpvsConnections } from "../../src/host/ipvs-connections.ts";
import { parseIpvsTable, parseIpvsTotals } from "../../src/host/ipvs-table.ts";
import { parseLinks } from "../../src/host/links.ts";
import { attributes } from "../../src/host/netlink.ts";
import { parseOffloads } from "../../src/host/offloads.ts";
import { iptablesRules, nftRules } from "../../src/host/packet-rules.ts";
import { parseRoutes } from "../../src/host/routes.ts";
import { parseSockets } from "../../src/host/socket-table.ts";
import { parseSoftnet } from "../../src/host/softnet.ts";
import { endpointText } from "../../src/topology/address.ts";

const READERS: Readonly<Record<string, (text: string) => unknown>> = {
  parseCounters,
  parsePerCpuCounters,
  parseDeviceStatistics,
  parseInterrupts,
  parseIpvsConnections: (text) => [...parseIpvsConnections(text)],
  parseIpvsTable,
  parseIpvsTotals,
  parseLinks,
  parseOffloads,
  iptablesRules,
  nftRules,
  parseRoutes: (text) => parseRoutes(text, 4),
  parseSockets: (text) => [...parseSockets(text)],
  parseSoftnet,
};

/** Words of the real files in any order, and anything else. */
const word = fc.oneof(
  fc.constantFrom(
    "TCP",
    "UDP",
    "FWM",
    "->",
    "0A020064:0050",
    "[2001:0db8::1]:0050",
    "Masq",
    "persistent",
    "TcpExt:",
    "0A",
    "CPU0",
  ),
  fc.constantFrom(
    "eth0:",
    "-A",
    "-j",
    "SNAT",
    "--to-source",
    "38:",
    "ffffffff",
    "-1",
    "null",
    '{"nftables":[{"rule":1}]}',
  ),
  fc.string({ maxLength: 12 }),
);
const text = fc
  .array(fc.array(word, { maxLength: 18 }), { maxLength: 6 })
  .map((lines) => lines.map((words) => words.join(" ")).join("\n"));

test.each(Object.entries(READERS))("%s reads anything without failing", (_, read) => {
  fc.assert(
    fc.property(fc.oneof(text, fc.json()), (input) => void read(input)),
    { numRuns: 300 },
  );
});

test("netlink attributes of any bytes stay inside them", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const buffer = Buffer.from(bytes);
      for (const value of attributes(buffer).values()) expect(value.length).toBeLessThanOrEqual(buffer.length - 4);
      parseConntrack(buffer);
    }),
  );
});

test("an IPVS connection is read back as it was written", () => {
  const octets = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255));
  const end = fc.tuple(octets, fc.nat(0xffff));
  const hex = (n: number, digits: number) => n.toString(16).toUpperCase().padStart(digits, "0");
  const columns = ([address, port]: [number[], number]) =>
    `${address.map((octet) => hex(octet, 2)).join("")} ${hex(port, 4)}`;
  const textOf = ([address, port]: [number[], number]) => `${address.join(".")}:${port}`;
  fc.assert(
    fc.property(end, end, end, fc.nat(1e6), (client, vip, backend, expires) => {
      const [entry] = parseIpvsConnections(
        `TCP ${columns(client)} ${columns(vip)} ${columns(backend)} ESTABLISHED ${expires}`,
      );
      expect(
        entry && [
          endpointText(entry.client),
          endpointText(entry.vip),
          endpointText(entry.backend),
          entry.expiresSeconds,
        ],
      ).toEqual([textOf(client), textOf(vip), textOf(backend), expires]);
    }),
  );
});
