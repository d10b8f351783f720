import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type PacketBuilder, packet } from "../../fixtures/packets/packet.ts";
import { readFlows } from "../../src/probe/flow-counts.ts";
import { FlowTap } from "../../src/probe/flow-tap.ts";
import { createFlowTapDecoder, type FlowTapEvent } from "../../src/probe/flow-tap-events.ts";
import { endpointText } from "../../src/topology/address.ts";
import { requires } from "../support/requirement.ts";
import { canTap } from "./can-tap.ts";
import { VethPair } from "./veth-pair.ts";

const { missing } = requires({ root: true, tool: ["ip", "python3"], kernel: canTap });

const ethernet = packet().ethernet();
const OUTER4 = { src: "198.51.100.1", dst: "198.51.100.2" };
const OUTER6 = { src: "2001:db8:ffff::1", dst: "2001:db8:ffff::2" };
const INNER4 = packet().ipv4({ src: "203.0.113.7", dst: "192.0.2.10" }).tcp({ src: 40001, dst: 443, flags: "S" });
const INNER6 = packet().ipv6({ src: "2001:db8::7", dst: "2001:db8::10" }).tcp({ src: 40001, dst: 443, flags: "S" });
const ENDS4 = "203.0.113.7:40001 192.0.2.10:443";
const ENDS6 = "[2001:db8::7]:40001 [2001:db8::10]:443";

