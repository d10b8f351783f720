import { describe, expect, it } from "vitest";
import { tcpConversation } from "../../fixtures/packets/conversation.ts";
import { pathAsymmetric } from "../../src/diagnose/path-asymmetric.ts";
import { pathDirectReply } from "../../src/diagnose/path-direct-reply.ts";
import { examine, type Seen, times, together } from "./examine.ts";

const vip = "192.0.2.10:443";
const backend = "10.2.0.11:8443";
const client = (index: number) => `10.1.0.1:${40001 + index}`;

function healthy(index: number): Seen {
  const script = tcpConversation({ client: client(index + 100), server: vip, start: index * 0.1 });
  script.handshake().send("up", 200).send("down", 900).fin("up");
  return {
    "c1:eth0": script.packets(),
    "lb1:eth0": script.viaMacs({ delay: 100e-6 }).packets(),
    "lb1:eth1": script.viaNat({ server: backend, delay: 150e-6 }).packets(),
  };
}

/** The SYN takes the balancer, the answer a router: it comes to the client in the backend's own name. */
function bypassed(index: number): Seen {
  const options = { client: client(index), clientIsn: 7000 + index, start: index * 0.1 };
  const asked = tcpConversation({ ...options, server: vip }).syn({ retries: [1] });
  const answer = tcpConversation({ ...options, server: backend })
    .syn()
    .synAck()
    .rst("up", "no-socket");
  return {
    "c1:eth0": [
      ...asked.packets(),
      ...answer
        .leg()
        .filter(({ flags }) => flags !== "S")
        .packets(),
    ],
    "lb1:eth0": asked.viaMacs({ delay: 100e-6 }).packets(),
    "lb1:eth1": asked.viaNat({ server: backend, delay: 150e-6 }).packets(),
  };
}

describe("path.direct-reply", () => {
  it("names the backend that answers in its own name", () => {
    const [finding, ...others] = pathDirectReply.find(examine(together(times(6, bypassed), times(10, healthy))));
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      id: "path.direct-reply",
      severity: "critical",
      where: { vip, backend },
      measured: { affectedConnections: 6, resetByClient: 6 },
      explains: { cause: "direct-reply" },
    });
  });

  it("is silent on a healthy balancer", () => {
    expect(pathDirectReply.find(examine(times(10, healthy)))).toEqual([]);
  });

  it("is silent where the backend does not answer at all", () => {
    const silent = times(6, (index) => {
      const script = tcpConversation({ client: client(index), server: vip, start: index * 0.1 }).syn({
        retries: [1, 3],
      });
      return {
        "c1:eth0": script.packets(),
        "lb1:eth1": script.viaNat({ server: backend, delay: 150e-6 }).packets(),
      };
    });
    expect(pathDirectReply.find(examine(silent))).toEqual([]);
    expect(pathAsymmetric.find(examine(silent))).toEqual([]);
  });
});

describe("path.asymmetric", () => {
  /** lb1 translates the request, the backend gives its answer to lb2, which drops it. */
  const detour = (index: number): Seen => {
    const script = tcpConversation({ client: client(index), server: vip, start: index * 0.1 });
    script.syn({ retries: [1] });
    const behind = tcpConversation({
      client: client(index),
      server: backend,
      clientIsn: script.leg().segments[0]?.seq ?? 0,
      start: index * 0.1,
    });
    behind.syn().synAck().retransmit("down", { after: 1 });
    return {
      "c1:eth0": script.packets(),
      "lb1:eth0": script.viaMacs({ delay: 100e-6 }).packets(),
      "lb1:eth1": script.viaNat({ server: backend, delay: 150e-6 }).packets(),
      "lb2:eth1": behind
        .leg()
        .filter(({ direction }) => direction === "down")
        .packets(),
    };
  };

  it("is critical where the other box drops the answers", () => {
    const [finding, ...others] = pathAsymmetric.find(examine(together(times(6, detour), times(10, healthy))));
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      id: "path.asymmetric",
      severity: "critical",
      where: { vip, backend, node: "lb2" },
      measured: { affectedConnections: 6, works: false },
    });
  });

  it("is silent on a healthy balancer", () => {
    expect(pathAsymmetric.find(examine(times(10, healthy)))).toEqual([]);
  });

  it("is silent on direct return, whose answers are meant to pass elsewhere", () => {
    const direct = times(6, (index) => {
      const script = tcpConversation({ client: client(index), server: vip, start: index * 0.1 });
      script.handshake().send("up", 200).send("down", 900).fin("up");
      return {
        "c1:eth0": script.packets(),
        "lb1:eth0": script.viaMacs({ delay: 100e-6, only: "up" }).packets(),
        "r2:eth0": script
          .leg()
          .filter(({ direction }) => direction === "down")
          .packets(),
      };
    });
    expect(pathAsymmetric.find(examine(direct))).toEqual([]);
  });
});
