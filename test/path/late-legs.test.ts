import { describe, expect, it } from "vitest";
import { type TcpConversation, tcpConversation } from "../../fixtures/packets/conversation.ts";
import { join, joinOne } from "./join.ts";

const vip = "192.0.2.10:50051";
const backend = "10.2.0.11:50051";
const snat = "10.2.0.2:1025";

/** A conversation between ports that do not tell who is the server, without its handshake. */
const script = (client = "10.1.0.1:40001", start = 0) =>
  tcpConversation({ client, server: vip, start })
    .handshake()
    .send("up", 300)
    .send("down", 5000)
    .send("up", 200)
    .send("down", 900);
const late = (leg: { packets(): ReturnType<TcpConversation["packets"]> }) => leg.packets().slice(4);

describe("legs from mid-stream, whose direction was a guess by port", () => {
  it("are turned round where another conversation's opening shows the server", () => {
    const opened = tcpConversation({ client: "10.1.0.9:40009", server: vip, start: 2 }).handshake();
    const [connection] = join({ "lb1:eth0": [...late(script()), ...opened.packets()] });
    expect(connection).toMatchObject({ client: "10.1.0.1:40001", vip });
  });

  it("are turned round where they fit a leg that is sure", () => {
    const whole = script();
    const behind = whole.viaNat({ client: snat, server: backend });
    expect(joinOne({ "lb1:eth0": whole.packets(), "lb1:eth1": late(behind) })).toMatchObject({
      client: "10.1.0.1:40001",
      vip,
      backend,
      mode: "fullnat",
    });
  });

  it("are turned round where they fit one of which the ports say more", () => {
    const whole = tcpConversation({ client: "10.1.0.1:40001", server: "192.0.2.10:443" })
      .handshake()
      .send("up", 300)
      .send("down", 5000);
    const behind = whole.viaNat({ client: snat, server: backend });
    expect(joinOne({ "lb1:eth0": whole.packets().slice(3), "lb1:eth1": behind.packets().slice(3) })).toMatchObject({
      client: "10.1.0.1:40001",
      vip: "192.0.2.10:443",
      backend,
      mode: "fullnat",
    });
  });

  it("keep what each side sent, however they end", () => {
    const ended = script().fin("up", { half: true }).rst("down");
    const opened = tcpConversation({ client: "10.1.0.9:40009", server: vip, start: 2 }).handshake();
    const [connection] = join({ "lb1:eth0": [...late(ended), ...opened.packets()] });
    expect(connection).toMatchObject({ client: "10.1.0.1:40001", vip, outcome: "ok" });
    const cut = script().rst("down");
    const [other] = join({ "lb1:eth0": [...late(cut), ...opened.packets()] });
    expect(other).toMatchObject({ outcome: "reset" });
  });
});

describe("pieces of one flow", () => {
  it("at two balancers that took turns are one connection", () => {
    const whole = script("10.1.0.1:40001").fin("up");
    const pieces = [0, 1].map((turn) =>
      whole.leg().filter((segment) => (segment.ipId + (segment.direction === "up" ? 0 : 1)) % 2 === turn),
    );
    const connections = join({ "lb1:eth0": pieces[0]?.packets() ?? [], "lb2:eth0": pieces[1]?.packets() ?? [] });
    expect(connections).toHaveLength(1);
  });

  it("are one connection where a lone reset is all that a point saw of it", () => {
    const whole = script().rst("down");
    const reset = whole.leg().filter(({ flags }) => flags.includes("R"));
    expect(joinOne({ "lb1:eth0": whole.packets(), "r1:eth0": reset.packets() })).toMatchObject({ outcome: "reset" });
  });

  it("do not make a VIP of the backend from which untranslated packets leak", () => {
    const whole = tcpConversation({ client: "10.1.0.1:40001", server: "192.0.2.10:443" })
      .handshake()
      .send("up", 300)
      .send("down", 900)
      .fin("up", { half: true });
    const behind = whole.viaNat({ server: backend });
    // the balancer has forgotten the flow: the server's FIN, sent again and again, leaves it as it came
    const leak = whole.fin("down", { half: true, where: "far" }).viaNat({ server: backend, delay: 0, ttl: 0 });
    const fins = leak.filter(({ direction, flags }) => direction === "down" && flags.includes("F"));
    const connection = joinOne({
      "lb1:eth0": [...whole.packets(), ...fins.packets({ clockOffset: 0.2 })],
      "lb1:eth1": [...behind.packets(), ...fins.packets({ clockOffset: 0.19 })],
    });
    expect(connection).toMatchObject({ client: "10.1.0.1:40001", vip: "192.0.2.10:443", backend, mode: "dnat" });
  });
});
