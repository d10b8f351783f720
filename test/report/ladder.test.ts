import { describe, expect, test } from "vitest";
import { inOrder, type TimedPacket } from "../../fixtures/packets/capture-file.ts";
import { tcpConversation } from "../../fixtures/packets/conversation.ts";
import { packet } from "../../fixtures/packets/packet.ts";
import type { Ladder } from "../../src/report/ladder/ladder.ts";
import { traceDocument } from "../../src/report/ladder/trace-document.ts";
import { columnsOf } from "../../src/report/text/page.ts";
import { BACKEND, CLIENT, directReturn, dnat, fullNat, moved, proxy, tunnel, VIP } from "./journeys.ts";
import { ladderOfFiles } from "./ladder-of.ts";
import { traceSchema } from "./trace-schema.ts";

const JOURNEYS = { dnat, "full-nat": fullNat, proxy, "direct-return": directReturn, tunnel, moved };
const journeys = Object.entries(JOURNEYS);

/** What the steps say, a line each. */
function told({ steps }: Ladder): string[] {
  return steps.map(({ event, label, notes }) => [`${event.direction} ${label}`, ...notes].join("; "));
}

/** Names of the columns that each step's packet was seen at, in the order of its travel. */
function ways({ steps, columns }: Ladder): string[] {
  return steps.map(({ journey }) => journey.stops.map(({ column }) => columns[column]?.name).join(" "));
}

