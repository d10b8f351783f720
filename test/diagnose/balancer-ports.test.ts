import { describe, expect, it } from "vitest";
import { tcpConversation } from "../../fixtures/packets/conversation.ts";
import { lbPortReuse } from "../../src/diagnose/lb-port-reuse.ts";
import { lbSnatExhaustion } from "../../src/diagnose/lb-snat-exhaustion.ts";
import { proxyHeader } from "../../src/diagnose/proxy-header.ts";
import { backend, client, VIP } from "./balanced.ts";
import { examine, type Seen, times, together } from "./examine.ts";

/** A connection through a full NAT from one of its ports, held for so many seconds. */
function held(index: number, port: number, start: number, seconds: number, toa = false): Seen {
  const script = tcpConversation({ client: client(index), server: VIP, start });
  script.handshake().send("up", 200).send("down", 400).silence(seconds).fin("up");
  const nat = { client: `10.3.0.1:${port}`, server: backend(0), delay: 50e-6 };
  return {
    "lb1:eth0": script.packets(),
    "lb1:eth1": script.viaNat(toa ? { ...nat, toa: "syn" } : nat).packets(),
  };
}

const unanswered = (index: number, start: number): Seen => ({
  "lb1:eth0": tcpConversation({ client: client(index), server: VIP, start })
    .syn({ retries: [1, 3] })
    .packets(),
});

describe("lb.snat-exhaustion", () => {
  const pool = times(16, (index) => held(index, 40000 + index, index * 0.1, 10));

  it("is SYNs that go no further while every port of the pool is held", () => {
    const seen = together(
      pool,
      times(6, (index) => unanswered(100 + index, 3 + index * 0.1)),
    );
    expect(lbSnatExhaustion.find(examine(seen))).toMatchObject([
      { id: "lb.snat-exhaustion", measured: { droppedSyns: 6, portsPerBackend: 16, portsInUseAtMost: 16 } },
    ]);
  });

  it("is silent where ports are free when SYNs get lost", () => {
    const seen = together(
      pool,
      times(6, (index) => unanswered(100 + index, 13 + index * 0.1)),
    );
    expect(lbSnatExhaustion.find(examine(seen))).toEqual([]);
  });

  it("is silent where the pool is full and nobody asks", () => {
    expect(lbSnatExhaustion.find(examine(pool))).toEqual([]);
  });

  it("is silent where ports come from a wide range", () => {
    const wide = times(16, (index) => held(index, 20000 + index * 1777, index * 0.1, 10));
    const seen = together(
      wide,
      times(6, (index) => unanswered(100 + index, 3 + index * 0.1)),
    );
    expect(lbSnatExhaustion.find(examine(seen))).toEqual([]);
  });
});

describe("lb.port-reuse", () => {
  /** The backend answers the SYN with an ACK of the old connection. */
  const collides = (index: number): Seen => {
    const script = tcpConversation({ client: client(50 + index), server: VIP, start: 20 + index * 0.2 });
    script.syn().raw({ direction: "down", flags: "A", seq: 12345, ack: 67890 }).rst("up", "no-socket");
    script.retransmit("up", { after: 0.01 }).synAck().ack("up").send("up", 100).send("down", 300).fin("up");
    return {
      "lb1:eth0": script.packets(),
      "lb1:eth1": script.viaNat({ client: `10.3.0.1:${40000 + index}`, server: backend(0), delay: 50e-6 }).packets(),
    };
  };
  const before = times(8, (index) => held(index, 40000 + index, index * 0.1, 1));

  it("is a SYN that the backend answers out of TIME-WAIT", () => {
    expect(lbPortReuse.find(examine(together(before, times(5, collides))))).toMatchObject([
      { id: "lb.port-reuse", severity: "warning", measured: { collisions: 5 }, where: { node: "lb1" } },
    ]);
  });

  it("is silent where ports are reused and nobody minds", () => {
    const again = times(8, (index) => held(50 + index, 40000 + index, 100 + index * 0.1, 1));
    expect(lbPortReuse.find(examine(together(before, again)))).toEqual([]);
  });
});

describe("proxy.toa-missing", () => {
  it("is a VIP of which some flows carry the client's address and others do not", () => {
    const seen = together(
      times(8, (index) => held(index, 40000 + index, index * 0.1, 1, true)),
      times(5, (index) => held(20 + index, 41000 + index, index * 0.1, 1)),
    );
    expect(proxyHeader.find(examine(seen))).toMatchObject([
      { id: "proxy.toa-missing", severity: "warning", measured: { withOption: 8, withoutOption: 5 } },
    ]);
  });

  it("is silent where all or none do", () => {
    expect(proxyHeader.find(examine(times(12, (i) => held(i, 40000 + i, i * 0.1, 1, true))))).toEqual([]);
    expect(proxyHeader.find(examine(times(12, (i) => held(i, 40000 + i, i * 0.1, 1))))).toEqual([]);
  });
});
