import { describe, expect, it } from "vitest";
import { tcpConversation } from "../../fixtures/packets/conversation.ts";
import { captureLossDetector, weakenByCaptureLoss } from "../../src/diagnose/capture-loss.ts";
import {
  captureClockSkew,
  captureOffload,
  captureOneSided,
  captureTruncated,
} from "../../src/diagnose/capture-quality.ts";
import type { Finding } from "../../src/diagnose/finding.ts";
import { captureLossAt } from "../../src/diagnose/point-loss.ts";
import { examine, type Seen, times } from "./examine.ts";

const vip = "192.0.2.10:443";

function conversation(index: number) {
  const script = tcpConversation({ client: `10.1.0.1:${40001 + index}`, server: vip, start: index * 0.1 }).handshake();
  for (let i = 0; i < 5; i++) script.send("up", 200).send("down", 900);
  return script.fin("up");
}

function healthy(index: number): Seen {
  const script = conversation(index);
  return {
    "lb1:eth0": script.packets(),
    "lb1:eth1": script.viaNat({ server: "10.2.0.11:8443", delay: 50e-6 }).packets(),
  };
}

const detectors = [captureLossDetector, captureOneSided, captureTruncated, captureOffload, captureClockSkew];

it("finds nothing wrong with whole captures", () => {
  const subject = examine(times(20, healthy));
  expect(detectors.flatMap((detector) => detector.find(subject))).toEqual([]);
});

describe("capture.loss", () => {
  /** The capture behind the balancer misses the answers' data of every third conversation, though it is acknowledged. */
  const lossy = (index: number): Seen => ({
    ...healthy(index),
    "lb1:eth1": conversation(index)
      .viaNat({ server: "10.2.0.11:8443", delay: 50e-6 })
      .filter(({ direction, payload }) => index % 3 !== 0 || direction === "up" || payload.length === 0)
      .packets(),
  });

  it("is told from acknowledgments of what was not captured", () => {
    const [finding, ...others] = captureLossDetector.find(examine(times(30, lossy)));
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ id: "capture.loss", severity: "warning", where: { node: "lb1" } });
    expect(finding?.title).toContain("lb1:eth1");
    expect(finding?.title).not.toContain("lb1:eth0");
  });

  it("is told by the file's own count", () => {
    const facts = { name: null, linkType: 1, snapLength: 0, fcsLength: 0, dropped: 400 };
    const [finding] = captureLossDetector.find(examine(times(10, healthy), { "lb1:eth0": { interfaces: [facts] } }));
    expect(finding?.measured).toMatchObject({ droppedByCapture: 400, missingSegments: 0 });
  });

  it("weakens findings that rest on missing packets, at the points that lost some", () => {
    const subject = examine(times(30, lossy));
    const legs = subject.users[0]?.legs ?? [];
    expect(legs.map((ref) => captureLossAt(subject, ref) > 0)).toEqual([false, true]);
    const finding = (id: string, capture: number) =>
      ({ id, confidence: 0.9, explanation: "", evidence: [{ capture, frame: 1, note: "" }] }) as unknown as Finding;
    const findings = [finding("path.loss", 1), finding("path.loss", 0), finding("backend.refusing", 1)];
    weakenByCaptureLoss(subject, findings);
    expect(findings.map(({ confidence }) => confidence)).toEqual([0.54, 0.9, 0.9]);
  });

  it("is silent where the network lost segments and they were sent again", () => {
    const resent = times(20, (index) => {
      const script = tcpConversation({ client: `10.1.0.1:${40001 + index}`, server: vip, start: index * 0.1 });
      script.handshake().send("up", 200, { ack: false }).retransmit("up").ack("down").send("down", 900).fin("up");
      return { "lb1:eth0": script.packets() };
    });
    expect(captureLossDetector.find(examine(resent))).toEqual([]);
  });
});

describe("capture.one-sided", () => {
  it("is a warning where the balancer translates and both directions must pass", () => {
    const oneWay = times(8, (index) => {
      const script = conversation(index);
      const up = ({ direction }: { direction: string }) => direction === "up";
      return {
        "lb1:eth0": script.leg().filter(up).packets(),
        "lb1:eth1": script.viaNat({ server: "10.2.0.11:8443", only: "up", delay: 50e-6 }).packets(),
      };
    });
    expect(captureOneSided.find(examine(oneWay))).toMatchObject([{ severity: "warning", where: { node: "lb1" } }]);
  });

  it("is silent on direct return, where answers pass elsewhere", () => {
    const direct = times(8, (index) => {
      const script = conversation(index);
      const macs = { up: { src: "02:00:00:00:0a:01", dst: `02:00:00:00:0b:0${1 + (index % 2)}` } };
      const onward = script.viaMacs({ ...macs, only: "up", delay: 50e-6 });
      const requests = script.leg().filter(({ direction }) => direction === "up");
      return { "c1:eth0": script.packets(), "lb1:eth0": [...requests.packets(), ...onward.packets()] };
    });
    expect(captureOneSided.find(examine(direct))).toEqual([]);
  });
});

it("capture.truncated tells where a damaged file ends", () => {
  const problem = { code: "truncated", message: "the file ends inside packet 12", offset: 900 };
  const findings = captureTruncated.find(examine(times(3, healthy), { "lb1:eth1": { problems: [problem] } }));
  expect(findings).toMatchObject([{ severity: "warning", measured: { offsetBytes: 900 }, evidence: [{ capture: 1 }] }]);
});

it("capture.offload tells segments above the MSS from jumbo frames", () => {
  const large = (mss: number): Seen => {
    const script = tcpConversation({ client: "10.1.0.1:40001", server: vip, mss }).handshake();
    script.raw({ direction: "down", flags: "PA", payload: new Uint8Array(8000) });
    return { "lb1:eth0": script.packets() };
  };
  expect(captureOffload.find(examine(large(1460)))).toMatchObject([{ id: "capture.offload", severity: "info" }]);
  expect(captureOffload.find(examine(large(8960)))).toEqual([]);
});

describe("capture.clock-skew", () => {
  const skewed = (seconds: number) =>
    times(10, (index) => {
      const script = conversation(index);
      return {
        "lb1:eth0": script.packets(),
        "rs1:eth0": script.viaNat({ server: "10.2.0.11:8443", delay: 50e-6 }).packets({ clockOffset: seconds }),
      };
    });

  it("names the host and its offset", () => {
    const [finding] = captureClockSkew.find(examine(skewed(0.8)));
    expect(finding).toMatchObject({ severity: "info" });
    expect(finding?.measured.largestOffsetSeconds).toBeCloseTo(0.8, 2);
  });

  it("is silent on clocks as NTP keeps them", () => {
    expect(captureClockSkew.find(examine(skewed(0.0004)))).toEqual([]);
  });
});
