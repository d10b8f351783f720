import { describe, expect, it } from "vitest";
import { PcapngWriter } from "./pcapng-bytes.ts";
import { epoch, readBytes } from "./read-all.ts";

const START = 1_790_000_000n;
const data = (...bytes: number[]) => Uint8Array.from(bytes);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

for (const littleEndian of [true, false]) {
  describe(littleEndian ? "little endian" : "big endian", () => {
    const w = new PcapngWriter(littleEndian);

    it("reads enhanced, simple and obsolete packets", async () => {
      const read = await readBytes(
        Buffer.concat([
          w.section([[1, Buffer.from("a comment")]]),
          w.interface({ name: "eth0", snapLength: 3 }),
          w.enhanced(START * 1_000_000n + 5n, data(1, 2, 3), { wire: 99, options: [[1, Buffer.from("comment")]] }),
          w.simple(64, data(4, 5, 6)),
          w.simple(2, data(7, 8)),
          w.obsolete(START * 1_000_000n + 7n, data(9), { wire: 60 }),
        ]),
      );
      expect(read.packets).toEqual([
        { time: epoch(START * 1_000_000_000n + 5000n), data: "010203", wire: 99, interface: 0, frame: 1 },
        { time: null, data: "040506", wire: 64, interface: 0, frame: 2 },
        { time: null, data: "0708", wire: 2, interface: 0, frame: 3 },
        { time: epoch(START * 1_000_000_000n + 7000n), data: "09", wire: 60, interface: 0, frame: 4 },
      ]);
      expect(read.problems).toEqual([]);
      expect(read.format).toBe("pcapng");
    });

    it("describes interfaces", async () => {
      const read = await readBytes(
        Buffer.concat([
          w.section(),
          w.interface({ linkType: 113, snapLength: 96, name: "any" }),
          w.interface({ linkType: 1, snapLength: 0xffffffff, fcs: 4 }),
          w.interface({ fcs: 32, name: "café\0\0" }),
        ]),
      );
      expect(read.interfaces).toEqual([
        { name: "any", linkType: 113, snapLength: 96, fcsLength: 0, dropped: null },
        { name: null, linkType: 1, snapLength: 0, fcsLength: 4, dropped: null },
        { name: "café", linkType: 1, snapLength: 0, fcsLength: 4, dropped: null },
      ]);
    });

    it("takes control characters out of names, which go to terminals", async () => {
      const read = await readBytes(Buffer.concat([w.section(), w.interface({ name: "silly\r\n\x1b[31mname" })]));
      expect(read.interfaces[0]?.name).toBe("silly [31mname");
    });

    it("takes the last word on lost packets from interface statistics", async () => {
      const read = await readBytes(
        Buffer.concat([
          w.section(),
          w.interface(),
          w.interface(),
          w.interface(),
          w.statistics(0, [[5, w.i64(1n)]]),
          w.statistics(0, [
            [4, w.i64(1000n)],
            [5, w.i64(7n)],
            [7, w.i64(5n)],
          ]),
          w.statistics(1, [[4, w.i64(10n)]]),
          w.statistics(2, [[7, w.i64(-1n)]]),
          w.statistics(99, [[5, w.i64(1n)]]),
        ]),
      );
      expect(read.interfaces.map((description) => description.dropped)).toEqual([12, null, null]);
      expect(read.problems).toEqual([]);
    });

    it("passes over blocks that hold no packet, and counts those that Wireshark numbers", async () => {
      const packet = w.enhanced(START * 1_000_000n, data(1));
      const read = await readBytes(
        Buffer.concat([
          w.section(),
          w.interface(),
          packet,
          w.block(4, w.u32(0)), // name resolution
          w.block(10, w.u32(0x544c534b), w.u32(4), data(1, 2, 3, 4)), // decryption secrets
          w.block(0x80001234, data(1, 2, 3, 4, 5)), // somebody's own
          packet,
          w.block(0xbad, w.u32(32473), data(1, 2)), // custom
          packet,
          w.block(9, Buffer.from("__REALTIME_TIMESTAMP=0\n")), // systemd journal
          w.block(0x40000bad, w.u32(32473)),
          packet,
        ]),
      );
      expect(read.packets.map((each) => each.frame)).toEqual([1, 2, 4, 7]);
      expect(read.problems).toEqual([]);
    });

    it("takes options as they are", async () => {
      // no end marker; an unknown option; one that runs out of its block
      const body = [
        w.u16(1),
        w.u16(0),
        w.u32(0),
        w.u16(77),
        w.u16(1),
        data(1, 0, 0, 0),
        w.u16(2),
        w.u16(400),
        data(1, 2, 3, 4),
      ];
      const read = await readBytes(Buffer.concat([w.section(), w.block(1, ...body)]));
      expect(read.interfaces).toMatchObject([{ name: null, linkType: 1 }]);
      expect(read.problems).toEqual([]);
    });
  });
}

