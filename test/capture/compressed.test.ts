import { execFileSync } from "node:child_process";
import { constants, gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { requires } from "../support/requirement.ts";
import { pcapBytes, type TestPacket } from "./pcap-bytes.ts";
import { PcapngWriter } from "./pcapng-bytes.ts";
import { epoch, readBytes, readPieces } from "./read-all.ts";
import { zstdFrame, zstdRaw, zstdSkippable } from "./zstd-bytes.ts";

const START = 1_790_000_000n * 1_000_000_000n;

function written(count: number, length = 60): TestPacket[] {
  return Array.from({ length: count }, (_, i) => ({
    time: START + BigInt(i) * 1000n,
    data: Uint8Array.from({ length }, (_, at) => (at * i) % 97),
  }));
}

function expected(packets: readonly TestPacket[]) {
  return packets.map((packet, i) => ({
    time: epoch(packet.time ?? 0n),
    data: Buffer.from(packet.data).toString("hex"),
    wire: packet.data.length,
    interface: 0,
    frame: i + 1,
  }));
}

const packets = written(40);
const capture = pcapBytes(packets);
const half = capture.length >> 1;

describe("gzip", () => {
  it("is read, whatever the file is called", async () => {
    const read = await readBytes(gzipSync(capture));
    expect(read.packets).toEqual(expected(packets));
    expect(read.problems).toEqual([]);
  });

  it("may hold a pcapng", async () => {
    const w = new PcapngWriter();
    const read = await readBytes(gzipSync(Buffer.concat([w.section(), w.interface(), w.simple(1, Uint8Array.of(7))])));
    expect(read.format).toBe("pcapng");
    expect(read.packets).toMatchObject([{ time: null, data: "07" }]);
  });

  it("may have several members, wherever the pieces end", async () => {
    const members = Buffer.concat([gzipSync(capture.subarray(0, half)), gzipSync(capture.subarray(half))]);
    expect((await readBytes(members)).packets).toEqual(expected(packets));
    for (const sizes of [[1], [7, 1, 13], [gzipSync(capture.subarray(0, half)).length]]) {
      const read = await readPieces(members, sizes);
      expect(read.packets).toEqual(expected(packets));
      expect(read.problems).toEqual([]);
    }
  });

  it("may be followed by zeros, as tapes and some flash disks leave them", async () => {
    const read = await readBytes(Buffer.concat([gzipSync(capture), Buffer.alloc(1000)]));
    expect(read.packets).toEqual(expected(packets));
    expect(read.problems).toEqual([]);
  });

  it("that is larger than the buffers is read to its end", async () => {
    const many = written(60_000, 100);
    const read = await readBytes(gzipSync(pcapBytes(many), { level: 1 }));
    expect(read.packets).toHaveLength(many.length);
    expect(read.packets.at(-1)).toEqual(expected(many).at(-1));
    expect(read.problems).toEqual([]);
  });

  it("cut short gives what comes before, and says at which byte of the capture", async () => {
    const many = written(20_000, 100);
    const whole = gzipSync(pcapBytes(many));
    for (const share of [0.01, 0.3, 0.6, 0.99]) {
      const cut = whole.subarray(0, Math.floor(whole.length * share));
      const there = gunzipSync(cut, { finishFlush: constants.Z_SYNC_FLUSH }).length;
      const read = await readBytes(cut);
      expect(read.packets).toEqual(expected(many).slice(0, Math.floor((there - 24) / 116)));
      expect(read.problems).toMatchObject([{ code: "truncated", offset: there }]);
    }
    const lastBytes = await readBytes(whole.subarray(0, whole.length - 3));
    expect(lastBytes.packets).toHaveLength(many.length);
    expect(lastBytes.problems).toMatchObject([{ code: "truncated" }]);
  });

  it("damaged half-way gives what comes before, but for what zlib had in hand", async () => {
    const many = written(20_000, 100);
    const whole = gzipSync(pcapBytes(many));
    const damage = whole.length >> 1;
    const before = (gunzipSync(whole.subarray(0, damage), { finishFlush: constants.Z_SYNC_FLUSH }).length - 24) / 116;
    whole.fill(0xff, damage, damage + 64);
    const read = await readBytes(whole);
    expect(read.packets.length).toBeGreaterThan(before * 0.8);
    const sound = Math.min(read.packets.length, Math.floor(before));
    expect(read.packets.slice(0, sound)).toEqual(expected(many).slice(0, sound));
    expect(read.problems.at(-1)?.code).toMatch(/bad-compression|bad-record/);
  });

  it("with a wrong checksum gives everything, and says so", async () => {
    const whole = gzipSync(capture);
    whole[whole.length - 6] = (whole[whole.length - 6] ?? 0) ^ 0xff;
    const read = await readBytes(whole);
    expect(read.packets).toEqual(expected(packets));
    expect(read.problems).toMatchObject([{ code: "bad-compression", offset: capture.length }]);
  });
});

describe("zstd", () => {
  // zstd 1.5.4 of Debian 12, -19 --check and -3 from a pipe, of the forty packets above
  const COMPRESSED = {
    level19:
      "KLUv/WT4Cr1BAEqTgB8yECUQPQAAQAAAjgHgEAAAABwCAHAIFIBARjMZMQHD/E1GO+sE/omFexE4Oq4FCHfFO8HqAegB6wGwovCztfo9r1905M1Uo03l0R4EfwzFYySxWpY5pKEowVwsJdrc9Jsgf7fXic9QHu459motgc9F4mAP4m62Ku16BFbN8Jf5Iw5eM9JCgdYy8Zq7bqgGkVdznUIbHAKvh0HP9kKJOHkkZhGj7wZLjTq67WhPwg8X80m7RSK7KEkuUlPs3WKqHqTBIw43UQp4Nphf+mRuSNyihXBXe6VIHkylhtmTBHU0F2q0Xyh0Y0UQCCNPBrcfjPUsCHq4gRaK9NHkkrnBoqXoy81cqRJoo09ouE2Yg99Pe/k9z7FQ6thNDeMo/nQ2WSvVh/ZMPqkd74qaI8jDzV4q0+izsVQij0abHkiB76/FWKgS38HgEjpeqGc5GFAic/yyKaIcQ5/uNoOxUgIjUCejV2zawWgVp0kQ/HY4Wqzlm0j8rrHcklpuuCpqIEUx5lqlTCURaN9g9HsSoWX4bdUEwiQH4Y/332iyF8s/9SPew8lYcIpdP2KGu6anoTAKBKsicR7MAmEgAH+93Y+z0QZir9bKR5l6koj/7BwNxpLfFEmknuW48bqsmqIIQ0mOYhiCPp69w9loMpiLRc/xu0KZSOwIpKbnh+yI4QbjXbgtu6qKNIGeiIPBLAskYRyIghAE+QAIAAkAAiACIAIQDlCAAQcEsiF3usAFW5+/42xUaQUxXqKqHBrtsXZI+nN9bBWE8RNWIBNV3MGMhL+EWq83CjfTJTZzqIx80Pmb+eStOnXC1/JEFIrdao+ooWyEMwo4lGZGfS7QpB3Qekts0Kk6EAUYE90veTtlHmev9ZGw4qykw+bvc+o0faA/mAhvmLqVR9KOtpOGTkEZSY8PvBaIsiBxKQ5EFcz6i3z6XqGbUf6q3WYHNVNmTiRSHbsl4Pxd4pI5lWeyKPyrD+UtdSxQhWHuWvzdMPBcIRw+9F6iPEb4YCPdcf5iJIuMooYejHSZFaIttU9ek/caWR6poIbqSBblziXS5URIO3Fst6BrhXIHCs5Mm0hL/iwej88TU7OkzjW60Cvhb4ksszrmWCH9oRjgVnwup+JNBcIdCYHN/9wxGtZSngp8gjTUTmkgEDiW6FK3ZU9m6lBgVHBbhSw0W+DFBDiTxhnaVLw+r+QO1m8kDARY80H5QyXoXiWN/R4OcGLwv3oOJU5HHUygU3EoCLuYab9lleTJTh78sRZ6A6hPPrOlb5YC6XRr/mg+b6ldg0Fgx+fWAN5aJU5FXstfbTXSTGIF2Zv5IYzdSIw7GQpkgbyn+MNMnpx2DyHO1XfuB2uapK/GKnVwenEOdgO+SEORWUOYg51AFzuFVo7ONu3Px7HoIfoVxMDG3Y3mgeo+Z5wFj0SPKxyldd5eqSaw8kRtZ/h6CNnSU5un8ROIFFwWxe0DwwL/RmseGERRELMO42eSGGSbRa+PlLBMuyPVpOuy/qJ5ZOkKHC+LKjxh+8RhqnLS9kZjgqB5YoEqV+RENPnKuD0ByWG2w6GPp7jQTHBhWl5vGwY6DTB1J278Y2xd2F0pYso4DAZswwD9XNWV7APtI4+uzOKHutPcCGIO7LHIurQ9EwW9hehCjNMIVfq66yWIGuhBeGneV90JUBI5ko2whWpz9nmQsU48cGkY4eri/lL5yjNV0r8kOW8iiIEGmguy3TG+Ng0BC7NYfOZyBqJNGl8baiHIwSaKIG4j+8SRJGiuNEn8PSXVCVQUO9Ot8k742kPlrC+ltz/f4ro/FYYhvjpyYcZDELgSRcFD6S7I0sBjzDObNZGN/gL36vMvr8DFcZADoPpwI03S3SlvW8j5m3I3dHUepo1EUX2qDEwY4COo7qQvBK99NtxKlfW30sTkLGQndijLK8I89AHX3yzL4jwMOIF8IcZAkQTPz8SFGqnCgq6dRvwnC2McCEkUvtVGNm897gpgHwi6S2FgkjairCvKU20ehx+FicubgM4g0Ei3K8pCkxV8fSKpj9Whz52vCShHDmOeYtylNME3S0GgYdPJnlHLCaWXho+kxewejNyBiihqZRRBiI1NQn6FSUCQ+rJtEyXrNueq9nkUL0kYagfuscSwWcqT49cgVHRvT102yLOyyoD01vSCKc5lDv7M6yRakcjF4NO+zyq7CQLxv0Fbdiha1Cxmau551Fhl7OGc5mRFwJBL00vUg7crYJRBqYHLIFYQyC1ztiRiCf45KaxCMMk8zzqQlyn6x7u1y2EVCUcMnAZ1TQZ9rOsoYjd5evQ+7Ew3/bpu/B11QDesbLF38D5tDXO6KITT/Au9uE0aw0sfEpJg3b7OLAeWZCAg90CuLYO+KiSKpnvZF2L8O1vLJGK5gTUhoOqw5Ojxb66z0jAoDDdXkvFEg6SYB1rgOOrscr7uUmUPTPNMSEUGp1ogMIMl+TeKe6HGDvT+HhfXYW0blZZJBy5oTEe8cEOrUq4mpG+PKIhoosP+8cAPrxwB08+YBZVdEgOYdJZR0DRqbbPaOOyt0+J2N+dZ/J9XB2Ls+AYvBPdEsW/k+JFkeaZZb/tCx8M+0iM0QUZ/UrZwROyS0jYszvPuQvGvNAtOEYKKYrryU4ZR1Dht7sPgiRwOVxdygKYIycLPAQ2bA8G/vh5VlUMMo948jB5pFlMT82VJa53FTiSHJztTqDF8ASGCIvz7AdBlGAMy8AUNQUNA3///De9s2t6waM8GGzsrrdixaWvJYgv2Ni1a2dDG3koLqy3YWrdowbYNq/YWWMr2SQJI0nobQi7LCTQrO0NVEfU=",
    pipe: "KLUv/QBY3UEA+pOsHzAgJdIDAGwEgLUGgBsADABoAEghAKtWREREhGiviNFZVU2CnEDYnkYMPFuK0zxrkk7xAesB7QG5Daekr7YabSgO1xD4ZSkeE5FX08wfjIQZ7mQq0aZSw4gymIOh+MzE8aLk7+YyfS6RRmsYezVWadch8XqK/8wfcXB7oRIINteJ11RsxloYfbcXKrTBHzFrEPxwsJSIk0Pk9kACczHVqKPfDRcdBHUyn7RbIvOblqVCPcdfTrbqQRoc0ngRZsCHi/mlT6bykN2UIPZuMBXJg6HYcYuWIc/2So32y6RmsIfBYOTJ4LdjwaKEwE9Hc6VIH00eoRltao7AXe2lKoE2uqSOXcQpCP42mN/zHMvEll+1QJJjkIebuVR9aM/kErsBs+lJhj5dDbY6jT4bCwXiYLiqoQwA/5uslSrxHQweqWXFipoCwQRCy3CrHkxSBPJytVhLZRqBOhmdcteNhZtAz0Eg2NPZZC7/ROJ3jaUSsWfGu6aFchxlL5bqVBKB9g1Gr0gg9RzD7oo4nKVADPr+nG0Ga/mofsR7OBkLPrlth7x4WRUtEMhAgE0gUMNJGAgCYfDX+3U4G00Gc7H81KknifjPztFgLHllEoHY9Cwz4Ldd1fRQMEtyFEXQx7N3OBtNBnOx6DleoUwkkRvysGvaMTfkmLGAFa/bsmtCRaTowVA4TUI5IAVjQAzDAAgACcADAAAAAARAAEgAAAAAIARgBGAEQBygAAMOCDEB1+cwWRtR3ICMj6wrp05/rf2hBl+few1jvKQNzESUV1Aj4fDg1usMQu50kc9dKjMbeP6GRn2sjo0AujyQRKLH2iGrOBvhC4IupaFT4AskcQW23iIXeKvOIxHKRBW4zKEyDvTn+kTasVbS4/P3ObaqOtJgTIQzTh7LE3FJHEpTq+GMpMsGnws0UZQ6FeexBmr9ZUaBsFBlYf6r/W4Ft1OGRiBUndsd6Pw98pa7lUeiIPyszwQ2eS0QZXH2XHyFUfC9Qnhs+MFEuXwAxkZ6Aw3KSJY5TQu/GOlCJ0acapfApw82sjjUwC3ViSjM3kukzwjRhuLcL4HnCuWNNKydNhC3/Fs8LqMoxm5L3mt0qdnB7xJZ6JXctUK6IyHQsfh8VsfcCoQ3EAGc/6nIqXhTeSgxGtpS+4RxOOhaoovtmr/ZqTOJ00COFbLULcEnM3EkDFTErXidZsterN9EFofw5oNyxzrgwUqaGzYYYoTgh/WciaySvJipQ2kkBj3Zaa/Ma+mboTy4gyX8aKlPTrcmsKYC6bV7Bm0+b7HfQsG047RbCHOuEocys2bwxhppJHKi/NX8EOZmIMjeLAWyPGB0/GMnT16/BlH36jsVR3ueJfDWKnXwWoEKejRfpJnMbUHcxVCgyx0nCEGcq98DeVrbuD8vyyLH6FMOtM3bG9GCVQWtcRQ+Uk2y8NTWgX8le9DKEbd9AewfpUtXcR5G0AQhvCyJ3CeOA34lvXniMDU51DqL4ClSmG0Uvx5ixjJuj2SXrwv7i2iypSd0/DyucATuI4sqCmrbGQzJweaRA6s8sRPVJSzz/kwRQ22PRR9XdSF68MK4vv4u0DqMUFVB5HgH6bq0vRLknHEWi9hmEfr5yivdBttnJl8ZRTBVUXejx0nb5bF1cX+nSZoL1QQZhyGudLbXRw43kGMA08Dw2jNNEDvSfcCF7LP2cZSyjix4aRYi6/IGVTnrO1HUvxRBc6JHwQaiCbO9QcI2jEALo1B8aLMGqk8bbxduoYcBJ4IccqMb1ZEi6a4kQfz9ROWZKIneqbL6UDj7S+UtUKW7Qd/yvsEVZjHCOjOhxj8OutIk4Uvpb9jSxKTMQ5830Z3+pgoL9C9w4MVplDSQbciRJGoPlbvuA/1P+Su+Oo4TR5qswFUmHtB4SMpD6YoAbKcLuRKFDbI0clkL3YheygKPMU9t0PWVtm1xHAWdKVeMMhAE4fMzMuFGorTha68PP8qyIGmhSALI2sxnrsffQOzzSHsqTFzaRhOWTX2rjcPwpzCymTPpi4GNVHnHWUjChrAPRAW2OjXa8zVzYYe6BKnGDnOiZN3FPMU5C8HEwOllv7jlgxJsw0mSolYRjF4aZRS5s0kg1MokIs/GIiFohd33mZp5G5RlAz0JWEQMubQKWVrgLCaq8WsOq/q3q6875NsZRUCCbzrhJO8yBp/2dRAuCORS8Gvgh51VBib536SuWxQpbpZTRf88q4xC9vFOg7YgYei16WbK4dsTsYmgxNBlDqzHI5dBXZGxFP8cNUYZnGafh6XlpqoO8u/tYmBBxNFCp0lfEkEv8zoJWaVEOX6ftqafvm0z/s5K0wuse+wbvo97w6CvyQBFB0OwbqPKcNN/iKSYt7M1i6EVEZjmH+jFZVIYpUzVdT8DQ4t/b28ZhCwvtCSDlC2WGj8e3nVYGyaN4ScrQqLqkCT7QAodZ61dUFjFXN2CE00PVBAByg6Y6LA0B0fyL8TogeDf8+o6LW6z2jIq7ZLK9AMML7goJktS+jeZeoynWuwdDtwAyw8xHZVZ0tkFQcOotUzCpllvGxbHaXMdV7e/O4/i/8A80KLHM3yh+CeSgaNGkDTPNQ2b2xU8PgaSHOLpQfoS04UfZBfVtml1HrgXkoMlOoCCDFaT85WjM0zixnF3n4VP1Gi8vFAjPEHKFo7SNO0OFAd7m1xRDDLMmvMsfiR6VElOmEW9dRQ90SyiboIrUKgheEEREmFF+H7whTkSwBc0BA0Bfv//Ny8sbdpbsmDX0oadTQtWlnZYt7Fpb2nRVguLVhYWWdm0aGdjo5WFRXs2E59HCWuBNRBo6w==",
  };

  it("is read as the zstd command writes it", async () => {
    for (const base64 of Object.values(COMPRESSED)) {
      const read = await readBytes(Buffer.from(base64, "base64"));
      expect(read.packets).toEqual(expected(packets));
      expect(read.problems).toEqual([]);
    }
  });

  it("is read in pieces of any size", async () => {
    for (const sizes of [[1], [2, 3, 5], [1000]]) {
      const read = await readPieces(Buffer.from(COMPRESSED.level19, "base64"), sizes);
      expect(read.packets).toEqual(expected(packets));
      expect(read.problems).toEqual([]);
    }
  });

  it("may have several frames, and skippable ones between", async () => {
    const frames = Buffer.concat([
      zstdSkippable(Buffer.from("made by a test")),
      zstdFrame([capture.subarray(0, 10), capture.subarray(10, half)], { checksum: true }),
      zstdSkippable(new Uint8Array(200_000)),
      zstdFrame([capture.subarray(half)]),
      zstdFrame([new Uint8Array(0)]),
      zstdSkippable(new Uint8Array(0)),
    ]);
    expect((await readBytes(frames)).packets).toEqual(expected(packets));
    const read = await readPieces(frames, [1, 2, 3, 100]);
    expect(read.packets).toEqual(expected(packets));
    expect(read.problems).toEqual([]);
  });

  it("cut short gives what comes before", async () => {
    const whole = zstdRaw(capture, 500);
    for (let cut = 40; cut < whole.length; cut += 37) {
      const read = await readBytes(whole.subarray(0, cut)).catch((error: Error) => error);
      if (read instanceof Error) {
        expect(cut).toBeLessThan(6 + 503);
        expect(read.message).toContain("cut short");
        continue;
      }
      expect(read.packets).toEqual(expected(packets).slice(0, read.packets.length));
      expect(read.packets.length).toBe(Math.floor((Math.floor((cut - 6) / 503) * 500 - 24) / 76));
      expect(read.problems).toMatchObject([{ code: "truncated" }]);
    }
  });

  it("damaged gives what comes before, with the byte of the file", async () => {
    const whole = zstdRaw(capture, 500);
    const third = 6 + 2 * 503;
    whole[third] = (whole[third] ?? 0) | 0x06;
    const read = await readBytes(whole);
    expect(read.packets).toHaveLength(Math.floor((1000 - 24) / 76));
    expect(read.problems).toMatchObject([{ code: "bad-compression", offset: 1000 }]);
    expect(read.problems[0]?.message).toContain(`at byte ${third} of the file`);
  });

  it("that asks for a window of gigabytes is refused before it is allocated", async () => {
    const before = process.memoryUsage().rss;
    await expect(readBytes(zstdFrame([capture], { windowByte: 0xa8 }))).rejects.toThrow(/window of 2147483648 bytes/);
    expect(process.memoryUsage().rss - before).toBeLessThan(500_000_000);
  });

  it("that expands without end is read in bounded memory", async () => {
    // 20,000 blocks of 4 bytes, each 128 KiB of zeros: 2.6 GB behind one packet that says it is longer than packets are
    const bomb = Array.from({ length: 20_000 }, () => ({ byte: 0, length: 131_072 }));
    const head = Buffer.concat([capture, Buffer.alloc(16, 0xff)]);
    const before = process.memoryUsage().rss;
    const read = await readBytes(zstdFrame([head, ...bomb], { windowByte: 0 }));
    expect(read.packets).toEqual(expected(packets));
    expect(read.problems).toMatchObject([{ code: "bad-record", offset: capture.length }]);
    expect(process.memoryUsage().rss - before).toBeLessThan(300_000_000);
  });

  const need = requires({ tool: "zstd" });
  describe.skipIf(need.missing)("by the zstd command", () => {
    const many = pcapBytes(written(30_000, 100));
    for (const flags of [
      ["-1"],
      ["-3", "--long=24"],
      ["-9"],
      ["-19", "--check"],
      ["-3", "--rsyncable", "--no-check"],
    ]) {
      it(`is read after zstd ${flags.join(" ")}`, { timeout: 20_000 }, async () => {
        const read = await readBytes(execFileSync("zstd", ["-q", "-c", ...flags], { input: many, maxBuffer: 1 << 28 }));
        expect(read.packets).toHaveLength(30_000);
        expect(read.packets.at(-1)).toEqual(expected(written(30_000, 100)).at(-1));
        expect(read.problems).toEqual([]);
      });
    }
  });
});
