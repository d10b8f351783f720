import { describe, expect, it } from "vitest";
import { at, type TimedPacket } from "../../fixtures/packets/capture-file.ts";
import { type TcpConversation, tcpConversation } from "../../fixtures/packets/conversation.ts";
import { packet } from "../../fixtures/packets/packet.ts";
import { pathIcmpMissteered } from "../../src/diagnose/path-icmp-missteered.ts";
import { pathIcmpUnreachable } from "../../src/diagnose/path-icmp-unreachable.ts";
import { examine, type Seen, times, together } from "./examine.ts";

const vip = "192.0.2.10:443";
const client = (index: number) => `10.1.0.1:${40001 + index}`;

/** A connection through one of two full-NAT members, whose large answer may be too big. */
function through(lb: string, index: number, exchange: (script: TcpConversation) => TcpConversation): Seen {
  const script = exchange(tcpConversation({ client: client(index), server: vip, start: index * 0.1 }).handshake());
  const snat = `10.3.0.${lb === "lb1" ? 1 : 2}:${1025 + index}`;
  return {
    [`${lb}:eth0`]: script.packets(),
    [`${lb}:eth1`]: script.viaNat({ client: snat, server: "10.3.0.11:8443", delay: 100e-6 }).packets(),
  };
}

const whole = (script: TcpConversation) => script.send("up", 200).send("down", 900).fin("up");
const stalled = (script: TcpConversation) =>
  script.send("up", 200).send("down", 1400, { ack: false }).retransmit("down").retransmit("down").retransmit("down");

/** "Too big" for the answer of connection `index`. */
function tooBig(index: number): TimedPacket {
  const [, port] = client(index).split(":");
  const quoted = packet()
    .ipv4({ src: "192.0.2.10", dst: "10.1.0.1", df: true })
    .tcp({ src: 443, dst: Number(port), flags: "A" })
    .payload("x".repeat(20));
  const error = packet()
    .ethernet()
    .ipv4({ src: "10.4.0.1", dst: "192.0.2.10" })
    .icmp({ type: 3, code: 4, mtu: 1400, quoting: quoted.build() });
  return at(index * 0.1 + 0.05, error);
}

describe("path.icmp-missteered", () => {
  const both = together(
    times(5, (index) => through("lb1", index + 50, whole)),
    times(5, (index) => through("lb2", index + 60, whole)),
  );

  it("is found where another member than the flow's gets the error", () => {
    const flows = times(4, (index) => through("lb1", index, stalled));
    const strays = times(4, (index) => ({ "lb2:eth0": [tooBig(index)] }));
    const [finding, ...others] = pathIcmpMissteered.find(examine(together(both, flows, strays)));
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      id: "path.icmp-missteered",
      severity: "critical",
      where: { vip, node: "lb2" },
      measured: { affectedConnections: 4, stalledConnections: 4, missteeredErrors: 4, pathMtuBytes: 1400 },
    });
  });

  it("is silent where the member that has the flow gets it", () => {
    const flows = times(4, (index) => together(through("lb1", index, whole), { "lb1:eth0": [tooBig(index)] }));
    expect(pathIcmpMissteered.find(examine(together(both, flows)))).toEqual([]);
  });
});

describe("path.icmp-unreachable", () => {
  /** A SYN that the balancer passed on, and the error that came for it. */
  function answered(index: number, type: number, code: number, wait: number): Seen {
    const script = tcpConversation({ client: client(index), server: vip, start: index * 0.1 }).syn({ retries: [1, 3] });
    const behind = script.viaNat({ server: "10.3.0.12:8443", delay: 100e-6 });
    const [syn] = behind.segments;
    const quoting = syn ? behind.ipPacket(syn).build() : new Uint8Array(0);
    const error = packet().ethernet().ipv4({ src: "10.3.0.12", dst: "10.1.0.1" }).icmp({ type, code, quoting });
    return {
      "lb1:eth0": script.packets(),
      "lb1:eth1": [...behind.packets(), at(index * 0.1 + wait, error)],
    };
  }
  const siblings = times(8, (index) => through("lb1", index + 50, whole));

  it("tells a packet filter that prohibits", () => {
    const seen = times(5, (index) => answered(index, 3, 13, 0.001));
    const [finding, ...others] = pathIcmpUnreachable.find(examine(together(seen, siblings)));
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      severity: "critical",
      where: { vip, backend: "10.3.0.12:8443" },
      measured: { quotedConnections: 5, failedConnections: 5, prohibited: true },
      displayFilter: "icmp.type==3 && icmp.code==13",
    });
  });

  it("tells a missing route, which is said at once", () => {
    const seen = times(5, (index) => answered(index, 3, 0, 0.001));
    const [finding] = pathIcmpUnreachable.find(examine(together(seen, siblings)));
    expect(finding?.measured).toMatchObject({ quotedConnections: 5, prohibited: false });
  });

  it("leaves a neighbour that does not answer ARP to backend.unreachable", () => {
    const seen = times(5, (index) => answered(index, 3, 1, 3.05));
    expect(pathIcmpUnreachable.find(examine(together(seen, siblings)))).toEqual([]);
  });

  it("is silent on closed ports, which are a matter of the backend, and on single errors", () => {
    const ports = times(5, (index) => answered(index, 3, 3, 0.001));
    expect(pathIcmpUnreachable.find(examine(together(ports, siblings)))).toEqual([]);
    expect(pathIcmpUnreachable.find(examine(together(answered(0, 3, 13, 0.001), siblings)))).toEqual([]);
  });
});
