import { describe, expect, test } from "vitest";
import { inOrder } from "../../fixtures/packets/capture-file.ts";
import { tcpConversation } from "../../fixtures/packets/conversation.ts";
import { OUTCOMES } from "../../src/report/survey/outcomes.ts";
import { quantile } from "../../src/report/survey/samples.ts";
import { surveyLegs } from "../../src/report/survey/survey.ts";
import { addressText } from "../../src/topology/address.ts";
import { trackFiles, trackInShards } from "./track-files.ts";
import { bothArms, exchange, lookup, VIP } from "./traffic.ts";

const named = (outcomes: readonly number[]) => Object.fromEntries(OUTCOMES.map((name, i) => [name, outcomes[i]]));

describe("both arms of a balancer", async () => {
  const survey = surveyLegs((await trackFiles(bothArms())).captures);

  test("every leg has an outcome, at its point", () => {
    expect(survey.legs).toBe(20);
    expect(named(survey.outcomes)).toEqual({ ok: 8, refused: 2, reset: 8, timeout: 2, open: 0 });
    expect(survey.points.map(({ name, legs, outcomes }) => ({ name, legs, ...named(outcomes) }))).toEqual([
      { name: "lb1:eth0", legs: 11, ok: 5, refused: 1, reset: 4, timeout: 1, open: 0 },
      { name: "lb1:eth1", legs: 9, ok: 3, refused: 1, reset: 4, timeout: 1, open: 0 },
    ]);
  });

  test("resets by shape and side", () => {
    expect(survey.resets.legs).toBe(10);
    expect(survey.resets.byShape).toEqual([
      { shape: "refused", fromClient: 0, fromServer: 2 },
      { shape: "no-socket", fromClient: 0, fromServer: 2 },
      { shape: "abort", fromClient: 2, fromServer: 2 },
      { shape: "after-close", fromClient: 2, fromServer: 0 },
      { shape: "other", fromClient: 0, fromServer: 0 },
    ]);
  });

  test("what many call, the busiest first, with times", () => {
    const [vip, ...others] = survey.destinations.calledByMany();
    expect(vip).toMatchObject({ port: 443, protocol: 6, legs: 9 });
    expect(others.map(({ port, legs }) => [port, legs])).toEqual([
      [8443, 5],
      [8443, 4],
      [53, 2],
    ]);
    const atVip = vip?.atPoints[0];
    expect(atVip).toMatchObject({ legs: 9, resetsUp: 2, resetsDown: 3, retransmits: 3 });
    // all of them have a round trip of 2 ms
    const details = atVip?.details();
    expect(details?.callers).toBe(9);
    expect(details?.handshakeP50).toBeCloseTo(0.002, 6);
    expect(details?.handshakeP99).toBeCloseTo(0.002, 6);
  });

  test("who talks, once for each address", () => {
    const talkers = survey.talkers?.top(2) ?? [];
    expect(talkers.map(({ address }) => addressText(address))).toEqual(
      expect.arrayContaining(["10.1.0.1", "10.1.0.2"]),
    );
    const addresses = survey.talkers?.top(100).map(({ address }) => addressText(address)) ?? [];
    expect(new Set(addresses).size).toBe(addresses.length);
    expect(talkers[0]?.opened).toBe(2);
  });
});

test("an endpoint that one address called nine times is not called by many; the tenth makes it so", async () => {
  const calls = (count: number) =>
    inOrder(...Array.from({ length: count }, (_, i) => exchange(`10.1.0.1:${40000 + i}`, VIP, i / 10).packets()));
  const listed = async (count: number) =>
    surveyLegs((await trackFiles({ "x.pcap": calls(count) })).captures).destinations.calledByMany().length;
  expect([await listed(9), await listed(10)]).toEqual([0, 1]);
});

test("the first byte is waited for from the request on; from the handshake on where the server speaks first", async () => {
  const asked = ["10.1.0.1:40001", "10.1.0.2:40002"].map((client) => exchange(client, VIP, 0));
  const greeted = ["10.1.0.1:40003", "10.1.0.2:40004"].map((client) =>
    tcpConversation({ client, server: "192.0.2.10:25", rtt: 0.002 })
      .handshake()
      .send("down", 90, { after: 0.007 })
      .send("up", 20, { after: 0.05 }),
  );
  const packets = inOrder(...[...asked, ...greeted].map((one) => one.packets()));
  const { destinations } = surveyLegs((await trackFiles({ "x.pcap": packets })).captures);
  const waits = destinations.calledByMany().map(({ port, atPoints }) => [port, atPoints[0]?.details().firstByteP50]);
  // the answer follows 4 ms after the request was acknowledged, half of a round trip behind it
  expect(Object.fromEntries(waits)).toEqual({ 443: expect.closeTo(0.005, 6), 25: expect.closeTo(0.007, 6) });
});

test("files of one recording are one point", async () => {
  const { captures } = await trackFiles({
    "lb1-eth0.pcap0": exchange("10.1.0.1:40001", VIP, 0).packets(),
    "lb1-eth0.pcap1": exchange("10.1.0.2:40001", VIP, 1).packets(),
  });
  expect(surveyLegs(captures).points).toMatchObject([{ name: "lb1:eth0", legs: 2 }]);
});

test("a direction that was not captured is told", async () => {
  const up = exchange("10.1.0.1:40001", VIP, 0)
    .leg()
    .filter(({ direction }) => direction === "up");
  const { captures } = await trackFiles({ "x.pcap": up.packets() });
  const survey = surveyLegs(captures);
  expect(survey.points).toMatchObject([{ legs: 1, oneWay: 1 }]);
});

test("threads count what one counts", async () => {
  const packets = inOrder(...Object.values(bothArms()), lookup("10.9.0.1:5999", 2));
  const whole = surveyLegs((await trackFiles({ "lb1.pcap": packets })).captures);
  const shared = surveyLegs((await trackInShards("lb1.pcap", packets)).captures);
  expect(shared.points).toEqual(whole.points);
  expect(shared.resets.byShape).toEqual(whole.resets.byShape);
  const shown = ({ destinations }: typeof whole) =>
    destinations.calledByMany().map((one) => one.atPoints.map((point) => ({ ...point, ...point.details() })));
  expect(JSON.stringify(shown(shared))).toBe(JSON.stringify(shown(whole)));
  expect(shared.talkers?.top(3)).toEqual(whole.talkers?.top(3));
});

test("without details it counts the same", async () => {
  const { captures } = await trackFiles(bothArms());
  const [brief, whole] = [surveyLegs(captures, false), surveyLegs(captures)];
  expect(brief).toMatchObject({ legs: whole.legs, outcomes: whole.outcomes, points: whole.points, talkers: null });
  const counts = ({ destinations }: typeof whole) => JSON.stringify(destinations.calledByMany());
  expect(counts(brief)).toBe(counts(whole));
});

test("quantiles by nearest rank", () => {
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1);
  expect([quantile(hundred, 0.5), quantile(hundred, 0.99), quantile(hundred, 1)]).toEqual([50, 99, 100]);
  expect([quantile([7], 0.5), quantile([7], 0.99), quantile([], 0.5)]).toEqual([7, 7, Number.NaN]);
});