describe.each(journeys)("%s", (name, captures) => {
  test.each([80, 120])("at %i columns", async (width) => {
    const { text } = await ladderOfFiles(captures());
    await expect(`${text(width)}\n`).toMatchFileSnapshot(`golden/ladder-${name}-${width}.txt`);
  });

  test.each([72, 80, 100, 120, 200])("fits %i columns", async (width) => {
    const { text } = await ladderOfFiles(captures());
    for (const line of text(width).split("\n")) expect(columnsOf(line), line).toBeLessThanOrEqual(width);
  });

  test("in ASCII says the same, a letter for a letter on the lanes", async () => {
    const { text } = await ladderOfFiles(captures());
    const [unicode, ascii] = [text(100).split("\n"), text(100, { ascii: true }).split("\n")];
    for (const line of ascii) expect(line).toMatch(/^[\x20-\x7e]*$/);
    expect(ascii.length).toBe(unicode.length);
    // lifelines stand in the same places
    unicode.forEach((line, i) => {
      const places = (text: string, signs: RegExp) =>
        [...text.slice(0, 60)].flatMap((one, at) => (signs.test(one) ? [at] : []));
      if (/[│┊]/.test(line))
        expect(places(ascii[i] ?? "", /[|:+]/)).toEqual(expect.arrayContaining(places(line, /[│┊┼]/)));
    });
  });

  test("says with colours what it says without", async () => {
    const { text } = await ladderOfFiles(captures());
    const coloured = text(80, { colours: true });
    expect(coloured).toContain("\u001b[");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
    expect(coloured.replace(/\u001b\[\d+m/g, "")).toBe(text(80));
  });

  test("every packet is one sighting of one event", async () => {
    const { ladder } = await ladderOfFiles(captures());
    const { set } = ladder.connected;
    const seen = ladder.steps.flatMap(({ event }) =>
      event.sightings.map(({ packet: one }) => `${one.capture} ${one.frame}`),
    );
    expect(new Set(seen).size).toBe(seen.length);
    const packets = ladder.connection.legs.reduce((sum, leg) => {
      const { up, down } = set.view(leg);
      return sum + up.packets + down.packets;
    }, 0);
    expect(seen.length).toBe(packets);
  });

  test("its document is what the schema says", async () => {
    const { ladder, timeBase } = await ladderOfFiles(captures());
    const document = traceSchema.parse(JSON.parse(JSON.stringify(traceDocument(ladder, timeBase))));
    expect(document.events).toHaveLength(ladder.steps.length);
    expect(document.connection).toMatchObject({ id: "c0", client: CLIENT, vip: VIP });
    for (const { stops } of document.events) {
      expect(stops[0]?.delay).toBeNull();
      for (const { node } of stops) expect(document.nodes[node]?.observationPoints).not.toHaveLength(0);
    }
  });

  test("--full has a row for every packet", async () => {
    const { ladder, text } = await ladderOfFiles(captures());
    const rows = text(200, { full: true })
      .split("\n")
      .filter((line) => /^ *\d+\.\d{6} /.test(line));
    expect(rows).toHaveLength(ladder.steps.length);
  });
});

describe("what happens on the way", () => {
  test("a segment that is lost, and sent again", async () => {
    const { ladder } = await ladderOfFiles(dnat());
    expect(told(ladder)).toContain("up 300 B data; not seen beyond lb1:eth1");
    expect(told(ladder)).toContain("up 300 B data; again");
    const lost = ladder.steps.findIndex(({ journey }) => journey.endsHere);
    expect(ways(ladder)[lost]).toBe("c1 lb1");
  });

  test("a move to a balancer that does not know the connection, and its reset", async () => {
    const { ladder } = await ladderOfFiles(moved());
    const [data, reset] = told(ladder).slice(-2);
    expect(data).toBe("up 200 B data; moved from lb1 to lb3, which never saw its SYN; not seen beyond lb3:eth0");
    expect(reset).toMatch(/^down RST; begins at lb3:eth0; by lb: no-state \(0\.\d\d\)$/);
    expect(ways(ladder).at(-1)).toBe("lb3 r");
    expect(ladder.columns.map(({ name, role }) => [name, role])).toEqual([
      ["client", "client"],
      ["r", null],
      ["lb1", "lb"],
      ["lb3", "lb"],
      ["rs2", "backend"],
    ]);
  });

  test("clocks that are apart change no delay", async () => {
    const straight = dnat();
    const skewed = Object.fromEntries(
      Object.entries(straight).map(([name, packets]) => [
        name,
        name.startsWith("c1") ? packets.map((one) => ({ ...one, timeSeconds: one.timeSeconds + 2.4 })) : packets,
      ]),
    );
    const [one, other] = await Promise.all([ladderOfFiles(straight), ladderOfFiles(skewed)]);
    const rows = (text: string) => text.split("\n").filter((line) => /^ *\d+\.\d{6} /.test(line));
    expect(rows(other.text(100))).toEqual(rows(one.text(100)));
    expect(other.text(100)).toMatch(/c1's 2\.40 s ahead/);
  });

  test("an ICMP error travels against what it quotes", async () => {
    const talk = tcpConversation({ client: CLIENT, server: VIP }).handshake().send("up", 1400, { ack: false });
    const big = talk.leg().segments.at(-1);
    if (!big) throw new Error("no segment");
    const error = packet()
      .ethernet()
      .ipv4({ src: "10.9.9.9", dst: "10.1.0.21" })
      .icmp({ type: 3, code: 4, mtu: 1400, quoting: talk.leg().ipPacket(big).build() });
    const packets: TimedPacket[] = [...talk.packets(), { timeSeconds: talk.end + 0.001, bytes: error.build() }];
    const { ladder } = await ladderOfFiles({ "lb1-eth0.pcap": packets });
    expect(told(ladder).at(-1)).toBe("down ICMP fragmentation needed, MTU 1400; from 10.9.9.9");
  });

  test("bytes that offload cut differently at each point are one event", async () => {
    const talk = tcpConversation({ client: CLIENT, server: VIP, mss: 8760 }).handshake().send("down", 8000);
    const cut = tcpConversation({ client: CLIENT, server: VIP, mss: 1460 }).handshake().send("down", 8000);
    const { ladder } = await ladderOfFiles({
      "lb1-eth0.pcap": talk.packets(),
      "rs2-eth0.pcap": cut.viaMacs({ delay: 50e-6 }).packets(),
    });
    const data = ladder.steps.filter(({ kind }) => kind === "data");
    expect(data).toHaveLength(1);
    expect(data[0]?.event.length).toBe(8000);
    expect(data[0]?.journey.endsHere).toBe(false);
  });

  test("a SYN proxy's own numbers are no other packets", async () => {
    const talk = tcpConversation({ client: CLIENT, server: VIP })
      .handshake()
      .send("up", 100)
      .send("down", 500)
      .fin("up");
    const { ladder } = await ladderOfFiles({
      "lb1-eth0.pcap": talk.packets(),
      "lb1-eth1.pcap": talk.viaNat({ server: BACKEND, serverSeqShift: 123_456_789 }).packets(),
    });
    for (const { event } of ladder.steps) expect(event.sightings).toHaveLength(2);
  });

  test("datagrams are told apart by what they carry", async () => {
    const query = (port: number, id: number) =>
      packet()
        .ethernet()
        .ipv4({ src: "10.1.0.21", dst: "192.0.2.10" })
        .udp({ src: port, dst: 53 })
        .payload(dns(id, "a.example", false));
    const answer = (port: number, id: number) =>
      packet()
        .ethernet()
        .ipv4({ src: "192.0.2.10", dst: "10.1.0.21" })
        .udp({ src: 53, dst: port })
        .payload(dns(id, "a.example", true));
    const seen = (offset: number) => [
      { timeSeconds: offset, bytes: query(5353, 1).build() },
      { timeSeconds: 0.001 + offset, bytes: query(5353, 2).build() },
      { timeSeconds: 0.002 - offset, bytes: answer(5353, 2).build() },
    ];
    const { ladder } = await ladderOfFiles({ "lb1-eth0.pcap": seen(0), "rs2-eth0.pcap": seen(50e-6) });
    expect(told(ladder)).toEqual(
      ["up DNS query a.example", "up DNS query a.example", "down DNS answer a.example"].map((line) =>
        line.replace(" ", " 27 B "),
      ),
    );
    for (const { event } of ladder.steps) expect(event.sightings).toHaveLength(2);
  });

  test("a frame that a bridge floods to others is no stop", async () => {
    const talk = tcpConversation({ client: CLIENT, server: VIP, serverTtl: 64 }).handshake().send("up", 100).fin("up");
    const own = tcpConversation({ client: "10.1.0.99:1234", server: "192.0.2.99:80", start: 1 }).handshake().fin("up");
    const elsewhere = {
      up: { src: "02:00:00:00:00:03", dst: "02:00:00:00:00:04" },
      down: { src: "02:00:00:00:00:04", dst: "02:00:00:00:00:03" },
    };
    const many = Array.from({ length: 8 }, (_, i) =>
      tcpConversation({ client: `10.1.0.99:${2000 + i}`, server: "192.0.2.99:80", start: 2 + i })
        .handshake()
        .fin("up"),
    );
    const { ladder } = await ladderOfFiles({
      "rs1-eth0.pcap": talk.packets(),
      "rs2-eth0.pcap": inOrder(
        talk
          .leg()
          .filter(({ flags }) => flags === "S")
          .packets(),
        ...[own, ...many].map((one) => one.viaMacs({ delay: 0, ttl: 0, ...elsewhere }).packets()),
      ),
    });
    expect(ladder.columns.map(({ name }) => name)).not.toContain("rs2");
  });
});

describe("rows", () => {
  const long = () => {
    const talk = tcpConversation({ client: CLIENT, server: VIP }).handshake();
    for (let i = 0; i < 200; i++) talk.send("up", 100).send("down", 300);
    return talk.retransmit("down").silence(20).send("up", 50).rst("down", "abort");
  };

  test("the dull middle of a long connection is left out, what matters stays", async () => {
    const { text, ladder } = await ladderOfFiles({ "lb1-eth0.pcap": long().packets() });
    const lines = text(100, { rows: 12 }).split("\n");
    const body = lines.filter((line) => /┊.*│|│.*┊|⋮/.test(line));
    expect(body.length).toBeLessThan(20);
    expect(text(160, { rows: 12 })).toMatch(/… [\d,]+ packets, [\d.]+ kB up, [\d.]+ kB down in .* …/);
    expect(lines.join("\n")).toMatch(/SYN\n/);
    expect(lines.join("\n")).toContain("; again");
    expect(lines.join("\n")).toContain("… 20.0 s …");
    expect(lines.join("\n")).toContain("RST,ACK");
    expect(lines.at(-1)).toContain("--full shows every packet");
    // what is folded and what is shown is everything
    expect(ladder.steps.length).toBeGreaterThan(400);
  });

  test("a burst is one row with its size, count and acknowledgments", async () => {
    const talk = tcpConversation({ client: CLIENT, server: VIP }).handshake().send("down", 14_480);
    const { text } = await ladderOfFiles({ "lb1-eth0.pcap": talk.packets() });
    expect(text(100)).toContain("14.5 kB data in 10, 5 ACKs");
  });

  test("a column of little interest is left out where the page is narrow, and that is said", async () => {
    const talk = tcpConversation({ client: CLIENT, server: VIP, clientTtl: 64, serverTtl: 58 }).handshake().fin("up");
    const files = Object.fromEntries(
      ["r1", "r2", "r3", "r4", "r5", "r6"].map((name, i) => [
        `${name}-eth0.pcap`,
        talk.viaMacs({ delay: i * 30e-6, ttl: -i }).packets(),
      ]),
    );
    const { text } = await ladderOfFiles(files);
    expect(text(80)).toMatch(/^no room to draw r\d/m);
    expect(text(160)).not.toContain("no room to draw");
    for (const line of text(80).split("\n")) expect(columnsOf(line)).toBeLessThanOrEqual(80);
  });
});

/** A DNS message with one question, or its answer without records. */
function dns(id: number, name: string, isAnswer: boolean): Uint8Array {
  const labels = name.split(".").flatMap((label) => [label.length, ...Buffer.from(label)]);
  return Uint8Array.from([id >> 8, id & 255, isAnswer ? 0x81 : 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, 1, 0, 1]);
}
