import { describe, expect, it } from "vitest";
import { concat, toBytes } from "../../fixtures/packets/bytes.ts";
import { tcpConversation } from "../../fixtures/packets/conversation.ts";
import { proxyV1, proxyV2, proxyV2Local } from "../../fixtures/packets/proxy-header.ts";
import { clientHello, repeatableBytes } from "../../fixtures/packets/tls.ts";
import * as L from "../../src/flow/leg-layout.ts";
import { follow, onlyLeg } from "./follow.ts";

let port = 40_000;
const start = () => tcpConversation({ client: `10.2.0.2:${port++}`, server: "10.2.0.11:8080", timestamps: false });
/** Bytes before the payload of a segment without options. */
const HEADERS = 14 + 20 + 20;
const CLIENT = "10.1.0.1:40001";
const VIP = "192.0.2.10:443";
const words = (a: number, b: number, c: number, d: number) => [0, 0, 0xffff, (a << 24) | (b << 16) | (c << 8) | d];

function sent(...payloads: (string | Uint8Array)[]) {
  const script = start().handshake();
  for (const payload of payloads) script.send("up", payload);
  return script.packets();
}
function identity(leg: ReturnType<typeof onlyLeg>) {
  const { up } = leg;
  return [up.payloadHash(0), up.payloadHash(1), up.payloadHash(2)];
}

describe("the identity of a first payload", () => {
  const payload = repeatableBytes(3, 700);

  it("is the same on every leg that relays it, and another for other bytes", () => {
    const whole = identity(onlyLeg(sent(payload)));
    expect(identity(onlyLeg(sent(payload)))).toEqual(whole);
    expect(whole).not.toContain(0);
    const other = payload.slice();
    other[250] = ~(other[250] ?? 0);
    const changed = identity(onlyLeg(sent(other)));
    expect([changed[0], changed[1]]).toEqual([whole[0], whole[1]]);
    expect(changed[2]).not.toBe(whole[2]);
  });

  it("goes as far as the snap length lets it", () => {
    const whole = identity(onlyLeg(sent(payload)));
    for (const [kept, levels] of [
      [300, 3],
      [256, 3],
      [255, 2],
      [64, 2],
      [63, 1],
      [16, 1],
      [15, 0],
    ] as const) {
      const leg = onlyLeg(sent(payload), { snapLength: HEADERS + kept });
      expect(identity(leg)).toEqual(whole.map((hash, level) => (level < levels ? hash : 0)));
      expect([leg.up.payloadSeen, leg.up.firstLength]).toEqual([Math.min(kept, 256), 700]);
      expect(leg.payloadWhole(0)).not.toBe(0);
    }
    expect(onlyLeg(sent(payload), { snapLength: HEADERS }).payloadWhole(0)).toBe(0);
  });

  it("of all that was seen is the same for legs that kept the same", () => {
    const kept = (bytes: Uint8Array, snap: number) =>
      onlyLeg(sent(bytes), { snapLength: HEADERS + snap }).payloadWhole(0);
    expect(kept(payload, 42)).toBe(kept(payload, 42));
    expect(kept(payload, 42)).not.toBe(kept(payload, 43));
  });

  it("is that of the first segment only, of each side by itself", () => {
    const leg = onlyLeg(sent(payload, "more"));
    expect(identity(leg)).toEqual(identity(onlyLeg(sent(payload))));
    expect([leg.down.payloadSeen, leg.payloadWhole(1)]).toEqual([0, 0]);
    const answered = onlyLeg(start().handshake().send("up", payload).send("down", "an answer of its own").packets());
    expect([answered.down.firstLength, answered.payloadWhole(1) !== 0]).toEqual([20, true]);
  });

  it("of a TLS ClientHello begins with its random: sixteen bytes of it tell two apart", () => {
    const [one, two] = [
      clientHello({ random: 1, serverName: "a.example" }),
      clientHello({ random: 2, serverName: "a.example" }),
    ];
    const cut = { snapLength: HEADERS + 11 + 16 };
    const [a, again, b] = [onlyLeg(sent(one), cut), onlyLeg(sent(one), cut), onlyLeg(sent(two), cut)];
    expect(a.up.payloadHash(0)).toBe(again.up.payloadHash(0));
    expect(a.up.payloadHash(0)).not.toBe(b.up.payloadHash(0));
    expect(a.up.payloadSeen).toBe(16);
  });
});

