/**
 * Where a tool a test calls comes from: the Debian package to install, and the file to look for when the tool is no
 * command of its own. `.ci/run` installs exactly these packages, and a test holds the two lists together.
 */
export interface DebianTool {
  package: string;
  /** Absolute paths, any of which proves that it is installed; the command of that name on the PATH if absent. */
  files?: readonly string[];
}

export const DEBIAN_TOOLS = {
  // capture files, and the oracles our readings are compared with
  tcpdump: { package: "tcpdump" },
  tshark: { package: "tshark" },
  editcap: { package: "tshark" },
  mergecap: { package: "tshark" },
  capinfos: { package: "tshark" },
  text2pcap: { package: "tshark" },
  tcptrace: { package: "tcptrace" },
  zstd: { package: "zstd" },
  // load balancers, and what the lab builds networks of
  haproxy: { package: "haproxy" },
  nginx: { package: "nginx-light" },
  "nginx-stream": { package: "libnginx-mod-stream", files: ["/usr/lib/nginx/modules/ngx_stream_module.so"] },
  nft: { package: "nftables" },
  iptables: { package: "iptables" },
  conntrack: { package: "conntrack" },
  bird: { package: "bird2" },
  birdc: { package: "bird2" },
  ip: { package: "iproute2" },
  tc: { package: "iproute2" },
  ss: { package: "iproute2" },
  bridge: { package: "iproute2" },
  ethtool: { package: "ethtool" },
  arping: { package: "arping" },
  python3: { package: "python3" },
  // kernel probes: their compiler and loader, and the tools they are compared with
  clang: { package: "clang" },
  "llvm-strip": { package: "llvm" },
  "libbpf-headers": { package: "libbpf-dev", files: ["/usr/include/bpf/bpf_helpers.h"] },
  libbpf: {
    package: "libbpf1",
    files: ["/usr/lib/x86_64-linux-gnu/libbpf.so.1", "/usr/lib/aarch64-linux-gnu/libbpf.so.1"],
  },
  bpftool: { package: "bpftool" },
  tcplife: { package: "libbpf-tools" },
  iperf3: { package: "iperf3" },
  // what reads our stores and our metrics
  sqlite3: { package: "sqlite3" },
  prometheus: { package: "prometheus" },
  promtool: { package: "prometheus" },
  "clickhouse-server": { package: "clickhouse-server" },
  // terminals and processes
  tmux: { package: "tmux" },
  ps: { package: "procps" },
  sysctl: { package: "procps" },
} as const satisfies Record<string, DebianTool>;

export type ToolName = keyof typeof DEBIAN_TOOLS;

/** Every package named above, once, sorted. */
export function debianPackages(): string[] {
  return [...new Set(Object.values(DEBIAN_TOOLS).map((tool) => tool.package))].sort();
}
