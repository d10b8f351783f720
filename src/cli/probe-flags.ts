import { boolean, custom, integer } from "@oclif/core/flags";
import type { AddressRule } from "../probe/connection-filter.ts";

/** Flags that may be given several times: any of the values will do. */
const several = { multiple: true, multipleNonGreedy: true, helpGroup: "FILTER" } as const;

/**
 * The flags of all probes of connections. A filter is applied in the kernel: what it holds back costs next to nothing.
 *
 * @param parse reads an address, a prefix, or either with a port
 */
export function probeFlags(parse: (text: string) => Promise<AddressRule>) {
  const address = custom<AddressRule>({ helpValue: "ADDRESS", parse: async (input) => parse(input) });
  return {
    address: address({ summary: "This address on either side.", ...several }),
    port: integer({ summary: "This port on either side.", min: 1, max: 65_535, helpValue: "PORT", ...several }),
    vip: address({ summary: "Called this address.", ...several }),
    pid: integer({ summary: "Of this process.", min: 1, helpValue: "PID", helpGroup: "FILTER" }),
    comm: custom<string>({ summary: "Of processes of this name.", helpValue: "NAME", helpGroup: "FILTER" })(),
    netns: custom<number>({
      summary: "In this network namespace: a name of ip netns, a path, or its inode number.",
      helpValue: "NETNS",
      helpGroup: "FILTER",
      parse: async (input) => (await import("../probe/network-namespace.ts")).parseNetworkNamespace(input),
    })(),
    duration: integer({ summary: "Stop after so long.", min: 1, helpValue: "SECONDS" }),
    json: boolean({ summary: "Print each event as one line of JSON.", helpGroup: "GLOBAL" }),
  };
}

/** The same for probes of packets, which know no process. */
export function packetProbeFlags(parse: (text: string) => Promise<AddressRule>) {
  const { pid: _pid, comm: _comm, ...flags } = probeFlags(parse);
  return flags;
}

/** The values of those flags as the probe takes them. */
export function filterOf(flags: {
  address?: AddressRule[] | undefined;
  port?: number[] | undefined;
  vip?: AddressRule[] | undefined;
  pid?: number | undefined;
  comm?: string | undefined;
  netns?: number | undefined;
}) {
  const { address, port, vip, pid, comm, netns } = flags;
  return { addresses: address, ports: port, vips: vip, pid, comm, netns };
}
