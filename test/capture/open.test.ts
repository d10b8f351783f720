import { execFileSync } from "node:child_process";
import { createWriteStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { openCapture } from "../../src/capture/open.ts";
import { CaptureError } from "../../src/capture/reader.ts";
import { TimeBase } from "../../src/capture/time-base.ts";
import { pcapBytes } from "./pcap-bytes.ts";
import { PcapngWriter } from "./pcapng-bytes.ts";
import { drain, temporaryFile } from "./read-all.ts";

const capture = pcapBytes([{ time: 1_790_000_000_000_000_000n, data: Uint8Array.of(1, 2, 3) }]);

async function refusal(path: string, stdin?: NodeJS.ReadableStream): Promise<string> {
  const error = await openCapture(path, { timeBase: new TimeBase(), ...(stdin ? { stdin } : {}) }).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(CaptureError);
  const { message } = error as CaptureError;
  expect(message).not.toContain("\n");
  // what, where, and after the semicolon what to do next
  expect(message).toMatch(/^cannot read .+: .+; .+/);
  return message;
}

describe("what cannot be read", () => {
  it("is a file that is missing", async () => {
    expect(await refusal("/nowhere/lb1-eth0.pcap")).toContain("/nowhere/lb1-eth0.pcap: no such file");
  });

  it("is a directory", async () => {
    expect(await refusal(tmpdir())).toContain("is a directory");
  });

  it("is a path through a file", async () => {
    expect(await refusal(join(temporaryFile(capture), "x"))).toContain("not a directory");
  });

  it("is an empty file, and an empty stdin", async () => {
    expect(await refusal(temporaryFile(new Uint8Array(0)))).toContain("the file is empty");
    expect(await refusal("-", Readable.from([]))).toContain("stdin: it ended without a byte");
  });

  it("is a terminal", async () => {
    const terminal = Object.assign(new PassThrough(), { isTTY: true });
    expect(await refusal("-", terminal)).toContain("it is a terminal");
  });

  it("is a stdin that fails", async () => {
    const stdin = new Readable({ read: () => {} });
    stdin.destroy(new Error("EIO: i/o error"));
    expect(await refusal("-", stdin)).toContain("EIO");
  });

  it("is something else, which is named", async () => {
    const others: [Uint8Array | string, RegExp][] = [
      ["This is a note about a capture.\n", /no capture but text/],
      ["10:15:01.000001 IP 10.0.0.1.80 > 10.0.0.2.4000: Flags [S]", /printed output.*tcpdump -w/],
      ['{"schema":"l4scope.analysis/1"}', /JSON/],
      ["\x7fELF\x02\x01\x01\0\0\0\0\0", /ELF binary/],
      ["snoop\0\0\0\0\0\0\x02\0\0\0\x04", /Solaris snoop.*editcap -F pcapng \S+ OUT/],
      ["\xfd7zXZ\0\0\x04\xe6\xd6\xb4F", /xz-compressed; .*xz -dc \S+ \| l4scope analyze -/],
      ["PK\x03\x04\x14\0\0\0\x08\0\0\0", /zip archive/],
      ["\xa1\x2b\x3c\x4d\0\x02\0\x04\0\0\0\0", /Navtel/],
      [new Uint8Array(4096), /zero bytes/],
      [Buffer.from("deadbeef0011223344556677", "hex"), /begins with the bytes deadbeef/],
      [Buffer.from("0a0d0d0a1c00000000112233", "hex"), /pcapng whose first block is damaged/],
      ["ab", /text/],
    ];
    for (const [content, message] of others) {
      const bytes = typeof content === "string" ? Buffer.from(content, "latin1") : content;
      expect(await refusal(temporaryFile(bytes))).toMatch(message);
      expect(await refusal(temporaryFile(gzipSync(bytes)))).toMatch(message);
      expect(await refusal("-", Readable.from([bytes]))).toMatch(message);
    }
  });

  it("is a tar archive, also a compressed one", async () => {
    const tar = Buffer.alloc(1024);
    tar.write("captures/lb1.pcap", 0);
    tar.write("ustar", 257);
    expect(await refusal(temporaryFile(tar))).toContain("tar archive");
    expect(await refusal(temporaryFile(gzipSync(tar)))).toContain("tar archive");
  });

  it("is a capture cut within its first header", async () => {
    expect(await refusal(temporaryFile(capture.subarray(0, 23)))).toContain("(23 of 24 bytes)");
    expect(await refusal(temporaryFile(new PcapngWriter().section().subarray(0, 20)))).toContain("(20 of 28 bytes)");
    expect(await refusal(temporaryFile(gzipSync(capture).subarray(0, 15)))).toContain("cut short");
    expect(await refusal(temporaryFile(gzipSync(new Uint8Array(0))))).toContain("nothing is compressed in it");
    expect(await refusal("-", Readable.from([capture.subarray(0, 5)]))).toContain("cut short");
  });

  it("is a pcap of before 1996", async () => {
    expect(await refusal(temporaryFile(pcapBytes([], { version: [1, 4] })))).toContain("version 1.4");
  });

  it("is a capture compressed twice", async () => {
    expect(await refusal(temporaryFile(gzipSync(gzipSync(capture))))).toContain("compressed twice");
  });

  it.skipIf(process.getuid?.() === 0)("is a file without permission", async () => {
    const path = temporaryFile(capture);
    execFileSync("chmod", ["000", path]);
    expect(await refusal(path)).toContain("permission denied");
  });
});

describe("what can be read", () => {
  it("is a named pipe", async () => {
    const folder = mkdtempSync(join(tmpdir(), "l4scope-pipe-"));
    try {
      const path = join(folder, "pipe");
      execFileSync("mkfifo", [path]);
      const writer = createWriteStream(path);
      writer.end(capture);
      const timeBase = new TimeBase();
      const reader = await openCapture(path, { timeBase });
      expect(reader.progress.totalBytes).toBeNull();
      expect((await drain(reader, timeBase)).packets).toMatchObject([{ data: "010203" }]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("says how far it was read", async () => {
    for (const bytes of [capture, gzipSync(capture)]) {
      const path = temporaryFile(bytes);
      const reader = await openCapture(path, { timeBase: new TimeBase() });
      expect(reader.path).toBe(path);
      expect(reader.progress.totalBytes).toBe(bytes.length);
      while ((await reader.next()) !== null);
      expect(reader.progress.readBytes).toBe(bytes.length);
      await reader.close();
      await reader.close();
      expect(await reader.next()).toBeNull();
    }
  });

  it("may be closed before it is read", async () => {
    for (const bytes of [capture, gzipSync(Buffer.concat([capture, Buffer.alloc(5_000_000, 1)]))]) {
      const reader = await openCapture(temporaryFile(bytes), { timeBase: new TimeBase() });
      await reader.close();
      expect(await reader.next()).toBeNull();
    }
    const stdin = new PassThrough();
    stdin.write(capture);
    const reader = await openCapture("-", { timeBase: new TimeBase(), stdin });
    await reader.close();
    expect(stdin.destroyed).toBe(true);
  });
});
