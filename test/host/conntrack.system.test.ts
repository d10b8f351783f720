import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, test } from "vitest";
import { projectDir, requires } from "../support/requirement.ts";

const need = requires({ tool: ["ip", "nft", "python3", "conntrack"], root: true });

/** A datagram to a port that the kernel translates, and its answer, all on one host. */
const EXCHANGE = `
import socket
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); server.bind(("127.0.0.1", 5353))
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); client.bind(("127.0.0.1", 40000))
client.sendto(b"question", ("192.0.2.10", 53))
_, who = server.recvfrom(100)
server.sendto(b"answer!", who)
client.recvfrom(100)
tcp = socket.socket(); tcp.bind(("127.0.0.1", 8080)); tcp.listen()
c = socket.create_connection(("127.0.0.1", 8080), source_address=("127.0.0.1", 40001))
tcp.accept()
`;

describe.skipIf(need.missing)("connection tracking by netlink", () => {
  const name = `host-${process.pid}`;
  afterEach(() => void spawnSync("ip", ["netns", "del", name], { stdio: "ignore" }));
  const on = (...argv: string[]) => {
    const { status, stdout, stderr } = spawnSync("ip", ["netns", "exec", name, ...argv], { encoding: "utf8" });
    if (status !== 0) throw new Error(`${argv.join(" ")}: ${stderr}`);
    return stdout;
  };

  test("tells what conntrack(8) tells", async () => {
    spawnSync("ip", ["netns", "add", name]);
    on("ip", "link", "set", "lo", "up");
    on("ip", "address", "add", "192.0.2.10/32", "dev", "lo");
    on("sysctl", "-qw", "net.netfilter.nf_conntrack_acct=1");
    on(
      "nft",
      "table ip t { chain o { type nat hook output priority -100; ip daddr 192.0.2.10 udp dport 53 dnat to 127.0.0.1:5353; }; }",
    );
    const watcher = spawn(
      "ip",
      ["netns", "exec", name, process.execPath, "--import", "tsx", "test/host/watch-conntrack.ts"],
      { cwd: projectDir, stdio: ["pipe", "pipe", "inherit"] },
    );
    await once(watcher.stdout, "readable");
    on("python3", "-c", EXCHANGE);
    const listed = on("conntrack", "-L");
    watcher.stdin.write("now\n");
    const lines = (await text(watcher.stdout)).split("\n").filter((line) => line.startsWith("{"));
    const told = lines.map((line) => JSON.parse(line));
    const dns = told.filter(({ tuples }) => tuples[0] === "127.0.0.1:40000");
    expect(dns.map(({ kind }) => kind)).toEqual(["new", "table"]);
    expect(dns[1]).toMatchObject({
      protocol: 17,
      tuples: ["127.0.0.1:40000", "192.0.2.10:53", "127.0.0.1:5353", "127.0.0.1:40000"],
      isDestinationTranslated: true,
      isSourceTranslated: false,
      hasReply: true,
      tcpState: null,
      packets: { original: 1, reply: 1 },
      // IP and UDP headers are counted
      bytes: { original: 36, reply: 35 },
    });
    const tcp = told.find(({ kind, tuples }) => kind === "table" && tuples[0] === "127.0.0.1:40001");
    expect(tcp).toMatchObject({
      protocol: 6,
      tuples: ["127.0.0.1:40001", "127.0.0.1:8080", "127.0.0.1:8080", "127.0.0.1:40001"],
    });
    expect(listed).toContain(`${tcp.tcpState} src=127.0.0.1 dst=127.0.0.1 sport=40001`);
    expect(told.filter(({ kind }) => kind === "table").length).toBe(listed.trim().split("\n").length);
  });
});