describe.skipIf(missing !== null)("what the flow tap makes of a packet", () => {
  let pair: VethPair;
  let tap: FlowTap;
  beforeAll(() => {
    pair = new VethPair();
  });
  beforeEach(() => {
    tap = new FlowTap({ interfaces: [pair.near] });
  });
  afterEach(() => tap.close());
  afterAll(() => pair.close());

  /** Puts frames on the wire as they are. */
  const send = (...frames: readonly PacketBuilder[]) => {
    const script = `
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("far", 0))
for line in sys.stdin: s.send(bytes.fromhex(line))
`;
    const lines = frames.map((frame) => Buffer.from(frame.build()).toString("hex"));
    pair.far(["python3", "-c", script], lines.join("\n"));
  };
  const shown = (): FlowTapEvent[] => {
    const decode = createFlowTapDecoder(tap.interfaces, () => 0n);
    const events: FlowTapEvent[] = [];
    tap.poll((bytes, offset, length) => {
      const event = decode(bytes, offset, length);
      if (event.direction === "ingress") events.push(event);
    });
    return events;
  };
  const counted = () =>
    readFlows(tap).map(
      ({ src, dst, srcPort, dstPort, tunnels, hasVlanTag }) =>
        `${endpointText({ address: src, port: srcPort })} ${endpointText({ address: dst, port: dstPort })} ${tunnels}${hasVlanTag ? " tagged" : ""}`,
    );

  test.each<[string, PacketBuilder, string[], string]>([
    ["IPv4", ethernet.carrying(INNER4), [], `${ENDS4} 0`],
    ["IPv6", ethernet.carrying(INNER6), [], `${ENDS6} 0`],
    ["a VLAN", ethernet.vlan(7).carrying(INNER4), ["vlan"], `${ENDS4} 0 tagged`],
    ["two VLAN tags", ethernet.qinq(3, 4).carrying(INNER6), ["vlan", "vlan"], `${ENDS6} 0 tagged`],
    ["IPIP", ethernet.ipv4(OUTER4).carrying(INNER4), ["ipip"], `${ENDS4} 1`],
    ["IPv6 in IPv4", ethernet.ipv4(OUTER4).carrying(INNER6), ["ipip"], `${ENDS6} 1`],
    ["IPv4 in IPv6", ethernet.ipv6(OUTER6).carrying(INNER4), ["ipip"], `${ENDS4} 1`],
    ["GRE", ethernet.ipv4(OUTER4).gre().carrying(INNER4), ["gre"], `${ENDS4} 1`],
    ["GRE with a key", ethernet.ipv4(OUTER4).gre({ key: 9 }).carrying(INNER6), ["gre"], `${ENDS6} 1`],
    ["GUE", ethernet.ipv4(OUTER4).udp({ src: 50000 }).gue().carrying(INNER4), ["gue"], `${ENDS4} 1`],
    [
      "GUE, bare IP",
      ethernet.ipv6(OUTER6).udp({ src: 5000 }).gue({ variant: 1 }).carrying(INNER6),
      ["gue"],
      `${ENDS6} 1`,
    ],
    ["VXLAN", ethernet.ipv4(OUTER4).udp({ src: 50000 }).vxlan(7).ethernet().carrying(INNER4), ["vxlan"], `${ENDS4} 1`],
    [
      "Geneve",
      ethernet.ipv4(OUTER4).udp({ src: 50000 }).geneve(7).ethernet().carrying(INNER6),
      ["geneve"],
      `${ENDS6} 1`,
    ],
    [
      "an IPv6 extension",
      ethernet
        .ipv6({ src: "2001:db8::7", dst: "2001:db8::10" })
        .ipv6Extension("destination")
        .tcp({ src: 40001, dst: 443, flags: "S" }),
      [],
      `${ENDS6} 0`,
    ],
    [
      "a tunnel in a tunnel with tags",
      ethernet.vlan(3).ipv4(OUTER4).udp({ src: 50000 }).vxlan(7).ethernet().vlan(4).ipv4(OUTER4).carrying(INNER4),
      ["vlan", "vxlan", "vlan", "ipip"],
      `${ENDS4} 2 tagged`,
    ],
  ])("finds the conversation in %s", (_name, frame, encapsulation, flow) => {
    send(frame);
    expect(counted()).toEqual([flow]);
    const [ends, ...more] = shown().map((event) => {
      const { src, dst, flags, why } = event;
      return {
        ends: src && dst && `${endpointText(src)} ${endpointText(dst)}`,
        flags,
        why,
        encapsulation: event.encapsulation,
      };
    });
    expect(more).toEqual([]);
    expect(ends).toEqual({ ends: flow.split(" ").slice(0, 2).join(" "), flags: 2, why: "flags", encapsulation });
  });

  const segment = (seq: number, data: number, flags = "A", mac = "02:00:00:00:00:02") =>
    packet()
      .ethernet({ src: "02:00:00:00:00:01", dst: mac })
      .ipv4({ src: "203.0.113.7", dst: "192.0.2.10" })
      .tcp({ src: 40001, dst: 443, flags, seq, window: 500 })
      .payload(new Uint8Array(data));

  test("shows what is sent again, but not what was overtaken on the way, nor bulk", () => {
    const bulk = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => segment(1 + n * 100, 100));
    send(segment(0, 0, "S"), ...bulk);
    const first = shown().map(({ why }) => why);
    expect(first.slice(0, 4)).toEqual(["flags", "first", "data", "data"]);
    expect(first.length).toBeLessThan(bulk.length);
    // one sent again, one skipped and at once caught up on, one that asks whether anyone is there
    send(segment(901, 100), segment(1101, 100), segment(1001, 100), segment(1201, 0), segment(1200, 0));
    expect(shown().map(({ why, seq }) => [why, seq])).toEqual([
      ["repeated", 901],
      ["repeated", 1200],
    ]);
  });

  test("shows the first packet after a silence, and one that goes to another MAC", async () => {
    const bulk = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => segment(1 + n * 100, 100));
    send(segment(0, 0, "S"), ...bulk);
    shown();
    await sleep(1000);
    send(segment(901, 100), segment(1001, 100));
    expect(shown().map(({ why, seq }) => [why, seq])).toEqual([["beat", 901]]);
    send(
      segment(1101, 100),
      segment(1201, 100, "A", "02:00:00:00:00:03"),
      segment(1301, 100, "A", "02:00:00:00:00:03"),
    );
    expect(shown().map(({ why, seq }) => [why, seq])).toEqual([["moved", 1201]]);
  });

  test("shows ARP, VRRP, ICMP errors and first fragments, and leaves later fragments and echoes alone", () => {
    const quoted = packet().ipv4({ src: "192.0.2.10", dst: "203.0.113.7" }).udp({ src: 53, dst: 40001 });
    const large = ethernet
      .ipv4({ src: "203.0.113.7", dst: "192.0.2.10" })
      .udp({ src: 40001, dst: 53 })
      .payload(new Uint8Array(2500));
    send(
      ethernet.arp({
        operation: "request",
        senderMac: "02:00:00:00:00:01",
        senderIp: "192.0.2.1",
        targetIp: "192.0.2.10",
      }),
      ethernet
        .ipv4({ src: "192.0.2.1", dst: "224.0.0.18" })
        .vrrp({ vrid: 7, priority: 100, addresses: ["192.0.2.10"] }),
      ethernet
        .ipv4({ src: "192.0.2.1", dst: "192.0.2.10" })
        .icmp({ type: 3, code: 3, quoting: quoted.fromIp().build() }),
      ethernet.ipv4({ src: "192.0.2.1", dst: "192.0.2.10" }).icmp({ type: 8, code: 0 }),
      ...large.fragments(1500),
    );
    expect(shown().map(({ why, kind }) => `${why} ${kind}`)).toEqual([
      "message arp",
      "message vrrp",
      "message icmp",
      "fragment udp",
    ]);
  });

  test("survives what is cut short anywhere, in any nesting", () => {
    const whole = [
      ethernet.vlan(3).ipv4(OUTER4).udp({ src: 50000 }).vxlan(7).ethernet().carrying(INNER6),
      ethernet.ipv6(OUTER6).gre({ key: 1 }).carrying(INNER4),
      ethernet.ipv4(OUTER4).udp({ src: 50000 }).gue().carrying(INNER4),
    ];
    const lines = whole.flatMap((frame) => {
      const bytes = Buffer.from(frame.build());
      // a frame has at least its Ethernet header
      return Array.from({ length: bytes.length - 14 }, (_, i) => bytes.subarray(0, 14 + i).toString("hex"));
    });
    const script = `
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("far", 0))
n = 0
for line in sys.stdin:
    s.send(bytes.fromhex(line))
    n += 1
print(n)
`;
    expect(Number(pair.far(["python3", "-c", script], lines.join("\n")))).toBe(lines.length);
    // ports of a segment that is cut short within itself may be there; flags may not
    expect(
      counted().every(
        (line) => line.startsWith("203.0.113.7") || line.startsWith("[2001:db8::7]") || line.startsWith("198.51.100.1"),
      ),
    ).toBe(true);
    send(ethernet.carrying(INNER4));
    expect(counted()).toContain(`${ENDS4} 0`);
  });
});