describe("sections", () => {
  it("have their own byte order and interfaces", async () => {
    const little = new PcapngWriter(true);
    const big = new PcapngWriter(false);
    const read = await readBytes(
      Buffer.concat([
        little.section(),
        little.interface({ name: "a0" }),
        little.interface({ name: "a1" }),
        little.enhanced(START * 1_000_000n, data(1), { interface: 1 }),
        big.section(),
        big.interface({ name: "b0", resolution: 9 }),
        big.enhanced(START * 1_000_000_000n + 1n, data(2)),
        little.section(),
        little.interface({ name: "c0", linkType: 276 }),
        little.enhanced(START * 1_000_000n + 1n, data(3)),
        little.simple(1, data(4)),
      ]),
    );
    expect(read.interfaces.map((description) => description.name)).toEqual(["a0", "a1", "b0", "c0"]);
    expect(read.packets.map((packet) => [packet.interface, packet.data, packet.time])).toEqual([
      [1, "01", epoch(START * 1_000_000_000n)],
      [2, "02", epoch(START * 1_000_000_000n + 1n)],
      [3, "03", epoch(START * 1_000_000_000n + 1000n)],
      [3, "04", null],
    ]);
    expect(read.problems).toEqual([]);
  });

  it("of an unknown version are skipped up to the next", async () => {
    const w = new PcapngWriter();
    const rest = [w.interface(), w.enhanced(START * 1_000_000n, data(1))];
    const first = Buffer.concat([w.section(), ...rest]);
    const read = await readBytes(
      Buffer.concat([first, w.section([], [2, 0]), ...rest, w.section([], [1, 2]), ...rest]),
    );
    expect(read.packets.map((packet) => packet.interface)).toEqual([0, 1]);
    expect(read.problems).toMatchObject([{ code: "unknown-version", offset: first.length }]);
  });
});

describe("times", () => {
  const w = new PcapngWriter();
  const unitsOf = (resolution: number) => (resolution & 0x80 ? 2n : 10n) ** BigInt(resolution & 0x7f);

  for (const resolution of [0, 1, 3, 6, 7, 9, 12, 15, 0x80, 0x8a, 0x94, 0x9e, 0xa0, 0xa3]) {
    const base = resolution & 0x80 ? "2" : "10";
    it(`of ${base}^-${resolution & 0x7f} s are exact to the nanosecond below`, async () => {
      const units = unitsOf(resolution);
      // 64 bits of 10^-15 s last five hours, so the epoch is moved there
      const seconds = units > 1_000_000_000_000n ? 1000n : START;
      const stamps = [0n, 1n, 2n, units / 3n, units - 1n, units * 86_400n * 90n + units / 7n]
        .map((units_) => seconds * units + units_)
        .filter((stamp) => stamp < 1n << 64n);
      const read = await readBytes(
        Buffer.concat([w.section(), w.interface({ resolution }), ...stamps.map((stamp) => w.enhanced(stamp, data(1)))]),
      );
      expect(read.packets.map((packet) => packet.time)).toEqual(
        stamps.map((stamp) => epoch((stamp * 1_000_000_000n) / units)),
      );
    });
  }

  it("take the interface's offset, forwards and backwards", async () => {
    for (const resolution of [6, 9, 0x94]) {
      const units = unitsOf(resolution);
      const read = await readBytes(
        Buffer.concat([
          w.section(),
          w.interface({ resolution, offset: START - 10n }),
          w.interface({ resolution, offset: -3600n }),
          w.enhanced(10n * units + units / 2n, data(1)),
          w.enhanced((START + 3600n) * units + units / 4n, data(2), { interface: 1 }),
        ]),
      );
      expect(read.packets.map((packet) => packet.time)).toEqual([`${START}.500000000`, `${START}.250000000`]);
    }
  });

  it("share the zero of the run, also with an interface described later", async () => {
    const read = await readBytes(
      Buffer.concat([
        w.section(),
        w.interface({ resolution: 9 }),
        w.enhanced(START * 1_000_000_000n + 123_456_789n, data(1)),
        w.interface({ resolution: 3 }),
        w.enhanced((START - 5n) * 1000n + 7n, data(2), { interface: 1 }),
      ]),
    );
    expect(read.packets.map((packet) => packet.time)).toEqual([`${START}.123456789`, `${START - 5n}.007000000`]);
  });
});

