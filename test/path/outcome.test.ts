import { describe, expect, it } from "vitest";
import { tcpConversation } from "../../fixtures/packets/conversation.ts";
import { packet } from "../../fixtures/packets/packet.ts";
import { joinOne } from "./join.ts";

const client = "10.1.0.1:40001";
const server = "192.0.2.10:443";
const start = () => tcpConversation({ client, server });
const open = () => start().handshake().send("up", 300).send("down", 2000);

describe("how a connection ended for its client", () => {
  const cases = {
    "closed by both": [open().fin("up"), "ok"],
    "closed by the client alone, late data answered with a reset": [
      open().fin("up", { half: true }).send("down", 24, { ack: false }).rst("up", "no-socket"),
      "ok",
    ],
    "a download that the client cut off": [
      open().fin("up", { half: true }).send("down", 9000, { ack: false }).rst("up", "no-socket"),
      "reset",
    ],
    "closed by the client before any answer": [
      start()
        .handshake()
        .send("up", 300)
        .fin("up", { half: true })
        .send("down", 24, { ack: false })
        .rst("up", "no-socket"),
      "reset",
    ],
    "reset by the server after all was answered and the client had closed": [
      open().fin("up", { half: true }).rst("down"),
      "ok",
    ],
    "reset amid the transfer": [open().rst("down"), "reset"],
    "aborted by the client": [open().rst("up"), "reset"],
    refused: [start().syn().rst("down", "refused"), "refused"],
    "never answered": [start().syn({ retries: [1, 3] }), "timeout"],
    "sent into silence": [
      open().send("up", 300, { ack: false }).retransmit("up").retransmit("up").retransmit("up"),
      "timeout",
    ],
    "going on": [open(), "open"],
  } as const;

  it.each(Object.entries(cases))("%s", (_, [script, outcome]) => {
    expect(joinOne({ "lb1:eth0": script.packets() }).outcome).toBe(outcome);
  });

  it("is told by the leg nearest to the client, whatever the backend's says", () => {
    const front = open().fin("up");
    // the backend's own reset comes after it had closed, and stays behind the balancer
    const back = open().fin("up").rst("up").viaNat({ server: "10.2.0.11:8443" });
    expect(joinOne({ "lb1:eth0": front.packets(), "lb1:eth1": back.packets() })).toMatchObject({ outcome: "ok" });
  });

  it("is completed by other points where the nearest one saw requests only", () => {
    const script = open().fin("up");
    const requests = script.viaMacs({ delay: 0, ttl: 0, only: "up" });
    const tunnel = script.viaTunnel({ outer: packet().ipv4({ src: "10.2.0.2", dst: "10.2.0.11" }) });
    const seen = { "lb1:eth0": [...requests.packets(), ...tunnel.packets()] };
    expect(joinOne(seen)).toMatchObject({ outcome: "ok", mode: "dsr-tunnel" });
    const replies = script.viaMacs({ delay: -40e-6, ttl: 0, only: "down" });
    expect(joinOne({ ...seen, "rs1:eth0": [...tunnel.packets(), ...replies.packets()] }).outcome).toBe("ok");
  });
});
