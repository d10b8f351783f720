import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** What Wireshark's TCP analysis can remark on a segment; `tcp.analysis.` comes before each. */
export const REMARKS = [
  "retransmission",
  "out_of_order",
  "duplicate_ack",
  "zero_window",
  "keep_alive",
  "keep_alive_ack",
  "lost_segment",
  "ack_lost_segment",
  "reused_ports",
  "zero_window_probe",
  "zero_window_probe_ack",
] as const;
export type Remark = (typeof REMARKS)[number];

/** One frame in which tshark sees TCP. */
export interface TsharkFrame {
  frame: number;
  /** The stream of its first TCP header: what TCP itself may carry (OpenFlow's copies of packets) is another matter. */
  stream: number;
  /** `address port` of the sender. */
  source: string;
  wireLength: number;
  /** Layers from the outside, e.g. `eth:ethertype:ip:tcp`. */
  protocols: string;
  /** True for an ICMP error, which only quotes TCP. */
  isQuote: boolean;
  remarks: ReadonlySet<Remark>;
}

const FIELDS = [
  "frame.number",
  "tcp.stream",
  "tcp.srcport",
  "ip.src",
  "ipv6.src",
  "frame.len",
  "frame.protocols",
  "icmp.type",
  "icmpv6.type",
  ...REMARKS.map((remark) => `tcp.analysis.${remark}`),
];

export interface TsharkTcp {
  /** Frames with TCP. */
  frames: TsharkFrame[];
  /** Number of the last frame that tshark read at all. */
  lastFrame: number;
}

/**
 * Every TCP segment of a capture with its stream, from `-T fields` and not from `-z conv,tcp`, whose byte counts are
 * rounded to kB. IP fragments are not put together, as l4scope does not: a later one then has no TCP header.
 */
export async function tsharkTcp(path: string, extraArguments: readonly string[] = []): Promise<TsharkTcp> {
  const options = ["ip.defragment:FALSE", "ipv6.defragment:FALSE", "tcp.analyze_sequence_numbers:TRUE"];
  const { stdout } = await promisify(execFile)(
    "tshark",
    [
      "-n",
      "-r",
      path,
      ...options.flatMap((option) => ["-o", option]),
      ...extraArguments,
      "-T",
      "fields",
      "-E",
      "separator=/t",
      "-E",
      "occurrence=a",
      ...FIELDS.flatMap((field) => ["-e", field]),
    ],
    { encoding: "utf8", maxBuffer: 1 << 29 },
  ).catch((error: { stdout: string }) => error); // a capture cut short: what was read before counts
  const lines = stdout.split("\n").filter((line) => line !== "");
  return {
    frames: lines.map(parseLine).filter(({ stream }) => !Number.isNaN(stream)),
    lastFrame: Number.parseInt(lines.at(-1) ?? "0", 10),
  };
}

function parseLine(line: string): TsharkFrame {
  const [frame, stream, port, v4 = "", v6 = "", length, protocols = "", icmp, icmpv6, ...remarks] = line.split("\t");
  const above = protocols.split(":");
  above.length = Math.max(0, above.indexOf("tcp"));
  const isVersion6 = above.lastIndexOf("ipv6") > above.lastIndexOf("ip");
  const depth = above.filter((layer) => layer === (isVersion6 ? "ipv6" : "ip")).length;
  const address = (isVersion6 ? v6 : v4).split(",")[depth - 1];
  return {
    frame: Number(frame),
    stream: Number.parseInt(stream ?? "", 10),
    source: `${address} ${Number.parseInt(port ?? "", 10)}`,
    wireLength: Number(length),
    protocols,
    isQuote: icmp !== "" || icmpv6 !== "",
    remarks: new Set(REMARKS.filter((_, i) => (remarks[i] ?? "") !== "")),
  };
}