describe("damage", () => {
  const w = new PcapngWriter();
  const head = Buffer.concat([w.section(), w.interface({ name: "eth0" })]);
  const packet = (byte: number) => w.enhanced(START * 1_000_000n, data(byte, byte, byte, byte, byte));
  const numbers = (read: { packets: { data: string }[] }) =>
    read.packets.map((each) => Number.parseInt(each.data.slice(0, 2), 16));

  it("of one packet's contents costs that packet", async () => {
    const tooLong = w.enhanced(START * 1_000_000n, data(2), { captured: 5000 });
    const noInterface = w.enhanced(START * 1_000_000n, data(3), { interface: 9 });
    const read = await readBytes(Buffer.concat([head, packet(1), tooLong, noInterface, packet(4)]));
    expect(numbers(read)).toEqual([1, 4]);
    const at = head.length + packet(1).length;
    expect(read.problems).toMatchObject([
      { code: "bad-block", offset: at },
      { code: "bad-block", offset: at + tooLong.length },
    ]);
  });

  it("of a length is passed by going on at the next whole block", async () => {
    for (const lie of [0, 4, 13, 36, 1000, 70_000, 0x7fffffff, 0xffffffff]) {
      const broken = packet(2);
      broken.writeUInt32LE(lie, 4);
      const read = await readBytes(Buffer.concat([head, packet(1), broken, packet(3), packet(4)]));
      expect(numbers(read)).toEqual([1, 3, 4]);
      expect(read.problems).toMatchObject([{ code: "bad-block", offset: head.length + broken.length }]);
      expect(read.problems[0]?.message).toContain(`${broken.length} bytes were skipped`);
    }
  });

  it("by lost bytes is passed, whatever the alignment after it", async () => {
    for (const lost of [1, 2, 3, 17]) {
      const broken = packet(2).subarray(0, packet(2).length - lost);
      const read = await readBytes(Buffer.concat([head, packet(1), broken, packet(3)]));
      expect(numbers(read)).toEqual([1, 3]);
      expect(read.problems).toMatchObject([{ code: "bad-block" }]);
    }
  });

  it("by foreign bytes longer than a chunk is passed", async () => {
    const junk = Buffer.alloc(3_000_000, 0x2e);
    const read = await readBytes(Buffer.concat([head, packet(1), junk, packet(2)]));
    expect(numbers(read)).toEqual([1, 2]);
    expect(read.problems[0]?.message).toContain("3000000 bytes were skipped");
  });

  it("of an interface description ends the section, since its packets' interfaces are not known", async () => {
    const broken = w.interface({ name: "eth1" });
    broken.writeUInt32LE(9999, 4);
    const section = Buffer.concat([w.section(), w.interface({ name: "eth2" })]);
    const read = await readBytes(Buffer.concat([head, broken, packet(1), section, packet(2)]));
    expect(numbers(read)).toEqual([2]);
    expect(read.packets[0]?.interface).toBe(1);
    expect(read.interfaces.map((description) => description.name)).toEqual(["eth0", "eth2"]);
  });

  it("after which nothing can be trusted ends the file", async () => {
    const read = await readBytes(Buffer.concat([head, packet(1), Buffer.alloc(5000)]));
    expect(numbers(read)).toEqual([1]);
    expect(read.problems).toMatchObject([{ code: "bad-block", offset: head.length + packet(1).length }]);
    expect(read.problems[0]?.message).toContain("reading ended");
  });

  it("of every packet lists a bounded number of problems", async () => {
    const lost = w.enhanced(START * 1_000_000n, data(1), { interface: 5 });
    const read = await readBytes(Buffer.concat([head, ...Array.from({ length: 5000 }, () => lost), packet(1)]));
    expect(numbers(read)).toEqual([1]);
    expect(read.problems).toHaveLength(21);
    expect(read.problems[20]?.message).toContain("4980 more");
  });

  it("reads blocks whose writer padded without counting it", async () => {
    const body = Buffer.concat([w.u32(0), w.u32(0), w.u32(0), w.u32(1), w.u32(1), data(0x42)]);
    // length 33, and three bytes of padding before the trailing one
    const unpadded = Buffer.concat([w.u32(6), w.u32(33), body, Buffer.alloc(3), w.u32(33)]);
    const read = await readBytes(Buffer.concat([head, unpadded, packet(1)]));
    expect(numbers(read)).toEqual([0x42, 1]);
    expect(read.problems).toEqual([]);
  });

  it("says where a file was cut, at whichever byte", async () => {
    const blocks = [head, packet(1), w.simple(2, data(2, 2)), packet(3)];
    const whole = Buffer.concat(blocks);
    const starts = blocks.map((_, i) => Buffer.concat(blocks.slice(0, i + 1)).length);
    for (let cut = head.length; cut <= whole.length; cut++) {
      const read = await readBytes(whole.subarray(0, cut));
      const count = starts.findLastIndex((start) => start <= cut);
      expect(numbers(read)).toEqual([1, 2, 3].slice(0, count));
      if (starts.includes(cut)) expect(read.problems).toEqual([]);
      else expect(read.problems).toMatchObject([{ code: "truncated", offset: starts[count] }]);
    }
  });

  it("ends at more interfaces than files have", async () => {
    const one = w.interface();
    const many = Buffer.alloc(one.length * 70_000);
    for (let i = 0; i < 70_000; i++) one.copy(many, i * one.length);
    const read = await readBytes(Buffer.concat([w.section(), packet(1), many, packet(2)]));
    expect(read.interfaces).toHaveLength(65_536);
    expect(read.problems.at(-1)?.message).toContain("65536 interfaces");
  });

  it("keeps the bytes of a packet at the limits of its block", async () => {
    const largest = new Uint8Array(262_144).fill(7);
    const comment: [number, Uint8Array][] = [1, 2].map(() => [1, new Uint8Array(65_000)]);
    const read = await readBytes(Buffer.concat([head, w.enhanced(0n, largest, { options: comment }), packet(1)]));
    expect(read.packets[0]?.data).toBe(hex(largest));
    expect(numbers(read)).toEqual([7, 1]);
  });
});
