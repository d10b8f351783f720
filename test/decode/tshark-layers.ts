import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { TimedPacket } from "../../fixtures/packets/capture-file.ts";
import { pcapngFile } from "../../fixtures/packets/pcapng-file.ts";
import type { Frame } from "./corpus.ts";

/** What tshark reads of the innermost TCP or UDP header of a frame, and of the IP header around it. */
export interface Layers {
  /** tshark's path through the frame, as `eth:ethertype:ip:tcp`. */
  protocols: string;
  /** Null where there is none, or what it quotes, announces or answers is not the packet's own. */
  transport: "tcp" | "udp" | null;
  ipVersion: 4 | 6 | null;
  /** Values by field name; those that the frame has not are left out. */
  fields: ReadonlyMap<string, string>;
}

const IPV4 = ["ip.src", "ip.dst", "ip.ttl", "ip.id", "ip.len", "ip.hdr_len"];
const IPV6 = ["ipv6.src", "ipv6.dst", "ipv6.hlim", "ipv6.flow", "ipv6.plen"];
const TCP = [
  ...["tcp.srcport", "tcp.dstport", "tcp.seq_raw", "tcp.ack_raw", "tcp.flags"],
  ...["tcp.window_size_value", "tcp.hdr_len", "tcp.len"],
];
const TCP_OPTIONS = [
  ...["tcp.options.mss_val", "tcp.options.wscale.shift"],
  ...["tcp.options.timestamp.tsval", "tcp.options.timestamp.tsecr"],
];
const UDP = ["udp.srcport", "udp.dstport", "udp.length"];
const FIELDS = ["frame.protocols", ...IPV4, ...IPV6, ...TCP, ...TCP_OPTIONS, ...UDP];

/** Headers are read as they are: nothing is put together again, and no state is carried from frame to frame. */
const PREFERENCES = [
  "ip.defragment:FALSE",
  "ipv6.defragment:FALSE",
  "tcp.desegment_tcp_streams:FALSE",
  "tcp.relative_sequence_numbers:FALSE",
  "tcp.analyze_sequence_numbers:FALSE",
  "vxlan.udp.port:4789,8472",
];

/** Tunnels and samples that tshark looks into and the decoder leaves alone. */
const LEFT_ALONE = ["gtp", "l2tp", "macsec", "nsh", "openflow", "pim", "sflow", "teredo"];
const MPLS_IN_UDP = "udp.port==6635,data";

/**
 * Has tshark read frames of any captures and link types in one run.
 *
 * @returns one entry per frame, in order.
 */
export async function tsharkLayers(frames: readonly Frame[]): Promise<Layers[]> {
  const folder = mkdtempSync(join(tmpdir(), "l4scope-decode-"));
  try {
    const input = join(folder, "frames.pcapng");
    writeFileSync(input, oneCapture(frames));
    const layers: Layers[] = [];
    for await (const line of tsharkLines(input)) layers.push(innermost(line.split("\t")));
    if (layers.length !== frames.length) throw new Error(`tshark read ${layers.length} of ${frames.length} frames`);
    return layers;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** One pcapng with an interface for each link type. */
function oneCapture(frames: readonly Frame[]): Uint8Array {
  const linkTypes = [...new Set(frames.map((frame) => frame.linkType))];
  const packets = frames.map(({ bytes, wireLength, linkType }, i): TimedPacket => {
    return { timeSeconds: i, bytes, wireBytes: wireLength, interface: linkTypes.indexOf(linkType) };
  });
  return pcapngFile({ interfaces: linkTypes.map((linkType) => ({ linkType })), packets });
}

async function* tsharkLines(input: string): AsyncIterable<string> {
  const script = fileURLToPath(new URL("gue.lua", import.meta.url));
  const child = spawn(
    "tshark",
    [
      ...["-n", "-r", input, "-X", `lua_script:${script}`, "-d", MPLS_IN_UDP],
      ...PREFERENCES.flatMap((preference) => ["-o", preference]),
      ...LEFT_ALONE.flatMap((protocol) => ["--disable-protocol", protocol]),
      ...["-T", "fields", "-E", "separator=/t", "-E", "occurrence=a", "-E", "aggregator=,"],
      ...FIELDS.flatMap((field) => ["-e", field]),
    ],
    { stdio: ["ignore", "pipe", "ignore"] },
  );
  const failure = new Promise<never>((_, reject) => child.on("error", reject));
  failure.catch(() => {});
  yield* createInterface({ input: child.stdout });
}

/** Picks the innermost TCP or UDP header and its IP header out of all that a frame has. */
function innermost(values: readonly string[]): Layers {
  const byName = new Map(FIELDS.map((name, i) => [name, values[i]?.split(",") ?? []]));
  const protocols = values[0] ?? "";
  const fields = new Map<string, string>();
  const take = (names: readonly string[], occurrence: number) => {
    for (const name of names) {
      const value = byName.get(name)?.[occurrence];
      if (value !== undefined && value !== "") fields.set(name, value);
      else fields.delete(name);
    }
  };
  let transport: "tcp" | "udp" | null = null;
  let ipVersion: 4 | 6 | null = null;
  const seen = { ip: 0, ipv6: 0, tcp: 0, udp: 0 };
  for (const protocol of protocols.split(":")) {
    switch (protocol) {
      case "ip":
        transport = null;
        ipVersion = 4;
        take(IPV4, seen.ip++);
        break;
      case "ipv6":
        transport = null;
        ipVersion = 6;
        take(IPV6, seen.ipv6++);
        break;
      case "tcp":
        transport = "tcp";
        take(TCP, seen.tcp++);
        take(TCP_OPTIONS, 0);
        break;
      case "udp":
        transport = "udp";
        take(UDP, seen.udp++);
        break;
      case "icmp":
      case "icmpv6":
      case "arp":
        // what an ICMP error quotes is no header of the packet's own
        return { protocols, transport: null, ipVersion, fields };
    }
  }
  return { protocols, transport, ipVersion, fields };
}
