import { filterOf, probeFlags } from "../../src/cli/probe-flags.ts";
import { BaseCommand } from "../base.ts";

export default class Tcplife extends BaseCommand {
  static override enableJsonFlag = false;

  static override summary = "TCP connections of this host's sockets as they end: how long, how much, who, and how";

  static override description = [
    "One line for each connection that ends, with the process that used it, bytes in both directions, how long it lasted, which side opened it, its network namespace and how it ended. Connections that this host only forwards have no socket here and are not seen.",
    "A connection accepted is told with its process when that closes it; where the other end resets it first, the process is -. Bytes are the kernel's own counts: a SYN sent and a FIN count one each. MS is from the end of the handshake, or from connect() where there was none.",
  ].join("\n\n");

  static override examples = [
    { description: "All of them", command: "sudo <%= config.bin %> <%= command.id %>" },
    {
      description: "What a VIP's clients got from this real server, for a minute",
      command: "sudo <%= config.bin %> <%= command.id %> --vip 192.0.2.10:443 --duration 60",
    },
    {
      description: "HAProxy's connections to its backends that did not end well",
      command: "sudo <%= config.bin %> <%= command.id %> --comm haproxy --json | jq 'select(.ended != \"fin\")'",
    },
  ];

  static override flags = probeFlags(async (text) =>
    (await import("../../src/report/flows/address-match.ts")).parseAddressMatch(text),
  );

  override async run(): Promise<void> {
    const { flags } = await this.parse(Tcplife);
    const { watchProbe } = await import("../../src/probe/watch-probe.ts");
    await watchProbe("tcplife", {
      filter: filterOf(flags),
      json: flags.json,
      durationSeconds: flags.duration,
      out: process.stdout,
      tell: (sentence) => this.warn(sentence),
    });
  }
}
