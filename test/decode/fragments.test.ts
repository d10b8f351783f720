import { describe, expect, test } from "vitest";
import { zeros } from "../../fixtures/packets/bytes.ts";
import { packet } from "../../fixtures/packets/packet.ts";
import { Decoder } from "../../src/decode/decode.ts";
import { IS_FRAGMENT, IS_TCP, IS_UDP, NOTHING } from "../../src/decode/packet.ts";
import { decode, flowOf, layersOf } from "./decoded.ts";
import { CLIENT4, CLIENT6, FLOW4, FLOW6, OUTER4 } from "./packets.ts";

const ports = { src: 40001, dst: 443 };
const ethernet = packet().ethernet();
const datagrams = {
  "UDP over IPv4": ethernet
    .ipv4({ ...CLIENT4, id: 77 })
    .udp(ports)
    .payload(zeros(4000))
    .fragments(1500),
  "TCP over IPv4": ethernet
    .ipv4({ ...CLIENT4, id: 77 })
    .tcp(ports)
    .payload(zeros(4000))
    .fragments(1500),
  "UDP over IPv6": ethernet.ipv6(CLIENT6).udp(ports).payload(zeros(4000)).fragments(1500, { id: 77 }),
  "TCP over IPv6": ethernet.ipv6(CLIENT6).tcp(ports).payload(zeros(4000)).fragments(1500, { id: 77 }),
};

describe.each(Object.entries(datagrams))("%s", (name, fragments) => {
  const flow = name.endsWith("6") ? FLOW6 : FLOW4;
  const first = name.startsWith("UDP") ? IS_UDP : IS_TCP;

  test("later fragments follow the first, and the payload adds up", () => {
    const decoder = new Decoder();
    const read = fragments.map((fragment) => {
      const p = decode(fragment, { decoder });
      return { kind: p.kind, flow: flowOf(p), payload: p.payloadLength, more: p.moreFragments, id: p.fragmentId };
    });
    expect(read.map(({ kind }) => kind)).toEqual([first, IS_FRAGMENT, IS_FRAGMENT]);
    expect(read.map((fragment) => fragment.flow)).toEqual([flow, flow, flow]);
    expect(read.map(({ more }) => more)).toEqual([true, true, false]);
    expect(read.map(({ id }) => id)).toEqual([77, 77, 77]);
    expect(read.reduce((sum, { payload }) => sum + payload, 0)).toBe(4000);
  });

  test("out of order: what comes before the first has no ports, what comes after has", () => {
    const decoder = new Decoder();
    const kinds = [2, 0, 1].map((i) => decode(fragments[i] ?? zeros(0), { decoder }).kind);
    expect(kinds).toEqual([NOTHING, first, IS_FRAGMENT]);
  });

  test("another capture knows nothing of it", () => {
    const decoder = new Decoder();
    decode(fragments[0] ?? zeros(0), { decoder });
    expect(decode(fragments[1] ?? zeros(0), { decoder: new Decoder() })).toMatchObject({ kind: NOTHING, cut: false });
  });
});

test("fragments of another datagram do not follow", () => {
  const first = ethernet
    .ipv4({ ...CLIENT4, id: 1, moreFragments: true })
    .udp(ports)
    .payload(zeros(64));
  const later = (change: object) =>
    ethernet.ipv4({ ...CLIENT4, id: 1, fragmentOffset: 72, protocol: 17, ...change }).payload(zeros(8));
  const decoder = new Decoder();
  decode(first, { decoder });
  expect(decode(later({}), { decoder }).kind).toBe(IS_FRAGMENT);
  for (const change of [{ id: 2 }, { src: "10.1.0.2" }, { dst: "192.0.2.11" }, { protocol: 6 }]) {
    expect(decode(later(change), { decoder }).kind).toBe(NOTHING);
  }
});

test("the table is bounded: old datagrams give way to new ones", () => {
  const decoder = new Decoder();
  const first = (id: number) =>
    ethernet
      .ipv4({ ...CLIENT4, id, moreFragments: true })
      .udp(ports)
      .payload(zeros(64));
  const later = (id: number) => ethernet.ipv4({ ...CLIENT4, id, fragmentOffset: 72, protocol: 17 }).payload(zeros(8));
  for (let id = 0; id < 5000; id++) decode(first(id), { decoder });
  const known = Array.from({ length: 5000 }, (_, id) => decode(later(id), { decoder }).kind === IS_FRAGMENT);
  const count = known.filter(Boolean).length;
  expect(count).toBeGreaterThan(500);
  expect(count).toBeLessThanOrEqual(1024);
  expect(known[4999]).toBe(true);
});

test("a fragment whose header is cut gives no ports to later ones", () => {
  const decoder = new Decoder();
  const [first, second] = datagrams["UDP over IPv4"];
  expect(decode(first ?? zeros(0), { decoder, captured: 41 })).toMatchObject({ kind: NOTHING, cut: true });
  expect(decode(second ?? zeros(0), { decoder }).kind).toBe(NOTHING);
});

const segment = packet().ipv4(CLIENT4).tcp(ports).payload(zeros(1460));

test.each([
  ["VXLAN", 4789, packet().vxlan(7).ethernet().carrying(segment), "vxlan 7"],
  ["GUE variant 0", 6080, packet().gue().carrying(segment), "gue -1"],
  ["GUE variant 1", 6080, packet().gue({ variant: 1 }).carrying(segment), "gue -1"],
])("the first fragment of %s is looked into, as far as it goes", (_, dst, tunnel, layer) => {
  const datagram = packet().udp({ src: 50000, dst }).carrying(tunnel).build();
  const piece = { ...OUTER4, id: 5, protocol: 17 };
  const first = ethernet.ipv4({ ...piece, moreFragments: true }).payload(datagram.subarray(0, 1480));
  const second = ethernet.ipv4({ ...piece, fragmentOffset: 1480 }).payload(datagram.subarray(1480));
  const decoder = new Decoder();
  const p = decode(first, { decoder });
  expect([p.kind, flowOf(p), layersOf(p)]).toEqual([IS_TCP, FLOW4, [`${layer} 10.2.0.2:50000 > 10.2.0.11`]]);
  const missingBytes = datagram.length - 1480;
  expect([p.moreFragments, p.payloadLength, p.payloadCaptured]).toEqual([false, 1460, 1460 - missingBytes]);
  const later = decode(second, { decoder });
  expect([later.kind, flowOf(later)]).toEqual([IS_FRAGMENT, `10.2.0.2:50000 > 10.2.0.11:${dst}`]);
});
