import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadTopology } from "../../src/topology/load.ts";
import { problemText } from "../../src/topology/topology.ts";
import { TopologyError } from "../../src/topology/topology-error.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "l4scope-topology-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const RULES = "-A -t 192.0.2.10:443 -s rr\n-a -t 192.0.2.10:443 -r 10.3.0.11:8443 -m -w 3\n";
const TABLE = "TCP 14:58  ESTABLISHED 10.1.0.21:40821 192.0.2.10:443 10.3.0.11:8443\n";

test("nothing given is an empty topology", async () => {
  expect(await loadTopology({})).toMatchObject({ vips: [], nodes: [], problems: [] });
});

describe("a file and imports", () => {
  test("complete each other, the file's word first", async () => {
    const file = write(
      "t.yaml",
      "vips: [{ vip: 192.0.2.10:443, protocol: tcp, mode: fullnat, backends: [{ backend: 10.3.0.12:8443 }, { backend: 10.3.0.11:8443 }] }]\n",
    );
    const rules = write("rules", RULES);
    const { vips, problems } = await loadTopology({ file, imports: [rules] });
    expect(vips).toEqual([
      {
        vip: "192.0.2.10:443",
        protocol: "tcp",
        mode: "fullnat",
        scheduler: "rr",
        proxyHeader: null,
        idleTimeoutSeconds: null,
        backends: [
          { backend: "10.3.0.12:8443", weight: 1, isBackup: false, maxConnections: null },
          { backend: "10.3.0.11:8443", weight: 1, isBackup: false, maxConnections: null },
        ],
      },
    ]);
    expect(problems.map(problemText)).toEqual([
      `${rules}: 192.0.2.10:443 has mode dnat here, but fullnat was said before: that stays`,
      `${rules}: 10.3.0.11:8443 of 192.0.2.10:443 has weight 3 here, but 1 was said before: that stays`,
    ]);
  });

  test("are told apart by content, unpacked, and read from stdin", async () => {
    const topology = await loadTopology({
      imports: [write("rules.gz", gzipSync(RULES)), "-"],
      stdin: Readable.from([Buffer.from(TABLE.slice(0, 30)), Buffer.from(TABLE.slice(30))]),
    });
    expect(topology.vips).toHaveLength(1);
    expect(topology.connections.count).toBe(1);
    expect(topology.connections.sources.at(-1)).toBe("stdin");
    expect(topology.problems).toEqual([]);
  });

  test("that are empty or hold nothing of use are only told", async () => {
    const empty = write("empty", " \n");
    const idle = write(
      "idle",
      "tcp 6 10 TIME_WAIT src=10.1.0.1 dst=10.1.0.2 sport=1 dport=2 src=10.1.0.2 dst=10.1.0.1 sport=2 dport=1\n",
    );
    const { problems } = await loadTopology({ imports: [empty, idle] });
    expect(problems.map(problemText)).toEqual([
      `${empty}: is empty`,
      `${idle}: read as conntrack -L or -E: no VIP and no translated connection in it`,
    ]);
  });
});

describe("an error", () => {
  test.each([
    ["no known format", "hello\n", /: none of the formats that can be imported: ipvsadm -Sn, /],
    ["a capture", new Uint8Array([0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0]), /: not a text \(is it a capture\?/],
    ["a broken gzip", new Uint8Array([0x1f, 0x8b, 8, 0, 0]), /: cannot be unpacked: /],
  ])("of an import: %s", async (name, content, expected) => {
    const path = write(name, content);
    await expect(loadTopology({ imports: [path] })).rejects.toThrow(TopologyError);
    await expect(loadTopology({ imports: [path] })).rejects.toThrow(expected);
  });

  test("of a file that is not there is the system's, with its path", async () => {
    const path = join(folder, "gone.yaml");
    await expect(loadTopology({ file: path })).rejects.toMatchObject({ code: "ENOENT", path });
  });

  test("is stdin for two", async () => {
    await expect(loadTopology({ file: "-", imports: ["-"] })).rejects.toThrow("stdin: can be read only once");
  });
});
