import { describe, expect, it } from "vitest";
import { tcpConversation } from "../../fixtures/packets/conversation.ts";
import { noteDsr, noteHealthChecks, noteLateData } from "../../src/diagnose/notes.ts";
import { examine, type Seen, times, together } from "./examine.ts";

const vip = "192.0.2.10:443";
const backend = "10.2.0.11:8443";

function proxied(index: number): Seen {
  const client = `10.1.0.1:${40001 + index}`;
  const script = tcpConversation({ client, server: vip, start: index * 0.1 }).handshake();
  script.send("up", 200).send("down", 900).fin("up");
  const behind = script.viaNat({ client: `10.2.0.2:${1025 + index}`, server: backend, delay: 50e-6 });
  return { "lb1:eth0": script.packets(), "lb1:eth1": behind.packets() };
}

const checks = (period: (index: number) => number) =>
  times(8, (index) => {
    const script = tcpConversation({ client: `10.2.0.2:${50001 + index}`, server: backend, start: period(index) });
    return { "lb1:eth1": script.handshake().rst("up", "abort").packets() };
  });

it("says nothing of everyday traffic", () => {
  const subject = examine(times(10, proxied));
  expect([noteDsr, noteHealthChecks, noteLateData].flatMap((note) => note.find(subject))).toEqual([]);
});

describe("note.health-checks", () => {
  it("counts what was left out, with its rhythm", () => {
    const [note] = noteHealthChecks.find(
      examine(
        together(
          times(10, proxied),
          checks((index) => index),
        ),
      ),
    );
    expect(note).toMatchObject({
      severity: "info",
      measured: { checks: 8, failed: 0, backends: 1, intervalSeconds: 1 },
    });
  });

  it("takes connections without a rhythm for none", () => {
    const irregular = checks((index) => index ** 2.2 * 0.2);
    expect(noteHealthChecks.find(examine(together(times(10, proxied), irregular)))).toEqual([]);
  });
});

describe("note.late-data", () => {
  const ended = (kind: "late" | "abort") =>
    times(4, (index) => {
      const client = `10.1.0.2:${40001 + index}`;
      const script = tcpConversation({ client, server: vip, start: index * 0.1 })
        .handshake()
        .send("up", 200);
      if (kind === "abort") script.rst("up", "abort");
      else script.send("down", 900).fin("up", { half: true }).send("down", 50, { ack: false }).rst("up", "no-socket");
      const behind = script.viaNat({ server: backend, delay: 50e-6 });
      return { "lb1:eth0": script.packets(), "lb1:eth1": behind.packets() };
    });

  it("tells resets after a close", () => {
    expect(noteLateData.find(examine(ended("late")))).toMatchObject([
      { severity: "info", measured: { connections: 4 } },
    ]);
  });

  it("does not take an abort for one", () => {
    expect(noteLateData.find(examine(ended("abort")))).toEqual([]);
  });
});

it("note.dsr tells how answers travel", () => {
  const direct = times(6, (index) => {
    const script = tcpConversation({
      client: `10.1.0.1:${40001 + index}`,
      server: vip,
      start: index * 0.1,
    }).handshake();
    script.send("up", 200).send("down", 900).fin("up");
    const up = { src: "02:00:00:00:0a:01", dst: `02:00:00:00:0b:0${1 + (index % 2)}` };
    const onward = script.viaMacs({ up, only: "up", delay: 50e-6 });
    const requests = script.leg().filter(({ direction }) => direction === "up");
    return { "lb1:eth0": [...requests.packets(), ...onward.packets()] };
  });
  const [note] = noteDsr.find(examine(direct));
  expect(note).toMatchObject({ severity: "info", where: { vip }, measured: { connections: 6, backends: 2 } });
});
