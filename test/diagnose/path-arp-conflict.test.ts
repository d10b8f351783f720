import { describe, expect, it } from "vitest";
import { at, type TimedPacket } from "../../fixtures/packets/capture-file.ts";
import { type TcpConversation, tcpConversation } from "../../fixtures/packets/conversation.ts";
import { packet } from "../../fixtures/packets/packet.ts";
import { pathArpConflict } from "../../src/diagnose/path-arp-conflict.ts";
import { examine, type Seen, times, together } from "./examine.ts";

const vip = "192.0.2.10:443";
const router = "02:00:00:00:00:01";
const lb = "02:00:00:00:0a:01";
const backends = ["02:00:00:00:0b:01", "02:00:00:00:0b:02"] as const;

const whole = (script: TcpConversation) => script.handshake().send("up", 200).send("down", 900).fin("up");

/** Layer-2 direct return, captured where router and balancer are connected. */
function direct(index: number, exchange = whole): Seen {
  const script = exchange(tcpConversation({ client: `10.1.0.1:${40001 + index}`, server: vip, start: index * 0.1 }));
  const backend = backends[index % 2] ?? lb;
  const toLb = script.viaMacs({ up: { src: router, dst: lb }, down: { src: backend, dst: router } });
  const onward = script.viaMacs({ delay: 30e-6, only: "up", up: { src: lb, dst: backend } });
  return { "lb1:eth0": [...toLb.filter(({ direction }) => direction === "up").packets(), ...onward.packets()] };
}

/** The same, but the router sends it to a backend straight away. */
function past(index: number): Seen {
  const script = whole(tcpConversation({ client: `10.1.0.2:${40001 + index}`, server: vip, start: 5 + index * 0.1 }));
  const backend = backends[0];
  return {
    "rs1:eth0": script.viaMacs({ up: { src: router, dst: backend }, down: { src: backend, dst: router } }).packets(),
  };
}

const says = (time: number, mac: string, targetIp: string): TimedPacket =>
  at(
    time,
    packet()
      .ethernet({ src: mac, dst: targetIp === "192.0.2.10" ? "ff:ff:ff:ff:ff:ff" : router })
      .arp({ operation: "reply", senderMac: mac, senderIp: "192.0.2.10", targetIp }),
  );

describe("path.arp-conflict", () => {
  it("names the backend that answers for the VIP", () => {
    const claims = { "lb1:eth0": [says(2, lb, "10.2.0.254"), says(2.001, backends[0], "10.2.0.254")] };
    const [finding, ...others] = pathArpConflict.find(
      examine(
        together(
          times(10, (i) => direct(i)),
          times(4, past),
          claims,
        ),
      ),
    );
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      id: "path.arp-conflict",
      severity: "warning",
      where: { vip },
      measured: { claimingMacs: 2, bypassingConnections: 4, brokenConnections: 0 },
    });
    expect(finding?.remedy[0]).toContain("arp_ignore=1");
    expect(finding?.displayFilter).toContain(backends[0]);
  });

  it("is found by frames that go past the balancer alone", () => {
    const [finding] = pathArpConflict.find(
      examine(
        together(
          times(10, (i) => direct(i)),
          times(4, past),
        ),
      ),
    );
    expect(finding?.measured).toMatchObject({ claimingMacs: 0, bypassingConnections: 4 });
  });

  it("is silent on healthy direct return", () => {
    const claims = { "lb1:eth0": [says(2, lb, "10.2.0.254"), says(4, lb, "192.0.2.10")] };
    expect(
      pathArpConflict.find(
        examine(
          together(
            times(10, (i) => direct(i)),
            claims,
          ),
        ),
      ),
    ).toEqual([]);
  });

  it("leaves an address that another balancer took over to the failover", () => {
    const second = "02:00:00:00:0a:02";
    const claims = {
      "lb1:eth0": [says(2, lb, "10.2.0.254"), says(5, second, "192.0.2.10"), says(8, second, "10.2.0.254")],
    };
    expect(
      pathArpConflict.find(
        examine(
          together(
            times(10, (i) => direct(i)),
            claims,
          ),
        ),
      ),
    ).toEqual([]);
  });
});