describe("a PROXY header", () => {
  const data = repeatableBytes(9, 300);
  const plain = () => identity(onlyLeg(sent(data)));

  it("names the client and the VIP, in either version", () => {
    for (const [header, source] of [
      [proxyV1(CLIENT, VIP), "proxy-v1"],
      [proxyV2({ source: CLIENT, destination: VIP }), "proxy-v2"],
    ] as const) {
      const leg = onlyLeg(sent(header, data));
      expect(leg.tracker.claims).toEqual([
        {
          leg: leg.leg,
          source,
          command: "proxy",
          frame: leg.up.dataFrame,
          client: words(10, 1, 0, 1),
          clientPort: 40_001,
          vip: words(192, 0, 2, 10),
          vipPort: 443,
          optionKind: 0,
        },
      ]);
      expect(leg.up.has(L.SIDE_PROXY_HEADER)).toBe(true);
    }
  });

  it("may speak for the proxy itself, or not say for whom", () => {
    const commandOf = (header: Uint8Array) =>
      onlyLeg(sent(header)).tracker.claims.map(({ command, client }) => [command, client]);
    expect(commandOf(proxyV2Local())).toEqual([["local", null]]);
    expect(commandOf(proxyV1())).toEqual([["unknown", null]]);
  });

  it("is left out of the identity and length of what the client sent, in the same segment or before it", () => {
    const header = proxyV2({ source: CLIENT, destination: VIP });
    for (const packets of [sent(concat(header, data)), sent(header, data), sent(proxyV1(CLIENT, VIP), data)]) {
      const leg = onlyLeg(packets);
      expect(identity(leg)).toEqual(plain());
      expect(leg.up.firstLength).toBe(data.length);
    }
  });

  it("that is sent again is not taken for what follows it", () => {
    const script = start().handshake().send("up", proxyV1(CLIENT, VIP), { ack: false }).retransmit("up").ack("down");
    const leg = onlyLeg(script.send("up", data).packets());
    expect([identity(leg), leg.tracker.claims.length, leg.up.firstLength]).toEqual([plain(), 1, data.length]);
  });

  it("that the snap length cut leaves no false identity", () => {
    const header = proxyV2({ source: CLIENT, destination: VIP });
    // header whole, data of its segment cut: the next segment is not the first
    const joined = onlyLeg(sent(concat(header, data), "the second thing that was sent"), {
      snapLength: HEADERS + header.length,
    });
    expect([identity(joined), joined.up.firstLength]).toEqual([[0, 0, 0], data.length]);
    // a header cut within, in a segment of its own
    const text = onlyLeg(sent(proxyV1(CLIENT, VIP), data), { snapLength: HEADERS + 30 });
    expect([text.up.payloadHash(0), text.up.firstLength]).toEqual([plain()[0], data.length]);
    // and together with data: where that begins is unknown
    const both = onlyLeg(sent(concat(proxyV1(CLIENT, VIP), data), data), { snapLength: HEADERS + 30 });
    expect(identity(both)).toEqual([0, 0, 0]);
  });

  it("is none where the server sends one, or later in the stream", () => {
    const header = proxyV1(CLIENT, VIP);
    expect(onlyLeg(start().handshake().send("down", header).packets()).tracker.claims).toEqual([]);
    expect(onlyLeg(sent("GET /", header)).tracker.claims).toEqual([]);
  });
});

describe("TCP option address", () => {
  it("names the client once, from the SYN or the first ACK on", () => {
    for (const toa of ["syn", "first-ack"] as const) {
      const script = tcpConversation({ client: CLIENT, server: VIP }).handshake().send("up", 10).send("up", 10);
      const nat = script.viaNat({ client: "10.2.0.2:1025", server: "10.2.0.11:8080", toa });
      const leg = onlyLeg(nat.packets());
      expect(leg.tracker.claims).toMatchObject([
        { source: "toa", optionKind: 254, client: words(10, 1, 0, 1), clientPort: 40_001, vip: null },
      ]);
      expect([leg.up.has(L.SIDE_TOA), leg.down.has(L.SIDE_TOA)]).toEqual([true, false]);
    }
  });
});

it("claims are bounded by the number of legs", () => {
  const many = Array.from({ length: 100 }, (_, i) =>
    tcpConversation({ client: `10.2.0.2:${1000 + i}`, server: "10.2.0.11:8080", start: i })
      .handshake()
      .send("up", toBytes(proxyV1(CLIENT, VIP)))
      .packets(),
  ).flat();
  expect(follow(many, { maxLegs: 40 }).claims).toHaveLength(40);
});
